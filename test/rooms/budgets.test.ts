import { describe, expect, it, vi } from "vitest";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { homes, newcomers, registered, connect, ringAlarm, rowsOf, spentBy, tablesOf } from "./support/homes.ts";

/** What work may cost, in hops between objects and rows written. An alarm that is set counts as a row. */
describe("the budgets", () => {
  it("a first REGISTER writes its binding and an alarm for it, besides the copy of the subscriber's row in a new home", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "general" });
    expect(await spentBy(alice)).toEqual({ rowsWritten: 2, alarmsSet: 1, calls: 0 });
  });

  it("makes no other tables than those of what the user does", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "general" });
    expect(await tablesOf(alice)).toEqual(["bindings", "subscriber"]);
  });

  it("a phone that registers later writes one row, its binding", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "general" });
    await spentBy(alice);
    await registered({ account: alice, way: "direct" });
    expect(await spentBy(alice)).toEqual({ rowsWritten: 1, alarmsSet: 0, calls: 0 });
  });

  it("a refresh on the same flow writes nothing and calls nobody", async () => {
    const [alice] = await newcomers("alice");
    const phone = await registered({ account: alice, way: "direct" });
    await spentBy(alice);
    for (let count = 0; count < 5; count += 1) expect((await phone.register()).status).toBe(200);
    expect(await spentBy(alice)).toEqual({ rowsWritten: 0, alarmsSet: 0, calls: 0 });
  });

  it("a phone that loses its connection writes a row when it goes, and one when it is back", async () => {
    const [alice] = await newcomers("alice");
    const first = await registered({ account: alice, way: "direct" });
    await spentBy(alice);
    first.socket.close(1001);
    await expect.poll(() => rowsOf(alice, "bindings WHERE json_extract(value, '$.awayUntil') > 0")).toBe(1);
    expect(await spentBy(alice)).toEqual({ rowsWritten: 1, alarmsSet: 1, calls: 0 });
    await registered({ account: alice, way: "direct", instance: first.instance });
    expect((await spentBy(alice)).rowsWritten).toBe(1);
  });

  it("a whole call writes five rows, one of them an alarm, and takes one hop for each message", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const caller = await registered({ account: alice, way: "direct" });
    const callee = await registered({ account: bob, way: "direct" });
    await spentBy(alice);
    await spentBy(bob);
    caller.request("INVITE", callee.aor);
    const invite = await callee.next("INVITE");
    expect(await spentBy(alice)).toEqual({ rowsWritten: 0, alarmsSet: 0, calls: 1 });
    expect(await spentBy(bob)).toEqual({ rowsWritten: 1, alarmsSet: 1, calls: 0 });
    callee.reply(invite, 180);
    await caller.next(180);
    expect(await spentBy(bob)).toEqual({ rowsWritten: 0, alarmsSet: 0, calls: 1 });
    callee.reply(invite, 200);
    const dialog = dialogOfCaller(await caller.next(200));
    expect(await spentBy(bob)).toEqual({ rowsWritten: 1, alarmsSet: 0, calls: 1 });
    caller.ack(dialog);
    await callee.next("ACK");
    expect(await spentBy(alice)).toEqual({ rowsWritten: 0, alarmsSet: 0, calls: 1 });
    callee.bye(dialogOfCallee(invite, callee.tag));
    caller.reply(await caller.next("BYE"), 200);
    await callee.next(200);
    // The fourth: its end, for the record, which is then in the directory.
    expect(await spentBy(bob)).toEqual({ rowsWritten: 1, alarmsSet: 0, calls: 1 });
    expect(await spentBy(alice)).toEqual({ rowsWritten: 0, alarmsSet: 0, calls: 1 });
    await ringAlarm(bob);
    expect(await spentBy(bob)).toEqual({ rowsWritten: 0, alarmsSet: 0, calls: 0 });
    // The fifth: the context goes with the next one, once its time is over.
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 33_000);
    await ringAlarm(bob);
    caller.request("MESSAGE", callee.aor);
    await callee.next("MESSAGE");
    caller.request("INVITE", callee.aor);
    await callee.next("INVITE");
    vi.useRealTimers();
    expect(await rowsOf(bob, "contexts")).toBe(1);
    expect(await spentBy(bob)).toEqual({ rowsWritten: 2, alarmsSet: 1, calls: 0 });
  });

  it("a call that is refused writes five rows, an alarm and the failed call among them, leaves only that, and one row at its caller's", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const caller = await registered({ account: alice, way: "direct" });
    const callee = await registered({ account: bob, way: "direct" });
    await spentBy(alice);
    await spentBy(bob);
    const sent = caller.request("INVITE", callee.aor);
    const invite = await callee.next("INVITE");
    callee.reply(invite, 180);
    await caller.next(180);
    callee.reply(invite, 486);
    caller.ackRefusal(sent, await caller.next(486));
    await expect.poll(() => rowsOf(bob, "contexts")).toBe(0);
    const { rowsWritten, alarmsSet } = await spentBy(bob);
    expect(rowsWritten + alarmsSet).toBe(5);
    expect(await rowsOf(bob, "failed_calls")).toBe(1);
    expect(await spentBy(alice)).toMatchObject({ rowsWritten: 1, alarmsSet: 0 });
  });

  it("calls that fail in a row write ten rows a minute, and two for each record, and later ones take the rows of those that are a day old", async () => {
    const [alice] = await newcomers("alice");
    const caller = await registered({ account: alice, way: "direct" });
    await spentBy(alice);
    for (let count = 0; count < 15; count += 1) await caller.finalResponse(caller.request("INVITE", "sip:nobody@localhost"));
    expect(await spentBy(alice)).toMatchObject({ rowsWritten: 10 + 2 * 15, alarmsSet: 0 });
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 86_400_000);
    await caller.register();
    await spentBy(alice);
    await caller.finalResponse(caller.request("INVITE", "sip:nobody@localhost"));
    vi.useRealTimers();
    expect([await rowsOf(alice, "failed_calls"), (await spentBy(alice)).rowsWritten]).toEqual([10, 1 + 2]);
  });

  it("a MESSAGE to one phone writes nothing and takes one hop each way", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const sender = await registered({ account: alice, way: "direct" });
    const receiver = await registered({ account: bob, way: "direct" });
    await spentBy(alice);
    await spentBy(bob);
    const sent = sender.request("MESSAGE", receiver.aor, { body: "hello" });
    receiver.reply(await receiver.next("MESSAGE"), 200);
    await sender.finalResponse(sent);
    expect(await spentBy(alice)).toEqual({ rowsWritten: 0, alarmsSet: 0, calls: 1 });
    expect(await spentBy(bob)).toEqual({ rowsWritten: 0, alarmsSet: 0, calls: 1 });
  });

  it("no object is created but the homes of those who have authenticated", async () => {
    const before = (await homes()).length;
    const [alice, bob] = await newcomers("alice", "bob");
    const stranger = await connect({ account: alice, way: "direct", password: "wrong" });
    expect((await stranger.register()).status).toBe(401);
    const nobody = await connect({ account: "nobody", way: "direct" });
    expect((await nobody.register()).status).toBe(401);
    expect(await homes()).toHaveLength(before);
    const phone = await registered({ account: alice, way: "direct" });
    expect((await phone.transact("MESSAGE", `sip:${bob}@localhost`)).status).toBe(480);
    expect((await phone.transact("MESSAGE", "sip:nobody@localhost")).status).toBe(404);
    expect(await homes()).toHaveLength(before + 1);
  });
});
