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

const unread = { code: 4429, reason: "the client reads too slowly: connect again" };
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

/** Has the server answer a little each second, until it has closed the phone's connection. */
async function askUntilClosed(phone: Phone): Promise<unknown> {
  const asking = setInterval(() => ask(phone, length), 1000);
  try {
    return await phone.socket.closed;
  } finally {
    clearInterval(asking);
  }
}

/** Answers what comes half a second later. */
async function answerLate(phone: Phone, method: string): Promise<void> {
  for (;;) {
    const request = await phone.next(method);
    setTimeout(() => phone.reply(request, 200), 500);
  }
}

describe.concurrent.each(["direct", "general"] as const)("on the %s way", (way) => {
  it("a phone that never reads is closed with 4429, no more than 9 MiB wait for it, and meanwhile others call", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const { phone: carol, socket } = await phoneOf(await serverUnderTest.newcomer("carol"), way);
    socket.deafen();
    ask(carol, 60 * mebibyte);
    const call = await establish(alice, bob);
    expect((await hangUp(alice, call.callerSide, bob)).status).toBe(200);
    const closed = askUntilClosed(carol);
    await new Promise((resume) => setTimeout(resume, 12_000));
    socket.hearAgain();
    expect(await closed).toEqual(unread);
    const octets = carol.socket.rest().reduce((sum, { raw }) => sum + raw.length, 0);
    expect(octets).toBeGreaterThan(7 * mebibyte);
    expect(octets).toBeLessThan(9 * mebibyte);
  });

  it("a phone that reads and answers OPTIONS stays, however much it is sent", async () => {
    const carol = await serverUnderTest.register(await serverUnderTest.newcomer("carol"), way);
    const probes = await askAndRead(carol, 20 * mebibyte, true);
    expect(probes).toBeGreaterThan(10);
    expect((await carol.register()).status).toBe(200);
  });

  it("a phone that answers no OPTIONS is told to connect again", async () => {
    const carol = await serverUnderTest.register(await serverUnderTest.newcomer("carol"), way);
    ask(carol, 10 * mebibyte);
    expect(await askUntilClosed(carol)).toEqual(unread);
  });
});

it.concurrent("while 24 MiB wait in connections of one user that do not read, no further one is taken on, and other users connect", async () => {
  const account = await serverUnderTest.newcomer("carol");
  const phones = [];
  for (let count = 0; count < 6; count += 1) phones.push(await phoneOf(account, "direct"));
  for (const { phone, socket } of phones) {
    socket.deafen();
    ask(phone, 12 * mebibyte);
  }
  // They have 10 s to show that they read.
  expect(await statusOfUpgrade(account)).toBe(101);
  let status = 101;
  for (let tries = 0; tries < 600 && status === 101; tries += 1) status = await statusOfUpgrade(account);
  expect(status).toBe(503);
  expect(await statusOfUpgrade("alice")).toBe(101);
});

it.concurrent("phones that read, though late, stay and can connect again, however much one sender sends them at once", async () => {
  const [alice] = await serverUnderTest.phones("direct", "alice");
  const carol = await serverUnderTest.newcomer("carol");
  const phones = [await phoneOf(carol, "direct"), await phoneOf(carol, "direct")];
  for (const { phone } of phones) for (const method of ["OPTIONS", "MESSAGE"]) void answerLate(phone, method).catch(() => undefined);
  const body = "x".repeat(200_000);
  for (let sent = 0; sent < 60 * mebibyte; sent += body.length) alice.request("MESSAGE", `sip:${carol}@localhost`, { body });
  await new Promise((resume) => setTimeout(resume, 12_000));
  expect(await statusOfUpgrade(carol)).toBe(101);
  for (const { phone } of phones) expect((await phone.register()).status).toBe(200);
});

