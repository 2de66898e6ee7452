import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import type { OffhookService } from "../../workers/service.ts";
import { header } from "../support/received-message.ts";
import { api, newcomers, registered } from "./support/homes.ts";
import { newDomain } from "./support/keys.ts";

/** As another Worker has it, by a service binding. */
const offhook = (exports as unknown as { readonly OffhookService: Service<typeof OffhookService> }).OffhookService;

describe("the service for other Workers", () => {
  it("makes, reads and deletes users", async () => {
    const domain = await newDomain();
    const value = { domain, username: "josé", displayName: "José", aliases: ["100"], opened: false };
    expect(await offhook.putUser(domain, "josé", { password: null, displayName: "José", aliases: ["100"] })).toEqual({ ok: true, value });
    expect(await offhook.user(domain, "josé")).toEqual({ ok: true, value });
    expect(await offhook.deleteUser(domain, "josé")).toEqual({ ok: true, value: null });
    expect(await offhook.user(domain, "josé")).toEqual({ ok: false, status: 404, detail: `there is no subscriber josé in ${domain}` });
  });

  it.each(["", ".", "..", "\ud800"])("takes no name that would lead elsewhere: %j", async (name) => {
    const domain = await newDomain();
    await offhook.putUser(domain, "tokens", { password: null });
    expect(await offhook.revokeTokens(domain, name)).toMatchObject({ ok: false, status: 400 });
    expect(await offhook.endCall(domain, "tokens", name)).toMatchObject({ ok: false, status: 400 });
    expect((await offhook.user(domain, "tokens")).ok).toBe(true);
  });

  it("makes tokens, and revokes them", async () => {
    const [alice] = await newcomers("alice");
    const minted = await offhook.token("localhost", alice, 60);
    const token = minted.ok ? minted.value.token : "";
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip" };
    const statusWith = async () => (await exports.default.fetch(`http://localhost/ws?access_token=${token}`, { headers })).status;
    expect(await statusWith()).toBe(101);
    await new Promise((resolve) => void setTimeout(resolve, 1100));
    expect(await offhook.revokeTokens("localhost", alice)).toEqual({ ok: true, value: null });
    expect(await statusWith()).toBe(401);
  });

  it("shows bindings and calls, and ends a call", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [caller, callee] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
    expect(await offhook.bindings("localhost", alice)).toMatchObject({ ok: true, value: { bindings: [{ reachable: true }] } });
    const sent = caller.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 200);
    caller.ack(dialogOfCaller(await caller.finalResponse(sent)));
    await callee.next("ACK");
    const live = await offhook.liveCalls("localhost");
    const call = live.ok ? live.value.calls.find(({ username }) => username === alice || username === bob) : undefined;
    expect(call).toBeDefined();
    expect((await offhook.endCall("localhost", call?.username ?? "", call?.id ?? "")).ok).toBe(true);
    for (const phone of [caller, callee]) phone.reply(await phone.next("BYE"), 200);
    expect(await offhook.endCall("localhost", alice, "none")).toMatchObject({ ok: false, status: 404 });
  });

  it("connects two users, and says why it cannot", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [user, other] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
    expect(await offhook.connectUser("localhost", alice, bob)).toMatchObject({ ok: true, value: { id: expect.any(String) } });
    const withSdp = { headers: [["Content-Type", "application/sdp"]] as const, body: shortSdp };
    user.reply(await user.next("INVITE"), 200, withSdp);
    other.reply(await other.next("INVITE"), 200, withSdp);
    await other.next("ACK");
    expect((await user.next("ACK")).body).toBe(shortSdp);
    const live = await offhook.liveCalls("localhost");
    const call = live.ok ? live.value.calls.find(({ username }) => username === alice) : undefined;
    expect((await offhook.endCall("localhost", alice, call?.id ?? "")).ok).toBe(true);
    for (const phone of [user, other]) phone.reply(await phone.next("BYE"), 200);
    expect(await offhook.connectUser("localhost", alice, "no-such-user")).toMatchObject({ ok: false, status: 409 });
    expect(await offhook.connectUser("localhost", "no-such-user", bob)).toMatchObject({ ok: false, status: 404 });
  });

  it("publishes presence, and says what is wrong with it", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    expect((await offhook.publishPresence("localhost", alice, { activity: "meeting", note: "back at three" })).ok).toBe(true);
    const refused = await offhook.publishPresence("localhost", alice, { activity: "flying" });
    expect(refused).toMatchObject({ ok: false, status: 400, detail: expect.stringMatching(/^activity: /) as unknown });
  });
});

describe("a message of an application", () => {
  const message = { from: "", text: "Ihr Päckchen ist da.\r\nMESSAGE sip:x SIP/2.0" };

  it("reaches all phones of the user, in the name of another user, and is stored while there is none", async () => {
    const [alice, support] = await newcomers("alice", "support");
    const phones = [await registered({ account: alice, way: "direct" }), await registered({ account: alice, way: "direct" })];
    expect(await offhook.sendMessage("localhost", alice, { ...message, from: support })).toEqual({ ok: true, value: { state: "sent" } });
    for (const phone of phones) {
      const heard = await phone.next("MESSAGE");
      expect([heard.body, header(heard, "from")?.replace(/;tag=.*/, ""), header(heard, "content-type")]).toEqual([
        ...[message.text, `<sip:${support}@localhost>`, "text/plain;charset=UTF-8"],
      ]);
      phone.reply(heard, 200);
    }
    for (const phone of phones) await phone.register({ expires: 0 });
    expect(await offhook.sendMessage("localhost", alice, { from: support, text: "later" })).toEqual({
      ok: true,
      value: { state: "stored" },
    });
    const back = await registered({ account: alice, way: "direct" });
    const stored = await back.next("MESSAGE");
    expect(stored.body).toBe("later");
    back.reply(stored, 200);
  });

  it("is refused with the reason: no such sender or recipient, nobody has registered, the sender is blocked, too long", async () => {
    const [alice, support] = await newcomers("alice", "support");
    const send = async (more: object, to: string = alice) => {
      const sent = await offhook.sendMessage("localhost", to, { from: support, text: "x", ...more });
      return sent.ok ? sent.value.state : sent.status;
    };
    expect(await send({})).toBe(409);
    await registered({ account: alice, way: "direct" });
    expect([await send({}, "nobody-here"), await send({ from: "nobody-here" })]).toEqual([404, 400]);
    expect([await send({ text: "" }), await send({ text: "ä".repeat(5001) }), await send({ text: "\ud800" })]).toEqual([400, 400, 400]);
    await api(`/domains/localhost/subscribers/${alice}/rules`, {
      method: "PUT",
      body: JSON.stringify({ blocked: [`${support}@localhost`] }),
    });
    expect(await send({})).toBe(409);
  });
});

describe("tokens with limits, for other Workers", () => {
  it("are made for users and for guests", async () => {
    const [alice] = await newcomers("alice");
    expect((await offhook.token("localhost", alice, 60, { scope: ["call"], maximum_calls: 1, targets: ["bob"] })).ok).toBe(true);
    expect((await offhook.guestToken("localhost", { users: [alice], metadata: "order 4711", single_use: true })).ok).toBe(true);
    expect(await offhook.guestToken("localhost", { users: ["nobody-here"] })).toMatchObject({ ok: false, status: 400 });
  });
});
