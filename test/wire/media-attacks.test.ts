import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch } from "../support/compose.ts";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { browserSdp, telephoneSdp } from "../support/session-descriptions.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { type StandInEngine, startStandInEngine } from "../support/stand-in-engine.ts";

let serverUnderTest: ServerUnderTest;
let engine: StandInEngine;
let provider: SipServer;
let alice: Phone;
let number: string;

const api = (method: string, path: string, body?: object) => serverUnderTest.server.api(method, `/domains/localhost${path}`, body);
const withSdp = { headers: [["Content-Type", "application/sdp"]] as const, body: browserSdp };

async function trunk(more: object = {}): Promise<void> {
  const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
  const body = { server, prefixes: ["+1"], inbound: true, media: { profile: "rtp" }, ...more };
  if ((await api("PUT", "/trunks/provider", body)).status !== 200) throw new Error("there is no trunk");
}

/** From a telephone. */
function sends(method: string, to = number, callId = newBranch()): void {
  const via = `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`;
  const lines = ["From: <sip:+49301234@provider.example>;tag=far", `To: <sip:${to}@localhost>`, `Call-ID: ${callId}`];
  const more = [`Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`, "Content-Type: application/sdp"];
  const headers = [via, "Max-Forwards: 70", ...lines, `CSeq: 1 ${method}`, ...more];
  provider.send(compose(`${method} sip:${to}@localhost SIP/2.0`, headers, telephoneSdp()));
}

/** Sends a message that passes, so that the connection is open. */
async function opens(phone: Phone): Promise<void> {
  const sent = phone.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
  provider.reply(await provider.next("MESSAGE"), 200);
  await phone.finalResponse(sent);
}

beforeAll(async () => {
  [serverUnderTest, engine] = await Promise.all([
    startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } }),
    startStandInEngine(),
  ]);
  const answer = await api("PUT", "/media/engine", { kind: "rtpengine", url: engine.url });
  if (answer.status !== 200) throw new Error("there is no media service");
});
afterAll(() => Promise.all([serverUnderTest.close(), engine.close()]));
beforeEach(async () => {
  provider = await startSipServer();
  number = await serverUnderTest.newcomer("alice");
  alice = await serverUnderTest.register(number, "general");
  await trunk();
  await opens(alice);
  engine.commands.length = 0;
});
afterEach(async () => {
  engine.delay = 0;
  engine.sessions.clear();
  await api("DELETE", "/trunks/provider");
  alice.socket.cut();
  provider.close();
});

describe("requests that negotiate no media open no session, whatever their body is", () => {
  it.each(["MESSAGE", "OPTIONS", "INFO", "PUBLISH", "SUBSCRIBE", "UPDATE", "PRACK"])("a %s of a user", async (method) => {
    const sent = alice.request(method, "sip:+1555@localhost", withSdp);
    const heard = await provider.next(method);
    provider.reply(heard, 200, ["Content-Type: application/sdp"], telephoneSdp());
    await alice.finalResponse(sent);
    expect([heard.body, [...engine.sessions.keys()]]).toEqual([browserSdp, []]);
  });

  it.each(["MESSAGE", "OPTIONS"])("a %s from the trunk", async (method) => {
    sends(method);
    const heard = await alice.next(method);
    alice.reply(heard, 200, withSdp);
    await provider.next(200, { method });
    expect([heard.body, engine.commands]).toEqual([telephoneSdp(), []]);
  });
});

