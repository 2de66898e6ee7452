import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import type { Phone } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** RFC 3263 on the wire: names, a DNS server over HTTPS, and servers that come and go. */
let dns: DnsServer;
let serverUnderTest: ServerUnderTest;
let first: SipServer;
let second: SipServer;
let alice: Phone;
let count = 0;
let domain: string;

beforeAll(async () => {
  dns = await startDnsServer();
  const settings = { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: "10", DNS_URL: dns.url };
  serverUnderTest = await startServerUnderTest({ settings });
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { calls_out: true });
  [alice] = await serverUnderTest.phones("general", "alice");
});
afterAll(async () => {
  await serverUnderTest.close();
  dns.close();
});
beforeEach(async () => {
  [first, second] = [await startSipServer(), await startSipServer()];
  count += 1;
  domain = `d${count}.example`;
});
afterEach(() => {
  first.close();
  second.close();
});

const asks = (uri = `sip:bob@${domain}`) => alice.request("INVITE", uri, { body: shortSdp });
const address = (): string => `host.${domain} A 127.0.0.1`;
const srv = (priority: number, server: SipServer): string => `_sip._tcp.${domain} SRV ${priority} 1 ${server.port} host.${domain}`;

describe("the servers of another domain (RFC 3263 §4)", () => {
  it("are found by SRV", async () => {
    dns.zone = [srv(1, first), address()];
    asks();
    expect((await first.next("INVITE")).requestUri).toBe(`sip:bob@${domain}`);
  });

  it("are found by NAPTR, which names the transport", async () => {
    dns.zone = [`${domain} NAPTR 10 10 s SIP+D2T - special.${domain}`, `special.${domain} SRV 1 1 ${first.port} host.${domain}`, address()];
    asks();
    await first.next("INVITE");
    expect(dns.asked).toContain(`special.${domain} SRV`);
  });

  it("are found by their address where a port is named, and then nothing else is asked", async () => {
    dns.zone = [`${domain} A 127.0.0.1`];
    dns.asked.splice(0);
    asks(`sip:bob@${domain}:${first.port};transport=tcp`);
    await first.next("INVITE");
    expect(dns.asked.every((question) => question.endsWith(" A") || question.endsWith(" AAAA"))).toBe(true);
  });

  it("are tried in the order of their priority", async () => {
    dns.zone = [srv(2, first), srv(1, second), address()];
    asks();
    await second.next("INVITE");
    expect(first.rest()).toEqual([]);
  });

  it("that cannot be reached lead on to the next (§4.3)", async () => {
    dns.zone = [srv(1, first), srv(2, second), address()];
    first.close();
    const sent = asks();
    const invite = await second.next("INVITE");
    second.reply(invite, 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
  });

  it("that answer 503 lead on to the next (§4.3)", async () => {
    dns.zone = [srv(1, first), srv(2, second), address()];
    const sent = asks();
    first.reply(await first.next("INVITE"), 503);
    const invite = await second.next("INVITE");
    expect((await first.next("ACK")).method).toBe("ACK");
    second.reply(invite, 200, [`Contact: <sip:bob@127.0.0.1:${second.port}>`], shortSdp);
    expect((await alice.finalResponse(sent)).status).toBe(200);
  });

  it("that all answer 503 end in 500", async () => {
    dns.zone = [srv(1, first), srv(2, second), address()];
    const sent = asks();
    first.reply(await first.next("INVITE"), 503);
    second.reply(await second.next("INVITE"), 503);
    expect((await alice.finalResponse(sent)).status).toBe(500);
  });
});

describe("a DNS that does not help ends in a clear response", () => {
  const ends = async (zone: readonly string[], uri?: string): Promise<number> => {
    dns.zone = zone;
    return (await alice.finalResponse(asks(uri))).status;
  };

  it("no such domain: 404", async () => {
    expect(await ends([])).toBe(404);
  });

  it("a server that fails: 500, since it may be well again", async () => {
    expect(
      await ends([
        `${domain} NAPTR SERVFAIL`,
        `_sip._tcp.${domain} SRV SERVFAIL`,
        `_sips._tcp.${domain} SRV SERVFAIL`,
        `${domain} A SERVFAIL`,
        `${domain} AAAA SERVFAIL`,
      ]),
    ).toBe(500);
  });

  it("answers that are cut off", async () => {
    expect(await ends([`${domain} A TRUNCATED`, `${domain} AAAA TRUNCATED`], `sip:bob@${domain}:5060`)).toBe(500);
  });

  it("answers about somebody else: nobody is there", async () => {
    expect(await ends([`${domain} A LIE`], `sip:bob@${domain}:5060`)).toBe(404);
  });

  it("silence", async () => {
    expect(await ends([`${domain} A SILENT`, `${domain} AAAA SILENT`], `sip:bob@${domain}:5060`)).toBe(500);
  });

  it("records that lead round: nobody is there", async () => {
    expect(await ends([`${domain} NAPTR 1 1 s SIP+D2T - ${domain}`])).toBe(404);
  });

  it("a service that is decidedly not there (RFC 2782)", async () => {
    expect(await ends([`_sip._tcp.${domain} SRV 0 0 0 .`, `_sips._tcp.${domain} SRV 0 0 0 .`])).toBe(404);
  });
});

describe("names that lead inside (SSRF)", () => {
  it.each(["10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1"])("%s: 403, and nobody connects", async (inside) => {
    dns.zone = [`${domain} A ${inside}`];
    expect((await alice.finalResponse(asks(`sip:bob@${domain}:5060;transport=tcp`))).status).toBe(403);
  });
});
