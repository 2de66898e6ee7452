import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { once } from "node:events";
import { connect } from "node:net";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { addresses, header, headers, uriIn } from "../support/received-message.ts";
import type { Invitation } from "sip.js";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { type Company, hasKamailio, openCompany } from "../support/kamailio.ts";
import { startSipServer } from "../support/sip-server.ts";
import type { ServerUnderTest } from "../support/server-under-test.ts";

/** Calls to a SIPp behind a real Kamailio. */
describe.skipIf(!hasKamailio)("Kamailio", () => {
  let dns: DnsServer;
  let company: Company;
  let serverUnderTest: ServerUnderTest;

  beforeAll(async () => {
    [dns, company] = [await startDnsServer(), await openCompany()];
    process.env["NODE_EXTRA_CA_CERTS"] = company.authority;
    // Miniflare reads that when it is loaded.
    const { startServerUnderTest } = await import("../support/server-under-test.ts");
    serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", DNS_URL: dns.url } });
    await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { calls_out: true });
    dns.zone = [
      `_sip._tcp.pbx.example SRV 1 1 ${company.tcpPort} host.pbx.example`,
      `_sips._tcp.pbx.example SRV 1 1 ${company.tlsPort} host.pbx.example`,
      "host.pbx.example A 127.0.0.1",
      `_sips._tcp.impostor.example SRV 1 1 ${company.tlsPort} host.pbx.example`,
    ];
  });
  afterAll(async () => {
    await serverUnderTest?.close();
    await company?.close();
    dns?.close();
  });

  it.each([
    ["TCP", "sip:sipp@pbx.example;transport=tcp"],
    ["TLS, its certificate that of the domain", "sips:sipp@pbx.example"],
  ])("is called over %s: SIPp answers, the caller hangs up", async (_name, uri) => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const sent = alice.request("INVITE", uri, { body: shortSdp });
    await alice.next(180);
    const answer = await alice.finalResponse(sent);
    expect(answer.status).toBe(200);
    const dialog = dialogOfCaller(answer);
    alice.ack(dialog);
    const bye = alice.bye(dialog);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it.each(["sip:sipp@pbx.example;transport=tcp", "sip:sipp@pbx.example", "sips:sipp@pbx.example"])(
    "is called at %s, and SIPp hangs up, along both routes",
    async (uri) => {
      const [alice] = await serverUnderTest.phones("direct", "alice");
      const sent = alice.request("INVITE", uri, { body: shortSdp });
      const answer = await alice.finalResponse(sent);
      expect(headers(answer, "record-route").length).toBeGreaterThan(0);
      alice.ack(dialogOfCaller(answer));
      const bye = await alice.next("BYE");
      alice.reply(bye, 200);
      await alice.hearsNothingWithin(1200, "BYE");
    },
  );

  it.each(["sip:sipp@pbx.example;transport=tcp", "sips:sipp@pbx.example"])("is called at %s by SIP.js, which hangs up", async (uri) => {
    const { Inviter, SessionState, UserAgent } = await import("sip.js");
    const { registeredSipJs } = await import("../support/stock-phones.ts");
    const account = await serverUnderTest.newcomer("alice");
    const { agent } = await registeredSipJs({ wsUrl: serverUnderTest.server.wsUrl, account, way: "general" });
    const target = UserAgent.makeURI(uri);
    if (target === undefined) throw new Error("no URI");
    const inviter = new Inviter(agent, target);
    const states: string[] = [];
    inviter.stateChange.addListener((state) => states.push(state));
    await inviter.invite();
    await expect.poll(() => states).toContain(SessionState.Established);
    await inviter.bye();
    await expect.poll(() => states).toContain(SessionState.Terminated);
    await agent.stop();
  });

  it.each(["sip:pbx.example;transport=tcp", "sips:pbx.example"])(
    "challenges us, registers us at %s, and calls SIP.js by what we have registered: SIPp hangs up",
    async (server) => {
      const { registeredSipJs } = await import("../support/stock-phones.ts");
      const account = await serverUnderTest.newcomer("alice", ["4930555"]);
      const ends: string[] = [];
      const onInvite = (invitation: Invitation): void => {
        invitation.stateChange.addListener((state) => ends.push(state));
        void invitation.accept();
      };
      const { agent } = await registeredSipJs({ wsUrl: serverUnderTest.server.wsUrl, account, way: "general" }, { onInvite });
      const trunk = { server, username: "4930555", password: "secret", register: true, inbound: true };
      await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/company", trunk);
      // Until we are registered SIPp draws 404.
      await expect.poll(() => company.calls("4930555")).toBe(true);
      expect(ends).toEqual(["Establishing", "Established", "Terminated"]);
      await serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/company");
      await serverUnderTest.server.provision({ domain: "localhost", username: account, password: "offhook", aliases: [] });
      await agent.stop();
    },
  );

  it("rings, and is cancelled: its phone stops, and the call ends with its 487", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const { desk } = company;
    const sent = alice.request("INVITE", "sip:desk@pbx.example;transport=tcp", { body: shortSdp });
    const invite = await desk.next("INVITE");
    desk.reply(invite, 180, [`Contact: <sip:desk@127.0.0.1:${desk.port};transport=tcp>`]);
    await alice.next(180);
    alice.cancel(sent);
    desk.reply(await desk.next("CANCEL"), 200);
    desk.reply(invite, 487);
    expect((await alice.next(487)).status).toBe(487);
  });

  it("dies in the middle of a call and comes back: the call goes on, and is ended", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const { desk } = company;
    const sent = alice.request("INVITE", "sip:desk@pbx.example;transport=tcp", { body: shortSdp });
    desk.reply(await desk.next("INVITE"), 200, [`Contact: <sip:desk@127.0.0.1:${desk.port};transport=tcp>`], shortSdp);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await desk.next("ACK");
    await company.restart();
    const bye = alice.bye(dialog);
    desk.reply(await desk.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it("dies in the middle of a call and comes back: the other side hangs up by it, though its route names our lost connection (RFC 5923 §8.1)", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const { desk } = company;
    const sent = alice.request("INVITE", "sip:desk@pbx.example;transport=tcp", { body: shortSdp });
    const invite = await desk.next("INVITE");
    desk.reply(invite, 200, [`Contact: <sip:desk@127.0.0.1:${desk.port};transport=tcp>`], shortSdp);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await desk.next("ACK");
    await company.restart();
    const lines = [
      "Max-Forwards: 70",
      ...addresses(invite, "record-route").map((route) => `Route: ${route}`),
      `From: ${dialog.remote}`,
      `To: ${dialog.local}`,
      `Call-ID: ${dialog.callId}`,
      "CSeq: 1 BYE",
    ];
    const line = connect(company.tcpPort, "127.0.0.1");
    await once(line, "connect");
    const hangsUp = async (): Promise<boolean> => {
      const via = `Via: SIP/2.0/TCP 127.0.0.1:${desk.port};branch=${newBranch()}`;
      line.write(compose(`BYE ${uriIn(header(invite, "contact"))} SIP/2.0`, [via, ...lines]));
      const bye = await alice.next("BYE", { milliseconds: 1000 }).catch(() => undefined);
      if (bye !== undefined) alice.reply(bye, 200);
      return bye !== undefined;
    };
    // Our new connection may not be there yet.
    await expect.poll(hangsUp).toBe(true);
    line.destroy();
  });

  it("takes the calls that the domain's first server refuses with 503 (RFC 3263 §4.3)", async () => {
    const first = await startSipServer();
    dns.zone = [
      ...dns.zone,
      `_sip._tcp.pair.example SRV 1 1 ${first.port} host.pbx.example`,
      `_sip._tcp.pair.example SRV 2 1 ${company.tcpPort} host.pbx.example`,
    ];
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const sent = alice.request("INVITE", "sip:sipp@pair.example;transport=tcp", { body: shortSdp });
    first.reply(await first.next("INVITE"), 503);
    const answer = await alice.finalResponse(sent);
    expect(answer.status).toBe(200);
    const dialog = dialogOfCaller(answer);
    alice.ack(dialog);
    expect((await alice.finalResponse(alice.bye(dialog))).status).toBe(200);
    first.close();
  });

  it("refuses: 486 goes up", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    expect((await alice.finalResponse(alice.request("INVITE", "sip:busy@pbx.example", { body: shortSdp }))).status).toBe(486);
  });

  it("with a certificate of another domain is not trusted (RFC 5922 §7): 500", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    expect((await alice.finalResponse(alice.request("INVITE", "sips:sipp@impostor.example", { body: shortSdp }))).status).toBe(500);
  });
});