it.concurrent("a phone comes back while much waits in its half-open connection and a stranger is connected", async () => {
  const [alice] = await serverUnderTest.phones("direct", "alice");
  const account = await serverUnderTest.newcomer("carol");
  const { socket } = await phoneOf(account, "direct");
  const stranger = await openSocket(`${serverUnderTest.server.wsUrl}/ws/${account}@localhost`, "stranger");
  socket.deafen();
  const body = "x".repeat(200_000);
  for (let sent = 0; sent < 20 * mebibyte; sent += body.length) alice.request("MESSAGE", `sip:${account}@localhost`, { body });
  await new Promise((resume) => setTimeout(resume, 12_000));
  expect(await statusOfUpgrade(account)).toBe(101);
  expect((await (await serverUnderTest.connect(account, "direct")).register()).status).toBe(200);
  stranger.cut();
});

it.concurrent("strangers who let their answers wait keep nobody from connecting", async () => {
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

it.concurrent.each([
  ["/ws", "MESSAGE", "sip:nobody@localhost", "<sip:somebody@localhost>"],
  ["/redirect", "OPTIONS", "sip:nobody@localhost", undefined],
])("at %s a client that has authenticated and does not read is closed with 4429; one that reads stays", async (path, method, uri, from) => {
  const account = await serverUnderTest.newcomer("carol");
  const [deaf, reader] = await Promise.all([answeredAt(path, account), answeredAt(path, account)]);
  const vias = Array.from({ length: 14 }, (_, index) => `Via: SIP/2.0/WSS x.invalid;branch=z9hG4bK${index}${"v".repeat(15_000)}`);
  const options = from === undefined ? {} : { from };
  const question = (phone: Phone) => phone.request(method, uri, options, vias);
  void answerLate(reader.phone, "OPTIONS").catch(() => undefined);
  deaf.socket.deafen();
  for (let asked = 0; asked < 80; asked += 1) {
    // One at a time, as fast as the other is answered: on a slow machine a burst would wait in the socket's queue, and be too much for it.
    question(deaf.phone);
    expect((await reader.phone.finalResponse(question(reader.phone))).status).toBeGreaterThan(399);
    if (asked % 4 === 0) await new Promise((resume) => setTimeout(resume, 100));
  }
  await new Promise((resume) => setTimeout(resume, 11_000));
  question(deaf.phone);
  expect((await reader.phone.finalResponse(question(reader.phone))).status).toBeGreaterThan(399);
  deaf.socket.hearAgain();
  expect(await deaf.phone.socket.closed).toEqual(unread);
  expect(deaf.phone.socket.rest().reduce((sum, { raw }) => sum + raw.length, 0)).toBeLessThan(9 * mebibyte);
});

it.concurrent("a client that has authenticated, does not read what the Worker answers, and sends nothing more is closed with 4429", async () => {
  const account = await serverUnderTest.newcomer("carol");
  const deaf = await answeredAt("/ws", account);
  const vias = Array.from({ length: 14 }, (_, index) => `Via: SIP/2.0/WSS x.invalid;branch=z9hG4bK${index}${"v".repeat(15_000)}`);
  deaf.socket.deafen();
  for (let asked = 0; asked < 8; asked += 1)
    deaf.phone.request("MESSAGE", "sip:nobody@localhost", { from: "<sip:somebody@localhost>" }, vias);
  // Ten seconds, and what a busy machine takes longer.
  await new Promise((resume) => setTimeout(resume, 30_000));
  deaf.socket.hearAgain();
  // A busy machine may have found it by what waits to be processed.
  expect((await deaf.phone.socket.closed).code).toBe(unread.code);
});

/** A phone that has authenticated there. */
async function answeredAt(path: string, account: string): Promise<{ phone: Phone; socket: OpenSocket }> {
  const socket = await openSocket(`${serverUnderTest.server.wsUrl}${path}`, account);
  const phone = new Phone(socket, { account, way: "general" });
  const answer = path === "/ws" ? await phone.register() : await phone.transact("INVITE", "sip:alice@localhost");
  expect(answer.status).not.toBe(401);
  return { phone, socket };
}

async function statusOfUpgrade(account: string): Promise<number> {
  const socket = new WebSocket(`${serverUnderTest.server.wsUrl}/ws/${account}@localhost`, "sip");
  socket.on("error", () => undefined);
  const response = once(socket, "unexpected-response").then(([, { statusCode }]) => statusCode as number);
  const status = await Promise.race([once(socket, "open").then(() => 101), response]);
  socket.terminate();
  await new Promise((resume) => setTimeout(resume, 50));
  return status;
}
