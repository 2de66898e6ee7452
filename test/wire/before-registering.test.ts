import { afterAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

describe.each(ways)("a phone that has not registered yet on its new connection, on the %s way", (way) => {
  it.each(["caller", "callee"])("may end its call, as the %s, when it has answered the challenge (RFC 3261 §22.3)", async (side) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const { callerSide, calleeSide } = await establish(alice, bob);
    const [lost, other, dialog] = side === "caller" ? [alice, bob, callerSide] : [bob, alice, calleeSide];
    lost.socket.cut();
    const back = await serverUnderTest.connect(lost.account, way, { instance: lost.instance });
    const { callId, local, remote, routes, cseq, target } = dialog;
    const hungUp = back.transact("BYE", target, { callId, from: local, to: remote, routes, cseq });
    const bye = await Promise.race([hungUp, other.next("BYE")]);
    expect(bye.startLine).toContain("BYE");
    other.reply(bye, 200);
    expect((await hungUp).status).toBe(200);
  });

  it("may have called before it ever registered: the call goes on when it has changed its connection (RFC 5626 §5.3)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const fresh = await serverUnderTest.connect(alice.account, way);
    const contact = "<sip:fresh@fresh.invalid;transport=ws>";
    const invited = fresh.transact("INVITE", bob.aor, { contact });
    const heard = await bob.next("INVITE");
    bob.reply(heard, 200);
    const dialog = dialogOfCaller(await invited);
    fresh.ack(dialog);
    await bob.next("ACK");
    expect((await fresh.register({ contacts: [contact] })).status).toBe(200);
    fresh.socket.cut();
    const back = await serverUnderTest.connect(alice.account, way);
    expect((await back.register({ contacts: [contact] })).status).toBe(200);
    expect((await hangUp(bob, dialogOfCallee(heard, bob.tag), back)).status).toBe(200);
  });
});
