import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, shortSdp } from "../support/compose.ts";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { header } from "../support/received-message.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** A PBX behind a firewall. The network is a stand-in: it knows `pbx.internal` only, and nothing else can find that name. */
let serverUnderTest: ServerUnderTest;
let pbx: SipServer;
let alice: Phone;

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({
    networks: ["NETWORK_OFFICE"],
    settings: { RECONNECT_TIME: "1", MAXIMUM_RECONNECT_TIME: "2" },
  });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  pbx = await startSipServer();
  [alice] = await serverUnderTest.phones("direct", "alice");
});
afterEach(async () => {
  await serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/office");
  pbx.close();
});

const inNetwork = () => ({ server: `sip:pbx.internal:${pbx.port};transport=tcp`, network: "NETWORK_OFFICE", prefixes: ["+1"] });
const put = (trunk: object) => serverUnderTest.server.api("PUT", "/domains/localhost/trunks/office", trunk);
const contact = () => `Contact: <sip:desk@10.0.0.5:${pbx.port};transport=tcp>`;

describe("a trunk in a private network", () => {
  it("is called, answers, and hangs up, over plain TCP through the network", async () => {
    expect((await put(inNetwork())).status).toBe(200);
    const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
    const invite = await pbx.next("INVITE");
    pbx.reply(invite, 200, [contact()], shortSdp);
    const near = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(near);
    await pbx.next("ACK");
    const { callId, local, remote, target, routes } = dialogOfCallee(invite, "theirs");
    const lines = [`Via: SIP/2.0/TCP 10.0.0.5:${pbx.port};branch=z9hG4bKbye`, "Max-Forwards: 70", `From: ${local}`, `To: ${remote}`];
    const route = routes.map((one) => `Route: ${one}`);
    pbx.send(compose(`BYE ${target} SIP/2.0`, [...lines, `Call-ID: ${callId}`, "CSeq: 1 BYE", ...route], ""));
    alice.reply(await alice.next("BYE"), 200);
    expect((await pbx.next(200, { method: "BYE" })).status).toBe(200);
  });

  it("calls over the connection on which it is registered with", async () => {
    expect((await put({ ...inNetwork(), username: "offhook", password: "secret", register: true, inbound: true })).status).toBe(200);
    const register = await pbx.next("REGISTER");
    pbx.reply(register, 200, [`Contact: ${header(register, "contact")};expires=120`]);
    const lines = [`Via: SIP/2.0/TCP 10.0.0.5:${pbx.port};branch=z9hG4bKcall`, "Max-Forwards: 70", "From: <sip:+49301@office>;tag=far"];
    const call = [`To: <sip:${alice.account}@localhost>`, "Call-ID: from-the-office", "CSeq: 1 INVITE", contact()];
    pbx.send(compose(`INVITE sip:${alice.account}@localhost SIP/2.0`, [...lines, ...call], shortSdp));
    alice.reply(await alice.next("INVITE"), 486);
    expect((await pbx.next(486)).status).toBe(486);
  });

  it("is shown with its network, and is unreachable where the network has no such server", async () => {
    expect(await (await put({ ...inNetwork(), server: "sip:other.internal" })).json()).toMatchObject({ network: "NETWORK_OFFICE" });
    const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
    expect((await alice.finalResponse(sent)).status).toBe(500);
    const { servers } = (await (await serverUnderTest.server.api("GET", "/domains/localhost/trunks/office/status")).json()) as {
      servers: object[];
    };
    expect(servers).toMatchObject([{ host: "other.internal", address: "other.internal", port: 5060, connected: false }]);
  });

  it.each([
    ["a network that is not bound", { network: "NETWORK_HOME" }, "network: this deployment has no binding NETWORK_HOME"],
    ["a binding that is no network", { network: "ADDRESS_OF_RECORD" }, "network: is not NETWORK"],
    ["a server over TLS", { server: "sips:pbx.internal" }, "server: its transport is not tcp"],
    ["a server over WebSocket", { server: "sip:pbx.internal;transport=ws" }, "server: its transport is not tcp"],
  ])("is refused: %s", async (_what, changes, detail) => {
    const answer = await put({ ...inNetwork(), ...changes });
    expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([400, expect.stringContaining(detail)]);
  });

  it("is not for an administrator of one domain, who leads calls neither into the network nor to other servers there", async () => {
    const made = await serverUnderTest.server.api("POST", "/keys", { name: "domain", domain: "localhost", scope: "everything" });
    const { key } = (await made.json()) as { key: string };
    const putByKey = (trunk: object) =>
      fetch(`${serverUnderTest.server.url}/api/v1/domains/localhost/trunks/office`, {
        method: "PUT",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
        body: JSON.stringify(trunk),
      });
    expect((await putByKey(inNetwork())).status).toBe(403);
    expect((await put(inNetwork())).status).toBe(200);
    expect((await putByKey({ ...inNetwork(), prefixes: ["+2"] })).status).toBe(200);
    for (const changes of [{ server: "sip:pbx.internal:22" }, { network: undefined }])
      expect((await putByKey({ ...inNetwork(), ...changes })).status).toBe(403);
    expect((await put({ server: "sip:pbx.example.com" })).status).toBe(200);
    expect((await putByKey({ server: "sip:other.example.com" })).status).toBe(200);
  });
});
