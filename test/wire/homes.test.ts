import { afterAll, describe, expect, it } from "vitest";
import { Phone } from "../support/phone.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { MAXIMUM_UNAUTHENTICATED: "3" } });
afterAll(() => serverUnderTest.close());
const { server } = serverUnderTest;
const homeOf = (account: string): string => `sip:${account}@localhost#1`;

describe("a home is opened by its owner's first authenticated flow, and by nothing else", () => {
  it("provisioning opens none", async () => {
    const alice = await serverUnderTest.newcomer("alice");
    expect(await server.listHomes()).not.toContain(homeOf(alice));
  });

  it.each(ways)("a flow that authenticates opens its own, on the %s way", async (way) => {
    const alice = await serverUnderTest.newcomer("alice");
    await serverUnderTest.register(alice, way);
    expect(await server.listHomes()).toContain(homeOf(alice));
  });

  it("a request with Proxy-Authorization opens it as a REGISTER does", async () => {
    const [bob] = await serverUnderTest.phones("general", "bob");
    const alice = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general");
    const answer = alice.transact("MESSAGE", bob.aor, { body: "hello" });
    bob.reply(await bob.next("MESSAGE"), 200);
    expect((await answer).status).toBe(200);
    expect(await server.listHomes()).toContain(homeOf(alice.account));
  });

  it("a connection to the home's own address opens none", async () => {
    const alice = await serverUnderTest.newcomer("alice");
    const before = await server.listHomes();
    const phone = await serverUnderTest.connect(alice, "general");
    await phone.finalResponse(phone.request("OPTIONS", "sip:localhost"));
    expect(await server.listHomes()).toEqual(before);
  });

  it("a wrong password opens none", async () => {
    const alice = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general", { password: "wrong" });
    expect((await alice.register()).status).toBe(401);
    expect(await server.listHomes()).not.toContain(homeOf(alice.account));
  });

  it("a caller of a user who was never there gets 480, and opens none", async () => {
    const [alice] = await serverUnderTest.phones("general", "alice");
    const carol = await serverUnderTest.newcomer("carol");
    expect((await alice.finalResponse(alice.request("INVITE", `sip:${carol}@localhost`))).status).toBe(480);
    expect(await server.listHomes()).not.toContain(homeOf(carol));
  });

  it("unknown names create no object, however they are used", async () => {
    const [alice] = await serverUnderTest.phones("general", "alice");
    const before = await server.listHomes();
    const stranger = await serverUnderTest.connect("nobody", "general");
    await stranger.register();
    stranger.request("MESSAGE", alice.aor);
    await stranger.next(407);
    const hinted = await Phone.connect(server, { account: "nobody", way: "direct" });
    await hinted.register();
    hinted.socket.close();
    expect((await alice.finalResponse(alice.request("INVITE", "sip:nobody@localhost"))).status).toBe(404);
    expect(await server.listHomes()).toEqual(before);
  });
});

describe("sockets at an open home that have not authenticated", () => {
  it("touch no SQL", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const count = "SELECT count(*) AS tables FROM sqlite_master";
    const before = await server.query(homeOf(alice.account), count);
    const stranger = await serverUnderTest.connect(alice.account, "direct", { password: "wrong" });
    expect((await stranger.register()).status).toBe(401);
    expect(await server.query(homeOf(alice.account), count)).toEqual(before);
    expect(await server.query(homeOf(alice.account), "SELECT count(*) AS n FROM bindings")).toEqual([{ n: 1 }]);
  });

  it("are closed when they are too many, however many come at once; the owner's are not", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const strangers = [];
    for (let index = 0; index < 12; index += 1) strangers.push(await serverUnderTest.connect(alice.account, "direct"));
    const tooMany = await Promise.all(strangers.slice(0, 9).map((stranger) => stranger.socket.closed));
    expect(new Set(tooMany.map(({ code }) => code))).toEqual(new Set([4429]));
    for (const stranger of strangers.slice(9)) {
      expect((await stranger.finalResponse(stranger.request("MESSAGE", bob.aor))).status).toBe(407);
    }
    bob.request("MESSAGE", alice.aor, { body: "still there?" });
    expect((await alice.next("MESSAGE")).body).toBe("still there?");
  });
});
