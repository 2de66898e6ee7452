import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { headers, type ReceivedMessage, uriIn } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

describe("ENUM at the redirect server (RFC 6116)", () => {
  let dns: DnsServer;
  let serverUnderTest: ServerUnderTest;
  let alice: Phone;
  let count = 0;
  let number: string;
  let name: string;

  beforeAll(async () => {
    dns = await startDnsServer();
    serverUnderTest = await startServerUnderTest({ settings: { DNS_URL: dns.url, ENUM_APEX: "enum.example" } });
    const account = await serverUnderTest.newcomer("alice");
    alice = new Phone(await openSocket(`${serverUnderTest.server.wsUrl}/redirect`, account), { account, way: "general" });
  });
  afterAll(async () => {
    await serverUnderTest.close();
    dns.close();
  });
  beforeEach(() => {
    count += 1;
    number = `+49${1000 + count}`;
    name = `${[...number.slice(1)].reverse().join(".")}.enum.example`;
  });

  const asks = (uri: string): Promise<ReceivedMessage> => alice.transact("INVITE", uri);
  const contacts = (answer: ReceivedMessage): string[] => headers(answer, "contact").map((contact) => uriIn(contact));

  it("a number leads to the URI that its record makes of it", async () => {
    dns.zone = [`${name} NAPTR 1 1 u E2U+sip !^\\+49(.*)$!sip:\\1@provider.example! .`];
    const answer = await asks(`sip:${number}@localhost`);
    expect([answer.status, contacts(answer)]).toEqual([302, [`sip:${number.slice(3)}@provider.example`]]);
  });

  it("a tel URI too, by order and preference", async () => {
    dns.zone = [
      `${name} NAPTR 1 20 u E2U+sip !^.*$!sip:second@provider.example! .`,
      `${name} NAPTR 1 10 u E2U+sip !^.*$!sip:first@provider.example! .`,
    ];
    expect(contacts(await asks(`tel:${number}`))).toEqual(["sip:first@provider.example", "sip:second@provider.example"]);
  });

  it("records of other services, and expressions that are none, lead nowhere: 404", async () => {
    dns.zone = [`${name} NAPTR 1 1 u E2U+mailto !^.*$!mailto:a@b.example! .`, `${name} NAPTR 1 2 u E2U+sip !(((!sip:x@y.example! .`];
    expect((await asks(`sip:${number}@localhost`)).status).toBe(404);
  });

  it("records that lead round end: 404", async () => {
    dns.zone = [`${name} NAPTR 1 1 - E2U+sip - ${name}`];
    expect((await asks(`sip:${number}@localhost`)).status).toBe(404);
  });

  it("a number with visual separators is the same (RFC 3966 §5.1.1)", async () => {
    dns.zone = [`${name} NAPTR 1 1 u E2U+sip !^.*$!sip:info@provider.example! .`];
    const answer = await asks(`tel:${number.slice(0, 3)}-(${number.slice(3, 5)}).${number.slice(5)}`);
    expect([answer.status, contacts(answer)]).toEqual([302, ["sip:info@provider.example"]]);
  });

  it("a number that has no record: 404", async () => {
    dns.zone = [];
    expect((await asks(`sip:${number}@localhost`)).status).toBe(404);
  });

  it("a DNS that fails: 503, since it may be well again", async () => {
    dns.zone = [`${name} NAPTR SERVFAIL`];
    expect((await asks(`sip:${number}@localhost`)).status).toBe(503);
  });

  it("a number of ours is not asked for", async () => {
    await serverUnderTest.newcomer("bob", [number]);
    dns.asked.splice(0);
    expect((await asks(`sip:${number}@localhost`)).status).toBe(480);
    expect(dns.asked).toEqual([]);
  });
});
