import { afterAll, describe, expect, it } from "vitest";
import { establish, hangUp, ring } from "../support/call.ts";
import { hasty } from "../support/hasty.ts";
import { header } from "../support/received-message.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const [serverUnderTest, hastyTown] = await Promise.all([
  startServerUnderTest(),
  startServerUnderTest({ settings: { TRANSACTION_TIMEOUT: hasty, CALLER_GRACE: hasty } }),
]);
afterAll(() => Promise.all([serverUnderTest.close(), hastyTown.close()]));

describe.each(ways)("CANCEL (RFC 3261 §9, §16.10), on the %s way", (way) => {
  it("is answered with 200, goes to the ringing phone with the INVITE's own branch, and the INVITE ends with 487", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const { invite, heard } = await ring(alice, bob);
    alice.cancel(invite);
    expect((await alice.next(200, { method: "CANCEL" })).status).toBe(200);
    const cancel = await bob.next("CANCEL");
    for (const name of ["via", "call-id", "from", "to"]) expect(header(cancel, name)).toBe(header(heard, name));
    expect(cancel.requestUri).toBe(heard.requestUri);
    bob.reply(cancel, 200);
    bob.reply(heard, 487);
    const refusal = await alice.next(487, { method: "INVITE" });
    expect(header(await bob.next("ACK"), "via")).toBe(header(heard, "via"));
    alice.ackRefusal(invite, refusal);
    await bob.hearsNothing("ACK", alice);
  });

  it("tells the phone why, if the caller said so (RFC 3326)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const { invite } = await ring(alice, bob);
    alice.cancel(invite, [["Reason", 'SIP;cause=600;text="Never mind"']]);
    expect(header(await bob.next("CANCEL"), "reason")).toContain("cause=600");
  });

  it("waits for a provisional response before it goes to the phone (§9.1)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const invite = alice.request("INVITE", bob.aor);
    const heard = await bob.next("INVITE");
    alice.cancel(invite);
    await alice.next(200, { method: "CANCEL" });
    await bob.hearsNothing("CANCEL", alice);
    bob.reply(heard, 180);
    expect((await bob.next("CANCEL")).method).toBe("CANCEL");
  });

  it("ends the INVITE after 64*T1 though the phone never says anything (§9.1)", async () => {
    const [alice, bob] = await hastyTown.phones(way, "alice", "bob");
    const { invite } = await ring(alice, bob);
    alice.cancel(invite);
    expect((await alice.next(487, { method: "INVITE" })).status).toBe(487);
  });

  it("of nothing draws 481", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const never = {
      method: "INVITE",
      uri: bob.aor,
      branch: "z9hG4bKnever",
      callId: "never",
      cseq: 1,
      from: `<${alice.aor}>;tag=x`,
      to: `<${bob.aor}>`,
      routes: [],
    };
    alice.cancel(never);
    expect((await alice.next(481, { method: "CANCEL" })).status).toBe(481);
  });

  it("that comes after the answer changes nothing: the call goes on", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const call = await establish(alice, bob);
    alice.cancel(call.invite);
    await alice.next((message) => header(message, "cseq") === "1 CANCEL");
    await bob.hearsNothing("CANCEL", alice);
    expect((await hangUp(bob, call.calleeSide, alice)).status).toBe(200);
  });

  it("that crosses the answer: the caller hears the 200, and hangs up", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const { invite, heard } = await ring(alice, bob);
    alice.cancel(invite);
    const cancel = await bob.next("CANCEL");
    bob.reply(heard, 200);
    bob.reply(cancel, 200);
    expect((await alice.next(200, { method: "INVITE" })).status).toBe(200);
  });

  it("reaches every phone of the callee", async () => {
    const [alice, first] = await serverUnderTest.phones(way, "alice", "bob");
    const second = await serverUnderTest.register(first.account, way);
    const invite = alice.request("INVITE", first.aor);
    for (const phone of [first, second]) phone.reply(await phone.next("INVITE"), 180);
    await alice.next(180);
    await alice.next(180);
    alice.cancel(invite);
    expect((await first.next("CANCEL")).method).toBe("CANCEL");
    expect((await second.next("CANCEL")).method).toBe("CANCEL");
  });

  it("of somebody else's call does nothing", async () => {
    const [alice, bob, mallory] = await serverUnderTest.phones(way, "alice", "bob", "mallory");
    const { invite, heard } = await ring(alice, bob);
    mallory.cancel({ ...invite, from: `<${mallory.aor}>;tag=${alice.tag}` });
    expect((await mallory.next(481, { method: "CANCEL" })).status).toBe(481);
    await bob.hearsNothing("CANCEL", mallory);
    bob.reply(heard, 486);
    expect((await alice.finalResponse(invite)).status).toBe(486);
  });
});

describe.each(ways)("a caller whose socket dies while it rings, on the %s way", (way) => {
  it("cannot cancel any more: the callee stops ringing after the grace", async () => {
    const [alice, bob] = await hastyTown.phones(way, "alice", "bob");
    await ring(alice, bob);
    alice.socket.cut();
    expect((await bob.next("CANCEL")).method).toBe("CANCEL");
  });
});