describe("a call that forks keeps its media until its last branch has ended", () => {
  const answers = () => [`Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`, "Content-Type: application/sdp"];

  /** alice calls a user with two numbers of the trunk. */
  async function forks() {
    const [bob] = await serverUnderTest.phones("general", "bob");
    for (const telephone of ["+1661", "+1662"]) {
      const body = { contact: `sip:${telephone}@localhost`, expires: 3600 };
      expect((await api("POST", `/subscribers/${bob.account}/bindings`, body)).status).toBeLessThan(300);
    }
    bob.socket.cut();
    const sent = alice.request("INVITE", `sip:${bob.account}@localhost`, withSdp);
    return { sent, one: await provider.next("INVITE"), other: await provider.next("INVITE") };
  }

  it("one number of the trunk is busy, the other one answers", async () => {
    const { sent, one, other } = await forks();
    provider.reply(one, 486);
    await provider.next("ACK");
    provider.reply(one, 486);
    provider.reply(other, 200, answers(), telephoneSdp());
    expect((await alice.finalResponse(sent)).body).toBe(browserSdp);
    expect([engine.sessions.size, engine.commands.includes("delete")]).toEqual([1, false]);
  });

  it("with credentials in one branch", async () => {
    await trunk({ username: "us", password: "a-password" });
    const { sent, one, other } = await forks();
    provider.reply(one, 401, ['WWW-Authenticate: Digest realm="far", nonce="1", algorithm=MD5']);
    const again = await provider.next("INVITE");
    provider.reply(other, 486);
    await provider.next("ACK");
    provider.reply(again, 200, answers(), telephoneSdp());
    expect((await alice.finalResponse(sent)).body).toBe(browserSdp);
    expect(engine.sessions.size).toBe(1);
  });

  it("both are busy", async () => {
    const { sent, one, other } = await forks();
    for (const each of [one, other]) provider.reply(each, 486);
    await alice.finalResponse(sent);
    await expect.poll(() => [...engine.sessions.keys()]).toEqual([]);
  });

  it("the trunk forks to two users, and one refuses", async () => {
    const [bob] = await serverUnderTest.phones("general", "bob");
    const callId = newBranch();
    sends("INVITE", number, callId);
    alice.reply(await alice.next("INVITE"), 486);
    await provider.next(486);
    sends("INVITE", number, callId);
    const first = await alice.next("INVITE");
    sends("INVITE", bob.account, callId);
    const second = await bob.next("INVITE");
    alice.reply(first, 486);
    await provider.next(486);
    bob.reply(second, 200, withSdp);
    expect((await provider.next(200, { method: "INVITE" })).body).toBe(telephoneSdp());
    expect(engine.sessions.size).toBe(1);
    bob.socket.cut();
  });
});

describe("maximum_calls holds while calls wait for the media service", () => {
  beforeEach(async () => {
    await trunk({ maximum_calls: 1 });
    engine.delay = 300;
  });

  it("for calls that come in at once", async () => {
    for (let each = 0; each < 4; each += 1) sends("INVITE");
    for (let each = 0; each < 3; each += 1) await provider.next(480, { milliseconds: 5000 });
    await alice.next("INVITE");
    expect(alice.socket.rest().filter(({ method }) => method === "INVITE")).toEqual([]);
  });

  it("for calls of several users at once", async () => {
    const [bob] = await serverUnderTest.phones("general", "bob");
    const [carol] = await serverUnderTest.phones("general", "carol");
    const sent = [alice, bob, carol].map((phone) => ({ phone, call: phone.request("INVITE", "sip:+1555@localhost", withSdp) }));
    await provider.next("INVITE");
    const refused = (phone: Phone) => phone.socket.rest().filter(({ status = 0 }) => status >= 300).length;
    await expect.poll(() => sent.reduce((sum, { phone }) => sum + refused(phone), 0)).toBeGreaterThan(0);
    expect(provider.rest().filter(({ method }) => method === "INVITE")).toEqual([]);
    for (const phone of [bob, carol]) phone.socket.cut();
  });

  it("a call that is refused before it has passed counts no longer", async () => {
    sends("INVITE", "nobody-at-all");
    await provider.next(404);
    sends("INVITE");
    expect((await alice.next("INVITE")).body).toBe(browserSdp);
  });
});

