import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { header } from "../support/received-message.ts";
import { connect, forgetEverything, homeOf, newcomers, registered, ringAlarm } from "./support/homes.ts";

/** Time is data: the clock is set, the alarm goes off, and whatever is due happens; also with no memory of what came before. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function pass(seconds: number, username: string): Promise<void> {
  await forgetEverything();
  vi.setSystemTime(Date.now() + seconds * 1000);
  await ringAlarm(username);
}

async function pair() {
  const [alice, bob] = await newcomers("alice", "bob");
  const caller = await registered({ account: alice, way: "direct" });
  const callee = await registered({ account: bob, way: "direct" });
  return { alice, bob, caller, callee };
}

describe("deadlines of a call", () => {
  it("a phone that says nothing to an INVITE for 64*T1 is given up: 408 (Timer B, RFC 3261 §17.1.1.2)", async () => {
    const { bob, caller, callee } = await pair();
    caller.request("INVITE", callee.aor);
    await callee.next("INVITE");
    await pass(33, bob);
    expect((await caller.next(408)).status).toBe(408);
  });

  it("a phone that rings longer than Timer C is cancelled, and its 487 goes up (RFC 3261 §16.8)", async () => {
    const { bob, caller, callee } = await pair();
    caller.request("INVITE", callee.aor);
    const invite = await callee.next("INVITE");
    callee.reply(invite, 180);
    await caller.next(180);
    await pass(33, bob);
    expect(callee.socket.rest()).toHaveLength(0);
    await pass(160, bob);
    const cancel = await callee.next("CANCEL");
    callee.reply(cancel, 200);
    callee.reply(invite, 487);
    await callee.next("ACK");
    expect((await caller.next(487)).status).toBe(487);
  });

  it("a cancelled phone that never answers is given up after 64*T1 (RFC 3261 §9.1): 487", async () => {
    const { bob, caller, callee } = await pair();
    const sent = caller.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 180);
    await caller.next(180);
    caller.cancel(sent);
    await caller.next(200, { method: "CANCEL" });
    callee.reply(await callee.next("CANCEL"), 200);
    await pass(33, bob);
    expect((await caller.next(487)).status).toBe(487);
  });

  it("a CANCEL waits for the first provisional response (RFC 3261 §9.1)", async () => {
    const { caller, callee } = await pair();
    const sent = caller.request("INVITE", callee.aor);
    const invite = await callee.next("INVITE");
    caller.cancel(sent);
    await caller.next(200, { method: "CANCEL" });
    await forgetEverything();
    callee.reply(invite, 180);
    callee.reply(await callee.next("CANCEL"), 200);
    callee.reply(invite, 487);
    expect((await caller.next(487)).status).toBe(487);
  });
});

describe("sockets that are lost", () => {
  it("a phone that loses its socket while it rings gets the same INVITE on the new one, and can answer there", async () => {
    const { bob, caller, callee } = await pair();
    caller.request("INVITE", callee.aor);
    const first = await callee.next("INVITE");
    callee.reply(first, 180);
    await caller.next(180);
    callee.socket.close(1000);
    await callee.socket.closed;
    await forgetEverything();
    const again = await registered({ account: bob, way: "direct", instance: callee.instance });
    const second = await again.next("INVITE");
    expect(header(second, "via")).toBe(header(first, "via"));
    again.reply(second, 200);
    expect((await caller.next(200)).status).toBe(200);
  });

  it("a phone that rings, is away when the caller gives up, and comes back is told to stop", async () => {
    const { bob, caller, callee } = await pair();
    const sent = caller.request("INVITE", callee.aor);
    const ringing = await callee.next("INVITE");
    callee.reply(ringing, 180);
    await caller.next(180);
    callee.socket.close(1000);
    await expect.poll(async () => (await homeOf(bob).lastMessages()).at(-1)?.text).toBe("closed with 1000");
    caller.cancel(sent);
    expect((await caller.next(487)).status).toBe(487);
    await forgetEverything();
    const again = await registered({ account: bob, way: "direct", instance: callee.instance });
    const cancel = await again.next("CANCEL");
    expect(header(cancel, "via")).toBe(header(ringing, "via"));
    expect(again.socket.rest()).toHaveLength(0);
  });

  it("a second phone that registers while the call rings gets a branch of its own", async () => {
    const { bob, caller, callee } = await pair();
    caller.request("INVITE", callee.aor);
    const first = await callee.next("INVITE");
    callee.reply(first, 180);
    await caller.next(180);
    const other = await registered({ account: bob, way: "general" });
    const second = await other.next("INVITE");
    expect(header(second, "via")).not.toBe(header(first, "via"));
    other.reply(second, 200);
    await caller.next(200);
    expect(header(await callee.next("CANCEL"), "reason")).toContain("cause=200");
  });

  it("when the only phone is gone and does not return within the grace, the caller gets 480", async () => {
    const { bob, caller, callee } = await pair();
    callee.socket.close(1000);
    await callee.socket.closed;
    caller.request("INVITE", callee.aor);
    await caller.next(100);
    await pass(31, bob);
    expect((await caller.next(480)).status).toBe(480);
  });

  it("a closed socket ends its binding after the grace: nobody is there, at once", async () => {
    const { bob, caller, callee } = await pair();
    callee.socket.close(1000);
    await expect.poll(async () => (await homeOf(bob).lastMessages()).at(-1)?.text).toBe("closed with 1000");
    vi.setSystemTime(Date.now() + 31_000);
    await ringAlarm(bob);
    const sent = caller.request("INVITE", callee.aor);
    expect((await caller.finalResponse(sent)).status).toBe(480);
  });

  it("a caller who vanishes while it rings: after the grace the callee stops ringing", async () => {
    const { alice, caller, callee } = await pair();
    caller.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 180);
    await caller.next(180);
    caller.socket.close(1000);
    await caller.socket.closed;
    await pass(11, alice);
    expect((await callee.next("CANCEL")).method).toBe("CANCEL");
  });

  it("a response on another socket of the same user matches its transaction (RFC 3261 §17.1.3)", async () => {
    const { bob, caller, callee } = await pair();
    caller.request("INVITE", callee.aor);
    const invite = await callee.next("INVITE");
    const other = await registered({ account: bob, way: "general" });
    other.reply(invite, 200);
    expect((await caller.next(200)).status).toBe(200);
  });
});

describe("registrations in time", () => {
  it("a phone that does not refresh is no longer called, though its socket is open", async () => {
    const { caller, callee } = await pair();
    await callee.register({ expires: 60 });
    vi.setSystemTime(Date.now() + 61_000);
    const sent = caller.request("INVITE", callee.aor);
    expect((await caller.finalResponse(sent)).status).toBe(480);
  });

  it("an authenticated socket has to authenticate again after its lifetime", async () => {
    const [alice] = await newcomers("alice");
    const phone = await registered({ account: alice, way: "direct" });
    vi.setSystemTime(Date.now() + 86_401_000);
    const sent = phone.request("OPTIONS", "sip:localhost");
    expect((await phone.finalResponse(sent)).status).toBe(407);
    expect((await phone.register()).status).toBe(200);
  });

  it("a nonce grows stale: the phone is told so and need not ask its user (RFC 7616 §3.3)", async () => {
    const [alice] = await newcomers("alice");
    const phone = await connect({ account: alice, way: "general" });
    const first = phone.request("REGISTER", "sip:localhost", { to: `<${phone.aor}>` });
    const challenge = await phone.finalResponse(first);
    vi.setSystemTime(Date.now() + 301_000);
    const second = phone.request("REGISTER", "sip:localhost", { to: `<${phone.aor}>`, cseq: 2 }, [phone.authorization(challenge, first)]);
    expect(header(await phone.finalResponse(second), "www-authenticate")).toContain("stale=true");
  });
});
