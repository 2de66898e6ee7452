import { afterAll, describe, expect, it } from "vitest";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

describe.each(ways)("on the %s way", (way) => {
  it("a double CRLF is answered by a single CRLF (RFC 5626 §4.4.1)", async () => {
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way);
    phone.socket.send("\r\n\r\n");
    expect(await phone.socket.nextKeepAlive()).toBe("\r\n");
  });

  it("a double CRLF in a binary frame is answered too", async () => {
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way, { isBinary: true });
    phone.socket.send("\r\n\r\n");
    expect(await phone.socket.nextKeepAlive()).toBe("\r\n");
  });

  it("keep-alives are answered while the home is out of memory, and requests afterwards", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    await serverUnderTest.server.evict(`sip:${alice.account}@localhost#1`, "hibernate");
    alice.socket.send("\r\n\r\n");
    expect(await alice.socket.nextKeepAlive()).toBe("\r\n");
    alice.request("MESSAGE", bob.aor, { body: "still here" });
    expect((await bob.next("MESSAGE")).body).toBe("still here");
  });
});

describe("the order of one socket", () => {
  it.each(ways)("requests arrive in the order they were sent in, on the %s way", async (way) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const bodies = Array.from({ length: 30 }, (_, index) => `number ${index}`);
    for (const body of bodies) alice.request("MESSAGE", bob.aor, { body });
    const heard: string[] = [];
    for (const _ of bodies) heard.push((await bob.next("MESSAGE")).body);
    expect(heard).toEqual(bodies);
  });

  it.each(ways)("a CANCEL right behind its INVITE finds it, on the %s way", async (way) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const invite = alice.request("INVITE", bob.aor);
    alice.cancel(invite);
    const heard = await bob.next("INVITE");
    bob.reply(heard, 180);
    bob.reply(await bob.next("CANCEL"), 200);
    bob.reply(heard, 487);
    expect((await alice.finalResponse({ ...invite, method: "CANCEL" })).status).toBe(200);
    expect((await alice.next(487)).status).toBe(487);
  });
});
