import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { compose, newBranch, randomText } from "../support/compose.ts";
import { establish, hangUp } from "../support/call.ts";
import { freePort } from "../support/kamailio.ts";
import type { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** Those who do not authenticate, with the settings as they are. */
let serverUnderTest: ServerUnderTest;
let sipPort: number;
beforeAll(async () => {
  sipPort = await freePort();
  serverUnderTest = await startServerUnderTest({ sipPort });
});
afterAll(() => serverUnderTest.close());

/** A request that is challenged or refused, of at least so many octets. */
function question(account: string, length = 0, method = "OPTIONS"): string {
  return compose(`${method} sip:${account}@localhost SIP/2.0`, [
    `Via: SIP/2.0/WSS ${randomText(4)}.invalid;branch=${newBranch()}`,
    ...["Max-Forwards: 70", `From: <sip:${account}@localhost>;tag=1`, `To: <sip:${account}@localhost>`, `Call-ID: ${randomText(6)}`],
    ...[`CSeq: 1 ${method}`, ...Array.from({ length: Math.ceil(length / 10_000) }, () => `X-Long: ${"x".repeat(10_000)}`)],
  ]);
}

const ways = [
  ["at a home", (account: string) => `/ws/${account}@localhost`],
  ["at the edge proxy", () => "/ws"],
  ["at the redirect server", () => "/redirect"],
] as const;

/** A connection that says what it is told and hears nothing before it is asked. */
async function deaf(path: string): Promise<{ socket: WebSocket; heard: () => number; closed: Promise<{ code: number; reason: string }> }> {
  const socket = new WebSocket(`${serverUnderTest.server.wsUrl}${path}`, "sip");
  let octets = 0;
  socket.on("message", (data: Buffer) => (octets += data.length));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  await once(socket, "open");
  return { socket, heard: () => octets, closed };
}

async function othersCall(alice: Phone, bob: Phone): Promise<number> {
  const call = await establish(alice, bob);
  return (await hangUp(alice, call.callerSide, bob)).status;
}

describe.each(ways)("a stranger %s", (_where, path) => {
  it.each([
    ["messages", 2000, () => question("nobody")],
    ["ACKs, which nobody answers", 2000, () => question("nobody", 0, "ACK")],
    ["keep-alives in binary frames", 2000, () => Buffer.from("\r\n\r\n")],
    ["what is no SIP", 2000, () => "hello"],
    ["octets", 40, () => question("nobody", 200_000)],
  ])("who floods it with %s is closed with 4429, and meanwhile others call", async (_what, count, frame) => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const stranger = await deaf(path(alice.account));
    for (let sent = 0; sent < count; sent += 1) stranger.socket.send(frame());
    expect(await othersCall(alice, bob)).toBe(200);
    expect((await stranger.closed).code).toBe(4429);
  });

  it("who never reads is closed with 4429, and no more than 160 KiB wait for him", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const stranger = await deaf(path(alice.account));
    stranger.socket.pause();
    // Each is answered with all its Vias.
    const vias = Array.from({ length: 40 }, (_, index) => `Via: SIP/2.0/WSS ${"h".repeat(60)}${index}.invalid;branch=z9hG4bK${index}`);
    for (let sent = 0; sent < 100; sent += 1) stranger.socket.send(question(alice.account).replace("\r\n", `\r\n${vias.join("\r\n")}\r\n`));
    expect(await othersCall(alice, bob)).toBe(200);
    stranger.socket.resume();
    expect((await stranger.closed).code).toBe(4429);
    expect(stranger.heard()).toBeGreaterThan(50_000);
    expect(stranger.heard()).toBeLessThan(160_000);
  });
});

describe("over TCP", () => {
  it("a stranger who floods is cut off, and meanwhile others call", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const socket = connect(sipPort, "127.0.0.1");
    const closed = new Promise<void>((resolve) => {
      socket.on("error", () => resolve());
      socket.on("close", () => resolve());
    });
    await once(socket, "connect");
    socket.resume();
    for (let sent = 0; sent < 2000; sent += 1) socket.write(question("nobody"));
    expect(await othersCall(alice, bob)).toBe(200);
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});

describe.each(["direct", "general"] as const)("a phone that begins much at once, on the %s way", (way) => {
  it("has ten SUBSCRIBEs challenged, says them again, and stays", async () => {
    const alice = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way);
    const headers = [["Event", "presence"] as const, ["Expires", "600"] as const];
    const answers = Array.from({ length: 10 }, () => alice.transact("SUBSCRIBE", alice.aor, { headers }));
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
    expect((await alice.register()).status).toBe(200);
  });

  it("may say far more than a stranger once it has authenticated", async () => {
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    for (let count = 0; count < 400; count += 1) {
      expect((await alice.finalResponse(alice.request("MESSAGE", "sip:nobody@localhost", { body: "x".repeat(2000) }))).status).toBe(404);
    }
  });
});
