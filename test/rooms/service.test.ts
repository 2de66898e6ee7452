import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { dialogOfCaller } from "../support/dialog.ts";
import type { OffhookService } from "../../workers/service.ts";
import { newcomers, registered } from "./support/homes.ts";
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

  it("publishes presence, and says what is wrong with it", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    expect((await offhook.publishPresence("localhost", alice, { activity: "meeting", note: "back at three" })).ok).toBe(true);
    const refused = await offhook.publishPresence("localhost", alice, { activity: "flying" });
    expect(refused).toMatchObject({ ok: false, status: 400, detail: expect.stringMatching(/^activity: /) as unknown });
  });
});
