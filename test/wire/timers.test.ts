import { afterAll, describe, expect, it } from "vitest";
import { ring } from "../support/call.ts";
import { hasty } from "../support/hasty.ts";
import { header } from "../support/received-message.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { RING_TIMEOUT: hasty, TRANSACTION_TIMEOUT: hasty } });
afterAll(() => serverUnderTest.close());

describe.concurrent.each(ways)("on the %s way", (way) => {
  it("a phone that rings for too long is cancelled, and its 487 ends the call (Timer C, RFC 3261 §16.8)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const { invite, heard } = await ring(alice, bob);
    const cancel = await bob.next("CANCEL");
    expect(header(cancel, "via")).toBe(header(heard, "via"));
    bob.reply(cancel, 200);
    bob.reply(heard, 487);
    expect((await alice.finalResponse(invite)).status).toBe(487);
    expect((await bob.next("ACK")).method).toBe("ACK");
  });

  it("a phone that never says anything at all ends with 408", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const invite = alice.request("INVITE", bob.aor);
    await bob.next("INVITE");
    expect((await alice.finalResponse(invite)).status).toBe(408);
  });

  it("a phone that rings and then falls silent even to its CANCEL ends with 408", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const { invite } = await ring(alice, bob);
    await bob.next("CANCEL");
    expect((await alice.finalResponse(invite)).status).toBe(408);
  });

  it("of several, the one that refuses is heard when the silent one is given up: it says more than a 408", async () => {
    const [alice, one] = await serverUnderTest.phones(way, "alice", "bob");
    const two = await serverUnderTest.register(one.account, way);
    const invite = alice.request("INVITE", one.aor);
    one.reply(await one.next("INVITE"), 486);
    await two.next("INVITE");
    expect((await alice.finalResponse(invite)).status).toBe(486);
  });

  it("a phone rings on through loss of memory, and ends all the same", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const { invite } = await ring(alice, bob);
    for (const { account } of [alice, bob]) await serverUnderTest.server.evict(`sip:${account}@localhost#1`, "hibernate");
    expect((await alice.finalResponse(invite)).status).toBe(408);
  });

  it("a request that is no INVITE is never answered with 408 in a silent phone's place (RFC 4320 §4.2)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    alice.request("MESSAGE", bob.aor);
    const heard = await bob.next("MESSAGE");
    await alice.hearsNothingWithin(Number(hasty) * 1500, (message) => message.status > 100);
    bob.reply(heard, 200);
    expect((await alice.next(200)).status).toBe(200);
  });
});
