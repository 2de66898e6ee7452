import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { establish, hangUp, ring } from "../support/call.ts";
import { headers } from "../support/heard.ts";
import type { Phone } from "../support/phone.ts";
import { openTown, ways, type Town, type Way } from "../support/town.ts";

let town: Town;
beforeEach(async () => {
  town = await openTown();
});
afterEach(() => town.close());

/** The same telephone after its connection was lost. */
const backOf = (phone: Phone, way: Way): Promise<Phone> => town.register(phone.account, way, { instance: phone.instance });

async function powerCut(): Promise<void> {
  await town.server.kill9();
  await town.server.restart();
}

describe.each(ways)("after a power cut, on the %s way", (way) => {
  it("phones that come back are called as before", async () => {
    const [alice, bob] = await town.phones(way, "alice", "bob");
    await powerCut();
    const [caller, callee] = [await backOf(alice, way), await backOf(bob, way)];
    caller.request("MESSAGE", bob.aor, { body: "after the storm" });
    expect((await callee.next("MESSAGE")).body).toBe("after the storm");
  });

  it("a call that was ringing rings again on the phone that comes back, and is answered", async () => {
    const [alice, bob] = await town.phones(way, "alice", "bob");
    const { invite, heard } = await ring(alice, bob);
    await powerCut();
    const caller = await backOf(alice, way);
    const callee = await backOf(bob, way);
    const again = await callee.next("INVITE");
    expect(headers(again, "via")).toEqual(headers(heard, "via"));
    callee.reply(again, 200);
    expect((await caller.finalResponse(invite)).status).toBe(200);
  });

  it("a call that a phone has placed on a new connection, before it registered there, is answered", async () => {
    const [alice, bob] = await town.phones(way, "alice", "bob");
    alice.socket.cut();
    const unregistered = await town.connect(alice.account, way, { instance: alice.instance });
    const contact = `<${alice.aor};gr=${alice.instance}>`;
    const first = unregistered.request("INVITE", bob.aor, { contact });
    const refusal = await unregistered.finalResponse(first);
    unregistered.ackRefusal(first, refusal);
    const again = { contact, callId: first.callId, cseq: 2 };
    const invite = unregistered.request("INVITE", bob.aor, again, [unregistered.authorization(refusal, first)]);
    bob.reply(await bob.next("INVITE"), 180);
    await unregistered.next(180);
    await powerCut();
    const [caller, callee] = [await backOf(alice, way), await backOf(bob, way)];
    callee.reply(await callee.next("INVITE"), 200);
    expect((await caller.finalResponse(invite)).status).toBe(200);
  });

  it("a call in progress goes on: either side hangs up", async () => {
    const [alice, bob] = await town.phones(way, "alice", "bob");
    const call = await establish(alice, bob);
    await powerCut();
    const [caller, callee] = [await backOf(alice, way), await backOf(bob, way)];
    expect((await hangUp(callee, call.calleeSide, caller)).status).toBe(200);
  });

  it("subscribers, and the homes that were open, are as they were", async () => {
    const [alice] = await town.phones(way, "alice");
    const before = await town.server.listHomes();
    await powerCut();
    expect(await town.server.listHomes()).toEqual(before);
    expect((await (await backOf(alice, way)).register({ contacts: [] })).status).toBe(200);
  });
});