it("keys in INFO are for the service if the trunk says so, other INFO and unfit keys for the trunk", async () => {
  await trunk({ media: { profile: "rtp", dtmf: "rfc4733" } });
  const invitation = alice.request("INVITE", "sip:+1555@localhost", withSdp);
  const contact = `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;
  provider.reply(await provider.next("INVITE"), 200, [contact, "Content-Type: application/sdp"], telephoneSdp());
  const dialog = dialogOfCaller(await alice.finalResponse(invitation));
  alice.ack(dialog);
  await provider.next("ACK");
  const presses = async (body: string, type = "application/dtmf-relay") => {
    const sent = alice.inDialog("INFO", dialog, { headers: [["Content-Type", type]], body });
    provider.next("INFO", { milliseconds: 3000 }).then(
      (info) => provider.reply(info, 415),
      () => undefined,
    );
    return (await alice.finalResponse(sent)).status;
  };
  expect(await presses("Signal=5\r\nDuration=160\r\n")).toBe(200);
  expect(await presses("#", "application/dtmf")).toBe(200);
  expect(engine.commands.slice(-2)).toEqual(["play DTMF", "play DTMF"]);
  for (const body of ["Signal=55", "Signal=", "Sig=5"]) expect([body, await presses(body)]).toEqual([body, 415]);
  expect(await presses("5", "text/plain")).toBe(415);
  // A service that does not do it, and one that does not answer: it is asked no more for a while.
  engine.sessions.clear();
  expect(await presses("Signal=5")).toBe(415);
  engine.delay = 2600;
  engine.commands.length = 0;
  for (let each = 0; each < 3; each += 1) expect(await presses("Signal=5")).toBe(415);
  expect(engine.commands).toEqual(["play DTMF"]);
});

describe("a slow media service", () => {
  it("delays the calls that it converts, and nothing else of the trunk", async () => {
    engine.delay = 1500;
    for (let each = 0; each < 12; each += 1) sends("INVITE");
    sends("MESSAGE");
    await alice.next("MESSAGE");
    expect(alice.socket.rest().filter(({ method }) => method === "INVITE")).toEqual([]);
  });

  it("that did not answer in time is asked after the others for a while", async () => {
    const other = await startStandInEngine();
    await api("PUT", "/media/other", { kind: "rtpengine", url: other.url, priority: 2 });
    engine.delay = 2600;
    for (let each = 0; each < 2; each += 1) {
      sends("INVITE");
      const invite = await alice.next("INVITE", { milliseconds: 10_000 });
      alice.reply(invite, 486);
      await provider.next(486);
    }
    expect([engine.commands, other.commands].map((commands) => commands.filter((command) => command === "offer").length)).toEqual([1, 2]);
    await api("DELETE", "/media/other");
    await other.close();
  });
});

it.each(["UPDATE", "PRACK"])("a %s of another user with the Call-ID and the tag of a call does not reach its media", async (method) => {
  const [mallory] = await serverUnderTest.phones("general", "mallory");
  const sent = alice.request("INVITE", "sip:+1555@localhost", withSdp);
  await provider.next("INVITE");
  engine.commands.length = 0;
  const from = `<sip:${mallory.account}@localhost>;tag=${alice.tag}`;
  const forged = mallory.request(method, "sip:+1555@localhost", { ...withSdp, callId: sent.callId, from });
  expect((await mallory.finalResponse(forged)).status).toBe(482);
  expect([engine.commands, provider.rest()]).toEqual([[], []]);
  mallory.socket.cut();
});

describe("who only rang for a call of a trunk takes over none of the media of who has answered", () => {
  /** A telephone calls a number that rings at bob and mallory. */
  async function rings() {
    const [bob, mallory, sales] = await serverUnderTest.phones("general", "bob", "mallory", "sales");
    sales.socket.cut();
    for (const { aor } of [bob, mallory]) await api("POST", `/subscribers/${sales.account}/bindings`, { contact: aor, expires: 3600 });
    sends("INVITE", sales.account);
    const [atBob, atMallory] = await Promise.all([bob.next("INVITE"), mallory.next("INVITE")]);
    mallory.reply(atMallory, 180);
    await provider.next(180);
    return { bob, mallory, atBob, atMallory };
  }

  /** Bob answers, and mallory's phone has stopped ringing. */
  async function bobAnswers() {
    const { bob, mallory, atBob, atMallory } = await rings();
    bob.reply(atBob, 200, withSdp);
    await provider.next(200, { method: "INVITE" });
    mallory.reply(await mallory.next("CANCEL"), 200);
    mallory.reply(atMallory, 487);
    engine.commands.length = 0;
    const cut = () => [bob, mallory].forEach((phone) => phone.socket.cut());
    return { bob, mallory, own: dialogOfCallee(atMallory, mallory.tag), bobs: dialogOfCallee(atBob, bob.tag), cut };
  }

  it.each(["UPDATE", "PRACK"])("by %s, which is refused", async (method) => {
    const { mallory, own, cut } = await bobAnswers();
    const sent = mallory.inDialog(method, own, withSdp);
    expect((await mallory.finalResponse(sent)).status).toBe(481);
    expect([engine.commands, provider.rest().filter((message) => message.method === method)]).toEqual([[], []]);
    cut();
  });

  it("by an answer of its own that comes after the CANCEL", async () => {
    const { bob, mallory, atBob, atMallory } = await rings();
    bob.reply(atBob, 200, withSdp);
    await provider.next(200, { method: "INVITE" });
    mallory.reply(await mallory.next("CANCEL"), 200);
    engine.commands.length = 0;
    mallory.reply(atMallory, 200, withSdp);
    await provider.next(200, { method: "INVITE" });
    const update = mallory.inDialog("UPDATE", dialogOfCallee(atMallory, mallory.tag), withSdp);
    provider.reply(await provider.next("UPDATE"), 200, ["Content-Type: application/sdp"], telephoneSdp());
    await mallory.finalResponse(update);
    expect(engine.commands).toEqual([]);
    for (const phone of [bob, mallory]) phone.socket.cut();
  });

  it("by an UPDATE of the time before, whose response comes after the answer", async () => {
    const { bob, mallory, atBob, atMallory } = await rings();
    const sent = mallory.inDialog("UPDATE", dialogOfCallee(atMallory, mallory.tag), withSdp);
    const update = await provider.next("UPDATE");
    bob.reply(atBob, 200, withSdp);
    await provider.next(200, { method: "INVITE" });
    engine.commands.length = 0;
    provider.reply(update, 200, ["Content-Type: application/sdp"], telephoneSdp());
    await mallory.finalResponse(sent);
    expect(engine.commands).toEqual([]);
    for (const phone of [bob, mallory]) phone.socket.cut();
  });

  it("by keys", async () => {
    await trunk({ media: { profile: "rtp", dtmf: "rfc4733" } });
    const { mallory, own, cut } = await bobAnswers();
    const headers = [["Content-Type", "application/dtmf-relay"]] as const;
    const sent = mallory.inDialog("INFO", own, { headers, body: "Signal=5\r\n" });
    provider.reply(await provider.next("INFO"), 481);
    expect([(await mallory.finalResponse(sent)).status, engine.commands]).toEqual([481, []]);
    cut();
  });

  it("by ACK, which changes nothing", async () => {
    const { bob, mallory, own, bobs, cut } = await bobAnswers();
    mallory.inDialog("ACK", own, withSdp);
    await provider.next("ACK");
    expect(engine.commands).toEqual([]);
    // Who has answered changes the media as before.
    const held = bob.inDialog("UPDATE", bobs, withSdp);
    const update = await provider.next("UPDATE");
    provider.reply(update, 200, ["Content-Type: application/sdp"], telephoneSdp());
    expect([update.body, (await bob.finalResponse(held)).body]).toEqual([telephoneSdp(), browserSdp]);
    cut();
  });

  it("by a BYE after a restart, which its server refuses", async () => {
    const { mallory: before, own, cut } = await bobAnswers();
    await serverUnderTest.server.kill9();
    await serverUnderTest.server.restart();
    const mallory = await serverUnderTest.register(before.account, "general", { instance: before.instance });
    const sent = mallory.inDialog("BYE", own);
    provider.reply(await provider.next("BYE"), 481);
    expect((await mallory.finalResponse(sent)).status).toBe(481);
    expect([engine.sessions.size, engine.commands.includes("delete")]).toEqual([1, false]);
    mallory.socket.cut();
    cut();
  });

  it.each(["INVITE", "UPDATE", "PRACK", "ACK"])("by %s after a restart, when the service alone knows the call", async (method) => {
    const { mallory: before, own, cut } = await bobAnswers();
    await serverUnderTest.server.kill9();
    await serverUnderTest.server.restart();
    const mallory = await serverUnderTest.register(before.account, "general", { instance: before.instance });
    const sent = mallory.inDialog(method, own, withSdp);
    const became = method === "ACK" ? await provider.next("ACK") : await mallory.finalResponse(sent);
    expect(became.status).toBe(method === "ACK" ? 0 : 481);
    expect([...engine.sessions.values()].filter((tags) => tags.has(before.tag))).toEqual([]);
    mallory.socket.cut();
    cut();
  });
});
