import { afterAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

interface Line {
  readonly direction?: "in" | "out";
  readonly method?: string;
  readonly status?: number;
  readonly why?: string;
  readonly reason?: string;
  readonly ms?: number;
  readonly callId?: string;
  readonly flow?: string;
  readonly home?: string;
}

/** The structured lines about one Call-ID, oldest first. */
function linesOf(callId: string): Line[] {
  const lines = serverUnderTest.server.logs.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Line);
  return lines.filter((line) => line.callId === callId);
}

describe.each(ways)("the log (one line for each request and final response), on the %s way", (way) => {
  it("tells of a call: at each home what came from its phone, with Call-ID, method, status, flow and home", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const call = await establish(alice, bob);
    await hangUp(bob, call.calleeSide, alice);
    const [at, by] = [alice, bob].map(({ account }) => `sip:${account}@localhost#1`);
    const { callId } = call.invite;
    const told = (): unknown[] => linesOf(callId).map(({ direction, method, status, home }) => [direction, method, status, home]);
    await expect.poll(told).toEqual([
      ["in", "INVITE", undefined, at],
      ["in", "INVITE", 200, by],
      ["out", "INVITE", 200, at],
      ["in", "ACK", undefined, at],
      ["in", "BYE", undefined, by],
      ["in", "BYE", 200, at],
    ]);
    for (const { flow } of linesOf(callId)) expect(flow).toMatch(/^\S{8}$/);
  });

  it.each([403, 486, 500, 603])(
    "tells of a call that is refused with %i: status, reason, home, Call-ID and how long it took",
    async (status) => {
      const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
      const callId = `refused-${status}-${alice.account}`;
      alice.request("INVITE", bob.aor, { callId });
      bob.reply(await bob.next("INVITE"), status);
      await alice.next(status);
      const home = `sip:${alice.account}@localhost#1`;
      const line = { direction: "out", method: "INVITE", status, reason: expect.stringMatching(/./) as unknown, home, callId };
      await expect.poll(() => linesOf(callId).filter(({ direction }) => direction === "out")).toMatchObject([line]);
      expect(linesOf(callId).at(-1)?.ms).toBeGreaterThanOrEqual(0);
    },
  );

  it.each([
    ["whose user is not there", "bob", 480],
    ["to nobody", "nobody", 404],
  ])("tells of a call %s, and how long it took", async (_who, callee, status) => {
    const [alice] = await serverUnderTest.phones(way, "alice");
    const callId = `vain-${status}-${alice.account}`;
    const to = callee === "bob" ? await serverUnderTest.newcomer("bob") : callee;
    alice.request("INVITE", `sip:${to}@localhost`, { callId });
    await alice.next(status);
    const line = {
      direction: "out",
      method: "INVITE",
      status,
      home: `sip:${alice.account}@localhost#1`,
      ms: expect.any(Number) as unknown,
    };
    await expect.poll(() => linesOf(callId).filter(({ direction }) => direction === "out")).toMatchObject([line]);
  });

  it("tells why somebody is not let in, and shows no secret", async () => {
    const account = await serverUnderTest.newcomer("alice");
    const stranger = await serverUnderTest.connect(account, way, { password: "not-offhook" });
    await stranger.register({ callId: `wrong-${account}` });
    const home = way === "direct" ? `sip:${account}@localhost#1` : "edge proxy";
    await expect
      .poll(() => linesOf(`wrong-${account}`))
      .toMatchObject([
        { direction: "in", method: "REGISTER", home },
        { direction: "out", method: "REGISTER", status: 401, home, why: expect.stringMatching(/./) as unknown },
        { direction: "in", method: "REGISTER", home },
        { direction: "out", method: "REGISTER", status: 401, home, why: expect.stringMatching(/./) as unknown },
      ]);
    expect(serverUnderTest.server.logs.filter((line) => /offhook"|response=|Digest/.test(line))).toEqual([]);
  });

  it("tells of what could not be read, and why", async () => {
    const alice = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way);
    alice.request("MESSAGE", "sip:bob@localhost", { callId: `broken-${way}`, headers: [["Subject", "a\nb"]] });
    await alice.next(400);
    const answer = { direction: "out", status: 400, why: expect.stringContaining("CRLF") as unknown };
    await expect.poll(() => linesOf(`broken-${way}`).at(-1)).toMatchObject(answer);
  });
});
