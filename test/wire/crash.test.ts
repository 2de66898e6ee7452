import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { establish, hangUp, ring } from "../support/call.ts";
import { headers } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { startServerUnderTest, ways, type ServerUnderTest, type ConnectionKind } from "../support/server-under-test.ts";

let serverUnderTest: ServerUnderTest;
beforeEach(async () => {
  serverUnderTest = await startServerUnderTest();
});
afterEach(() => serverUnderTest.close());

/** The same telephone after its connection was lost. */
const backOf = (phone: Phone, way: ConnectionKind): Promise<Phone> =>
  serverUnderTest.register(phone.account, way, { instance: phone.instance });

async function powerCut(): Promise<void> {
  await serverUnderTest.server.kill9();
  await serverUnderTest.server.restart();
}

describe.each(ways)("after a power cut, on the %s way", (way) => {
  it("phones that come back are called as before", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    await powerCut();
    const [caller, callee] = [await backOf(alice, way), await backOf(bob, way)];
    caller.request("MESSAGE", bob.aor, { body: "after the storm" });
    expect((await callee.next("MESSAGE")).body).toBe("after the storm");
  });

  it("a call that was ringing rings again on the phone that comes back, and is answered", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
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
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    alice.socket.cut();
    const unregistered = await serverUnderTest.connect(alice.account, way, { instance: alice.instance });
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
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const call = await establish(alice, bob);
    await powerCut();
    const [caller, callee] = [await backOf(alice, way), await backOf(bob, way)];
    expect((await hangUp(callee, call.calleeSide, caller)).status).toBe(200);
  });

  it("subscribers, and the homes that were open, are as they were", async () => {
    const [alice] = await serverUnderTest.phones(way, "alice");
    const before = await serverUnderTest.server.listHomes();
    await powerCut();
    expect(await serverUnderTest.server.listHomes()).toEqual(before);
    expect((await (await backOf(alice, way)).register({ contacts: [] })).status).toBe(200);
  });
});
