import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { Phone } from "../support/phone.ts";
import { type ReceivedMessage, header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

/** REFER (RFC 3515), and the calls over trunks that it makes others place. */
let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let alice: Phone;
let bob: Phone;

const put = (path: string, body: object) => serverUnderTest.server.api("PUT", `/domains/localhost${path}`, body);
const trunk = (more: object) => {
  const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
  return put("/trunks/provider", { server, prefixes: ["+1"], inbound: true, ...more });
};
const contact = () => `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;
const premium = "sip:+19005551212@localhost";
const elsewhere = "sip:+44900@localhost";

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
  provider = await startSipServer();
  await put("/trunks/paying", { server: "sip:127.0.0.1:5999;transport=tcp", prefixes: ["+44"] });
  await put("/routes/no-premium", { match: { user: { pattern: "^\\+1900" } }, action: { kind: "reject", status: 403 } });
});
afterAll(async () => {
  await serverUnderTest.close();
  provider.close();
});
beforeEach(async () => {
  [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
});

/** The user has called a number. */
async function talks(by = alice, to?: string): Promise<{ readonly near: Dialog; readonly far: Dialog }> {
  const sent = by.request("INVITE", "sip:+15551@localhost", { body: shortSdp, ...(to === undefined ? {} : { to }) });
  const invite = await provider.next("INVITE");
  provider.reply(invite, 200, [contact()], shortSdp);
  const near = dialogOfCaller(await by.finalResponse(sent));
  by.ack(near);
  await provider.next("ACK");
  return { near, far: dialogOfCallee(invite, "theirs") };
}

async function refers(by: Phone, dialog: Dialog, to: string): Promise<number> {
  const sent = by.inDialog("REFER", dialog, { headers: [["Refer-To", `<${to}>`]] });
  return (await by.finalResponse(sent)).status;
}

describe("a user's REFER", () => {
  it("names no number that a route or the trunk refuses, also if the To of the call has it", async () => {
    await trunk({ allowed_destinations: ["+1555"], forbidden_destinations: ["+1900"] });
    const { near } = await talks(alice, `<${premium}>`);
    for (const to of [premium, "sip:+19005551212@pstn.example"]) expect(await refers(alice, near, to)).toBe(403);
  });

  it("names nothing that its server may read as a number that the trunk has not been compared with", async () => {
    await trunk({ allowed_destinations: ["+1555"] });
    const { near } = await talks();
    for (const user of ["*67+19005551212", ",+19005551212", "ww19005551212", "++19005551212", "%00+19005551212"])
      expect([user, await refers(alice, near, `sip:${user}@localhost`)]).toEqual([user, 403]);
    const isRefer = (message: ReceivedMessage) => message.method === "REFER" && header(message, "call-id") === near.callId;
    for (const to of [bob.aor, "sip:+15552@localhost", "sip:someone@pbx.example"]) {
      const referred = refers(alice, near, to);
      provider.reply(await provider.next(isRefer), 202);
      expect([to, await referred]).toEqual([to, 202]);
    }
  });

  it("names no number that the user could not call, nor headers of the call that the other server would place", async () => {
    await trunk({});
    const { near } = await talks();
    for (const user of ["0019005551212", "+8816000000", "*67+19005551212", "++19005551212"])
      expect([user, (await refers(alice, near, `sip:${user}@localhost`)) >= 400]).toEqual([user, true]);
    expect(await refers(alice, near, `sip:+15552@localhost?P-Asserted-Identity=%3Csip:ceo@localhost%3E`)).toBe(403);
  });

  it.each(["pass", "handle"])("outside a call goes over no trunk (refer: %s)", async (refer) => {
    await trunk({ refer });
    for (const to of [premium, "sip:+15552@localhost", bob.aor]) {
      const sent = alice.request("REFER", "sip:+15551@localhost", { headers: [["Refer-To", `<${to}>`]] });
      expect((await alice.finalResponse(sent)).status).toBe(403);
    }
    expect(provider.rest().filter(({ method }) => method === "REFER")).toEqual([]);
  });

  it.each([{ maximum_calls: 5 }, { maximum_call_seconds: 600 }])("by a token that counts (%o) goes over no trunk", async (limits) => {
    await trunk({});
    const minted = await serverUnderTest.server.api("POST", `/domains/localhost/subscribers/${alice.account}/tokens`, {
      ...{ seconds: 900, scope: ["call"], targets: ["+1*"], ...limits },
    });
    const { token } = (await minted.json()) as { readonly token: string };
    const path = `/ws/${alice.account}@localhost?access_token=${token}`;
    const limited = await Phone.connect(serverUnderTest.server, { account: alice.account, way: "direct", path });
    const { near } = await talks(limited);
    expect(await refers(limited, near, "sip:+15552@localhost")).toBe(403);
    limited.socket.cut();
  });

  it("by such a token names no number to another user either, and goes over no trunk in a call that an application has set up", async () => {
    await trunk({});
    const minted = await serverUnderTest.server.api("POST", `/domains/localhost/subscribers/${alice.account}/tokens`, {
      ...{ seconds: 900, scope: ["call"], targets: ["+1*", bob.account], maximum_calls: 5 },
    });
    const { token } = (await minted.json()) as { readonly token: string };
    const path = `/ws/${alice.account}@localhost?access_token=${token}`;
    const limited = await Phone.connect(serverUnderTest.server, { account: alice.account, way: "direct", path });
    const outside = limited.request("REFER", bob.aor, { headers: [["Refer-To", "<sip:+15552@localhost>"]] });
    expect((await limited.finalResponse(outside)).status).toBe(403);
    expect(bob.socket.rest().filter(({ method }) => method === "REFER")).toEqual([]);
    limited.socket.cut();
  });
});

describe("a REFER to a user's phone, which many follow at once", () => {
  let eve: Phone;
  beforeAll(async () => {
    await serverUnderTest.server.provision({ domain: "other.example", username: "eve", password: "offhook" });
    eve = await Phone.connect(serverUnderTest.server, { account: "eve", domain: "other.example", way: "general" });
    await eve.register();
  });

  async function isCalledBy(caller: Phone): Promise<Dialog> {
    const sent = caller.request("INVITE", alice.aor, { body: shortSdp });
    alice.reply(await alice.next("INVITE"), 200, { body: shortSdp });
    const dialog = dialogOfCaller(await caller.finalResponse(sent));
    caller.ack(dialog);
    await alice.next("ACK");
    return dialog;
  }

  it("by a user of another domain names no number of a trunk of this domain", async () => {
    const dialog = await isCalledBy(eve);
    for (const to of [elsewhere, "tel:+44900"]) {
      expect(await refers(eve, dialog, to)).toBe(403);
      const outside = eve.request("REFER", alice.aor, { headers: [["Refer-To", `<${to}>`]] });
      expect((await eve.finalResponse(outside)).status).toBe(403);
    }
    expect(alice.socket.rest().filter(({ method }) => method === "REFER")).toEqual([]);
    const referred = refers(eve, dialog, bob.aor);
    alice.reply(await alice.next("REFER"), 202);
    expect(await referred).toBe(202);
  });

  it("by a user of another domain names nothing at the server of a trunk, nor a number at another server", async () => {
    await trunk({});
    await put("/settings", { calls_out: true });
    const dialog = await isCalledBy(eve);
    for (const to of [`sip:ivr@127.0.0.1:${provider.port};transport=tcp`, "sip:+15552@192.0.2.1"])
      expect(await refers(eve, dialog, to)).toBe(403);
    await put("/settings", { calls_out: false });
  });

  it("by a user of another domain brings no headers of the call but Replaces", async () => {
    const dialog = await isCalledBy(eve);
    for (const headers of ["Answer-Mode=Auto", "Replaces=a&Call-Info=%3Csip:x%3E"])
      expect(await refers(eve, dialog, `${bob.aor}?${headers}`)).toBe(403);
    expect(alice.socket.rest().filter(({ method }) => method === "REFER")).toEqual([]);
    const referred = refers(eve, dialog, `${bob.aor}?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc`);
    alice.reply(await alice.next("REFER"), 202);
    expect(await referred).toBe(202);
  });

  it("by a user of this domain may name one", async () => {
    const dialog = await isCalledBy(bob);
    const referred = refers(bob, dialog, elsewhere);
    alice.reply(await alice.next("REFER"), 202);
    expect(await referred).toBe(202);
  });

  function theyRefer({ callId, local, remote, target, routes }: Dialog, to: string, cseq: number): Promise<ReceivedMessage> {
    const lines = [
      `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`,
      ...["Max-Forwards: 70", `From: ${local}`, `To: ${remote}`, `Call-ID: ${callId}`, `CSeq: ${cseq} REFER`],
      ...[`Refer-To: <${to}>`, contact(), ...routes.map((route) => `Route: ${route}`)],
    ];
    provider.send(compose(`REFER ${target} SIP/2.0`, lines));
    return provider.next((message) => message.status >= 200 && header(message, "cseq") === `${cseq} REFER`);
  }

  it.each([
    ["that is not trusted", false, 403],
    ["that is trusted", true, 202],
  ])("by the server of a trunk %s: one of that trunk", async (_title, trusted, status) => {
    await trunk({ trusted });
    const { far } = await talks();
    expect((await theyRefer(far, elsewhere, 1)).status).toBe(403);
    const answer = theyRefer(far, "sip:+15552@localhost", 2);
    if (status === 202) alice.reply(await alice.next("REFER"), 202);
    expect((await answer).status).toBe(status);
    const toUser = theyRefer(far, bob.aor, 3);
    alice.reply(await alice.next("REFER"), 202);
    expect((await toUser).status).toBe(202);
  });
});
