import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { header, headers, type ReceivedMessage, uriIn } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** RFC 3261 §8.3 with RFC 3263: whom the redirect server does not know it looks up. */
describe("users of other domains, at the redirect server", () => {
  let dns: DnsServer;
  let serverUnderTest: ServerUnderTest;
  let alice: Phone;
  let count = 0;
  let domain: string;

  beforeAll(async () => {
    dns = await startDnsServer();
    serverUnderTest = await startServerUnderTest({ settings: { DNS_URL: dns.url, ALLOWED_NETWORKS: "10.20.0.0/16" } });
    const account = await serverUnderTest.newcomer("alice");
    alice = new Phone(await openSocket(`${serverUnderTest.server.wsUrl}/redirect`, account), { account, way: "general" });
  });
  afterAll(async () => {
    await serverUnderTest.close();
    dns.close();
  });
  beforeEach(() => {
    count += 1;
    domain = `d${count}.example`;
  });

  const asks = (uri: string): Promise<ReceivedMessage> => alice.transact("INVITE", uri);
  const contacts = (answer: ReceivedMessage): string[] => headers(answer, "contact").map((contact) => uriIn(contact));

  it("are told by the servers of their domain, best first, and stay who they are", async () => {
    dns.zone = [
      `${domain} NAPTR 1 1 s SIPS+D2T - _sips._tcp.${domain}`,
      `_sips._tcp.${domain} SRV 2 1 5063 b.${domain}`,
      `_sips._tcp.${domain} SRV 1 1 5062 a.${domain}`,
      `a.${domain} A 8.8.8.8`,
      `b.${domain} AAAA 2a00:1450::1`,
    ];
    const answer = await asks(`sip:bob@${domain};user=phone`);
    expect([answer.status, headers(answer, "contact")]).toEqual([
      302,
      [
        `<sip:bob@${domain}:5062;user=phone;maddr=8.8.8.8;transport=tls>;q=1`,
        `<sip:bob@${domain}:5063;user=phone;maddr=[2a00:1450::1];transport=tls>;q=0.9`,
      ],
    ]);
  });

  it("are told by name and secure where they are reached over WebSocket (RFC 7118)", async () => {
    dns.zone = [
      `${domain} NAPTR 1 1 s SIPS+D2W - _sips._ws.${domain}`,
      `_sips._ws.${domain} SRV 1 1 443 edge.${domain}`,
      `edge.${domain} A 8.8.8.8`,
    ];
    expect(contacts(await asks(`sip:bob@${domain}`))).toEqual([`sips:bob@${domain}:443;maddr=edge.${domain};transport=ws`]);
  });

  it("of SIPS URIs stay so", async () => {
    dns.zone = [`_sips._tcp.${domain} SRV 1 1 5062 a.${domain}`, `a.${domain} A 8.8.8.8`];
    expect(contacts(await asks(`sips:bob@${domain}`))).toEqual([`sips:bob@${domain}:5062;maddr=8.8.8.8;transport=tcp`]);
  });

  it.each<readonly [string, (domain: string) => readonly string[], number]>([
    ["there is no such domain", () => [], 404],
    ["its server fails", (name) => [`${name} NAPTR SERVFAIL`, `${name} A SERVFAIL`, `${name} AAAA SERVFAIL`], 503],
    ["it leads inside", (name) => [`_sip._tcp.${name} SRV 1 1 5060 in.${name}`, `in.${name} A 192.168.1.1`], 403],
  ])("if %s", async (_what, zone, status) => {
    dns.zone = zone(domain);
    expect((await asks(`sip:bob@${domain}`)).status).toBe(status);
  });

  it("are told inside networks that calls may leave to", async () => {
    dns.zone = [`_sip._tcp.${domain} SRV 1 1 5060 in.${domain}`, `in.${domain} A 10.20.3.4`];
    expect(contacts(await asks(`sip:bob@${domain}`))).toEqual([`sip:bob@${domain}:5060;maddr=10.20.3.4;transport=tcp`]);
  });

  it("are told to those only who have authenticated: nothing is asked before", async () => {
    const account = await serverUnderTest.newcomer("eve");
    const stranger = new Phone(await openSocket(`${serverUnderTest.server.wsUrl}/redirect`, account), { account, way: "general" });
    dns.asked.splice(0);
    const sent = stranger.request("INVITE", `sip:bob@${domain}`);
    expect([(await stranger.finalResponse(sent)).status, dns.asked]).toEqual([401, []]);
  });

  it("of whom routes, trunks and rules are no matter: strangers are not told of a trunk", async () => {
    await serverUnderTest.server.provision({ domain: "open.example", username: "eve", password: "offhook" });
    await serverUnderTest.server.api("PUT", "/domains/open.example/settings", { answer_strangers: true });
    await serverUnderTest.server.api("PUT", "/domains/open.example/trunks/inside", { server: "sip:10.20.0.1;transport=tcp" });
    const action = { kind: "trunk", trunk: "inside" };
    await serverUnderTest.server.api("PUT", "/domains/open.example/routes/out", { match: { user: { prefix: "+" } }, action });
    const stranger = await alice.finalResponse(alice.request("INVITE", "sip:+4930@open.example"));
    expect([stranger.status, header(stranger, "contact")]).toEqual([404, undefined]);
  });
});
