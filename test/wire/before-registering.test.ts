import { afterAll, describe, expect, it } from "vitest";
import { establish } from "../support/call.ts";
import { openTown, ways } from "../support/town.ts";

const town = await openTown();
afterAll(() => town.close());

describe.each(ways)("a phone that has not registered yet on its new connection, on the %s way", (way) => {
  it.each(["caller", "callee"])("may end its call, as the %s, when it has answered the challenge (RFC 3261 §22.3)", async (side) => {
    const [alice, bob] = await town.phones(way, "alice", "bob");
    const { callerSide, calleeSide } = await establish(alice, bob);
    const [lost, other, dialog] = side === "caller" ? [alice, bob, callerSide] : [bob, alice, calleeSide];
    lost.socket.cut();
    const back = await town.connect(lost.account, way, { instance: lost.instance });
    const { callId, local, remote, routes, cseq, target } = dialog;
    const hungUp = back.transact("BYE", target, { callId, from: local, to: remote, routes, cseq });
    const bye = await Promise.race([hungUp, other.next("BYE")]);
    expect(bye.startLine).toContain("BYE");
    other.reply(bye, 200);
    expect((await hungUp).status).toBe(200);
  });
});
