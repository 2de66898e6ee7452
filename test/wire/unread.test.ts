import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { establish, hangUp } from "../support/call.ts";
import { Phone } from "../support/phone.ts";
import { type OpenSocket, openSocket } from "../support/sip-socket.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** Users who have authenticated, and do not read what they are sent; with the settings as they are. */
let serverUnderTest: ServerUnderTest;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest();
});
afterAll(() => serverUnderTest.close());

const unread = { code: 4429, reason: "too much waits for this client to read it: connect again" };
const mebibyte = 1_048_576;
/** Of a request that is answered with all its Vias, and of the answer. */
const length = 60_000;

/** A registered phone that can stop reading. */
async function phoneOf(account: string, way: "direct" | "general"): Promise<{ phone: Phone; socket: OpenSocket }> {
  const socket = await openSocket(`${serverUnderTest.server.wsUrl}${way === "direct" ? `/ws/${account}@localhost` : "/ws"}`, account);
  const phone = new Phone(socket, { account, way });
  expect((await phone.register()).status).toBe(200);
  return { phone, socket };
}

/** Has the server answer so many octets; what it answers is not waited for. */
function ask(phone: Phone, octets: number): void {
  const vias = Array.from(
    { length: 200 },
    (_, index) => `Via: SIP/2.0/WSS ${"h".repeat(60)}.invalid;branch=z9hG4bK${`${index}`.padStart(204, "0")}`,
  );
  for (let asked = 0; asked < octets; asked += length) phone.request("OPTIONS", "sip:localhost", {}, vias);
}

/** Has the server answer so much, reads all of it, and answers probes or does not; returns how many came. */
async function askAndRead(phone: Phone, octets: number, answersProbes: boolean): Promise<number> {
  let probes = 0;
  for (let asked = 0; asked < octets; asked += mebibyte) {
    ask(phone, mebibyte);
    for (let heard = 0; heard < mebibyte; heard += length) await phone.next(200, { method: "OPTIONS" });
    const probe = phone.socket.rest().find(({ method }) => method === "OPTIONS");
    if (probe === undefined) continue;
    probes += 1;
    await phone.next("OPTIONS");
    if (answersProbes) phone.reply(probe, 200);
  }
  return probes;
}

describe.each(["direct", "general"] as const)("on the %s way", (way) => {
  it("a phone that never reads is closed with 4429, no more than 36 MiB wait for it, and meanwhile others call", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const { phone: carol, socket } = await phoneOf(await serverUnderTest.newcomer("carol"), way);
    socket.deafen();
    ask(carol, 60 * mebibyte);
    const call = await establish(alice, bob);
    expect((await hangUp(alice, call.callerSide, bob)).status).toBe(200);
    socket.hearAgain();
    expect(await carol.socket.closed).toEqual(unread);
    const octets = carol.socket.rest().reduce((sum, { raw }) => sum + raw.length, 0);
    expect(octets).toBeGreaterThan(30 * mebibyte);
    expect(octets).toBeLessThan(36 * mebibyte);
  });

  it("a phone that reads and answers OPTIONS stays, however much it is sent", async () => {
    const carol = await serverUnderTest.register(await serverUnderTest.newcomer("carol"), way);
    const probes = await askAndRead(carol, 20 * mebibyte, true);
    expect(probes).toBeGreaterThan(10);
    expect((await carol.register()).status).toBe(200);
  });

  it("a phone that answers no OPTIONS is told to connect again", async () => {
    const carol = await serverUnderTest.register(await serverUnderTest.newcomer("carol"), way);
    // It has 10 s to answer, unless more waits than a home may hold.
    void askAndRead(carol, 60 * mebibyte, false).catch(() => undefined);
    expect(await carol.socket.closed).toEqual(unread);
  });
});

it("when 16 MiB wait in connections of one user, no further one is taken on, and other users connect", async () => {
  const account = await serverUnderTest.newcomer("carol");
  const phones = [];
  for (let count = 0; count < 6; count += 1) phones.push(await phoneOf(account, "direct"));
  for (const { phone, socket } of phones) {
    socket.deafen();
    ask(phone, 12 * mebibyte);
  }
  let status = 101;
  for (let tries = 0; tries < 200 && status === 101; tries += 1) status = await statusOfUpgrade(account);
  expect(status).toBe(503);
  expect(await statusOfUpgrade("alice")).toBe(101);
});

it("strangers who let their answers wait keep nobody from connecting", async () => {
  const carol = await serverUnderTest.register(await serverUnderTest.newcomer("carol"), "direct");
  const long = Array.from({ length: 4 }, (_, index) => `Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK${index}${"v".repeat(15_000)}`);
  const strangers: OpenSocket[] = [];
  // Each is answered with as much as strangers may be answered: 40 MiB in all.
  for (let count = 0; count < 340; count += 1) {
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws/${carol.account}@localhost`, "stranger");
    strangers.push(socket);
    const stranger = new Phone(socket, { account: carol.account, way: "direct" });
    socket.deafen();
    for (let asked = 0; asked < 2; asked += 1) stranger.request("REGISTER", "sip:localhost", {}, long);
  }
  expect(await statusOfUpgrade(carol.account)).toBe(101);
  expect((await (await serverUnderTest.connect(carol.account, "general")).register()).status).toBe(200);
  for (const socket of strangers) socket.cut();
});

async function statusOfUpgrade(account: string): Promise<number> {
  const socket = new WebSocket(`${serverUnderTest.server.wsUrl}/ws/${account}@localhost`, "sip");
  socket.on("error", () => undefined);
  const response = once(socket, "unexpected-response").then(([, { statusCode }]) => statusCode as number);
  const status = await Promise.race([once(socket, "open").then(() => 101), response]);
  socket.terminate();
  await new Promise((resume) => setTimeout(resume, 50));
  return status;
}
