import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { hasty } from "../support/hasty.ts";
import { type ReceivedMessage, header, parameter, uriIn } from "../support/received-message.ts";
import type { Phone, Sent } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/**
 * What becomes of a call to another server when the connection, that server, or everything of ours is lost. An object with an open
 * connection is not put to sleep by the platform: its memory goes with the process, or with the connection.
 */
let serverUnderTest: ServerUnderTest;
let other: SipServer;
let alice: Phone;

/** Where a server that is silent is given up soon. */
let hastyTown: ServerUnderTest;

const settings = { ALLOWED_NETWORKS: "127.0.0.0/8", CALLER_GRACE: "60", HOP_KEEP_ALIVE: hasty };
beforeAll(async () => {
  [serverUnderTest, hastyTown] = await Promise.all([
    startServerUnderTest({ settings }),
    startServerUnderTest({ settings: { ...settings, TRANSACTION_TIMEOUT: hasty } }),
  ]);
  for (const { server } of [serverUnderTest, hastyTown]) await server.api("PUT", "/domains/localhost/settings", { calls_out: true });
});
afterAll(() => Promise.all([serverUnderTest.close(), hastyTown.close()]));
beforeEach(async () => {
  other = await startSipServer();
  [alice] = await serverUnderTest.phones("direct", "alice");
});
afterEach(() => other.close());

const uri = (): string => `sip:bob@127.0.0.1:${other.port};transport=tcp`;

interface Calling {
  readonly sent: Sent;
  readonly invite: ReceivedMessage;
}

interface Talking extends Calling {
  readonly dialog: Dialog;
}

async function sends(): Promise<Calling> {
  const sent = alice.request("INVITE", uri(), { body: shortSdp });
  return { sent, invite: await other.next("INVITE") };
}

async function rings(): Promise<Calling> {
  const calling = await sends();
  other.reply(calling.invite, 180);
  await alice.next(180);
  return calling;
}

async function talks(): Promise<Talking> {
  const calling = await rings();
  other.reply(calling.invite, 200, [`Contact: <${uri()}>`], shortSdp);
  const dialog = dialogOfCaller(await alice.finalResponse(calling.sent));
  alice.ack(dialog);
  await other.next("ACK");
  return { ...calling, dialog };
}

/** A power cut; the caller's phone comes back by itself. */
async function powerCut(): Promise<void> {
  await serverUnderTest.server.kill9();
  await serverUnderTest.server.restart();
  alice = await serverUnderTest.register(alice.account, "direct", { instance: alice.instance });
}

/** Another server takes the place of the other one, and has no memory of anything. It is there when the connections are lost. */
async function otherRestarts(): Promise<void> {
  const former = other;
  former.shut();
  other = await startSipServer(former.port);
  former.cut();
}

const branchOf = (message: ReceivedMessage): string | undefined => parameter(header(message, "via"), "branch");

describe("an INVITE that was sent, and has drawn nothing yet", () => {
  it.each<readonly [string, () => void]>([
    ["its connection is lost", () => other.cut()],
    ["the other server dies", () => other.close()],
  ])("ends at once if %s: no answer can find us any more (RFC 3261 §16.9)", async (_name, lose) => {
    const { sent } = await sends();
    lose();
    expect((await alice.finalResponse(sent)).status).toBe(500);
  });

  it("finds its server silent: the connection is given up, and the next call has a new one", async () => {
    [alice] = await hastyTown.phones("direct", "alice");
    const { sent } = await sends();
    other.health = 0;
    expect((await alice.finalResponse(sent)).status).toBe(408);
    await expect.poll(() => other.connections()).toBe(0);
    other.health = 200;
    await rings();
  });

  it("is sent again after a power cut of ours, in the same branch, and answered", async () => {
    const { sent, invite } = await sends();
    await powerCut();
    const again = await other.next("INVITE");
    expect(branchOf(again)).toBe(branchOf(invite));
    other.reply(again, 200, [`Contact: <${uri()}>`], shortSdp);
    expect((await alice.finalResponse(sent)).status).toBe(200);
  });
});

it("a connection is kept alive by CRLF CRLF, and a ping of the other side is answered by CRLF (RFC 5626 §4.4.1)", async () => {
  await rings();
  await expect.poll(() => other.keepAlives.filter((one) => one === "\r\n\r\n").length).toBeGreaterThan(1);
  expect(other.keepAlives).not.toContain("\r\n");
  other.send("\r\n\r\n");
  await expect.poll(() => other.keepAlives).toContain("\r\n");
});

describe("a call that rings", () => {
  it("ends if its connection is lost, and the other side is told to stop ringing by a new one", async () => {
    const { sent, invite } = await rings();
    other.cut();
    const cancel = await other.next("CANCEL");
    expect(header(cancel, "via")).toBe(header(invite, "via"));
    expect((await alice.finalResponse(sent)).status).toBe(500);
  });

  it("ends if the other server dies, which is called again when it is back", async () => {
    const { sent } = await rings();
    await otherRestarts();
    expect((await alice.finalResponse(sent)).status).toBe(500);
    await rings();
  });

  it("is sent again after a power cut of ours, in the same branch, and answered", async () => {
    const { sent, invite } = await rings();
    await powerCut();
    const again = await other.next("INVITE");
    expect(branchOf(again)).toBe(branchOf(invite));
    other.reply(again, 200, [`Contact: <${uri()}>`], shortSdp);
    expect((await alice.finalResponse(sent)).status).toBe(200);
  });
});

/** The other server, as a trunk of ours, calls alice. */
async function isCalled(): Promise<{ readonly invite: ReceivedMessage; readonly branch: string }> {
  const number = `+49${other.port}`;
  await serverUnderTest.server.provision({ domain: "localhost", username: alice.account, password: "offhook", aliases: [number] });
  const trunk = { server: uri().replace("bob@", ""), inbound: true, prefixes: ["+1"] };
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/lost", trunk);
  const opening = alice.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
  other.reply(await other.next("MESSAGE"), 200);
  await alice.finalResponse(opening);
  const branch = newBranch();
  const lines = [
    `Via: SIP/2.0/TCP 127.0.0.1:${other.port};branch=${branch}`,
    "Max-Forwards: 70",
    "From: <sip:+49301234@provider.example>;tag=far",
    `To: <sip:${number}@localhost>`,
    `Call-ID: ${newBranch()}`,
    "CSeq: 1 INVITE",
    `Contact: <${uri()}>`,
  ];
  other.send(compose(`INVITE sip:${number}@localhost SIP/2.0`, lines, shortSdp));
  return { invite: await alice.next("INVITE"), branch };
}

describe("a trunk's call that rings here", () => {
  it.each<readonly [string, () => void | Promise<void>]>([
    ["its connection", () => other.cut()],
    ["everything of ours", powerCut],
  ])("is answered by a new connection after the loss of %s (RFC 3261 §18.2.2)", async (_name, lose) => {
    const { invite, branch } = await isCalled();
    alice.reply(invite, 180);
    await other.next(180);
    await lose();
    alice.reply(invite, 200, { body: shortSdp });
    const answer = await other.next(200, { method: "INVITE" });
    expect(branchOf(answer)).toBe(branch);
  });
});

const losses: Readonly<Record<string, () => Promise<void>>> = {
  "its connection": async () => {
    const [before] = other.peers();
    other.cut();
    await expect.poll(() => other.peers().length === 1 && other.peers()[0] !== before).toBe(true);
  },
  "the other server, which comes back": otherRestarts,
  "everything of ours": powerCut,
};

describe.each(Object.keys(losses).filter((loss) => !loss.includes("ours")))("a call that was answered and loses %s", (loss) => {
  const lose = losses[loss] as () => Promise<void>;

  it("has another one at once, by which the other side hangs up: it goes by the name of the old one too (RFC 5923 §8.1)", async () => {
    const { invite, dialog } = await talks();
    const former = /^SIP\/2\.0\/TCP ([^;]+);/.exec(header(invite, "via") ?? "")?.[1];
    await lose();
    const isClaim = (options: ReceivedMessage): boolean => header(options, "via")?.includes(` ${former};`) === true;
    await expect
      .poll(() => other.asked.some((options) => isClaim(options) && header(options, "via")?.includes(";alias") === true))
      .toBe(true);
    const lines = [
      `Via: SIP/2.0/TCP 127.0.0.1:${other.port};branch=${newBranch()}`,
      "Max-Forwards: 70",
      `Route: ${header(invite, "record-route")}`,
      `From: ${dialog.remote}`,
      `To: ${dialog.local}`,
      `Call-ID: ${dialog.callId}`,
      "CSeq: 1 BYE",
    ];
    other.send(compose(`BYE ${uriIn(header(invite, "contact"))} SIP/2.0`, lines));
    alice.reply(await alice.next("BYE"), 200);
    expect((await other.next(200, { method: "BYE" })).status).toBe(200);
  });

  it("while its BYE is under way: that is sent again, the same to the letter, and answered", async () => {
    const { dialog } = await talks();
    const bye = alice.bye(dialog);
    const first = await other.next("BYE");
    await lose();
    const again = await other.next("BYE");
    expect(again.raw).toBe(first.raw);
    other.reply(again, 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });
});

describe("a message that nobody has answered yet", () => {
  const sendsMessage = async () => {
    const sent = alice.request("MESSAGE", uri(), { body: "hello" });
    return { sent, first: await other.next("MESSAGE") };
  };

  it("is sent again if its connection is lost, and answered", async () => {
    const { sent, first } = await sendsMessage();
    other.cut();
    const again = await other.next("MESSAGE");
    expect(again.raw).toBe(first.raw);
    other.reply(again, 200);
    expect((await alice.finalResponse(sent)).status).toBe(200);
  });

  it("is refused if it is lost once more, or the server does not come back", async () => {
    const one = await sendsMessage();
    other.cut();
    await other.next("MESSAGE");
    other.cut();
    expect((await alice.finalResponse(one.sent)).status).toBe(500);
    const two = await sendsMessage();
    other.close();
    expect((await alice.finalResponse(two.sent)).status).toBe(500);
  });
});

describe.each(Object.keys(losses))("a call that was answered and loses %s", (loss) => {
  const lose = losses[loss] as () => Promise<void>;

  it("goes on: its BYE goes by a new connection", async () => {
    const { dialog } = await talks();
    await lose();
    const bye = alice.bye(dialog);
    other.reply(await other.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it("while its BYE is under way: the phone sends it again, and it is answered", async () => {
    const { dialog } = await talks();
    const bye = alice.bye(dialog);
    const first = await other.next("BYE");
    await lose();
    alice.request("BYE", bye.uri, bye);
    const again = await other.next("BYE");
    expect([header(again, "call-id"), header(again, "cseq")]).toEqual([header(first, "call-id"), header(first, "cseq")]);
    other.reply(again, 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it("while its 200 is not acknowledged: the ACK goes by a new connection", async () => {
    const { sent, invite } = await rings();
    other.reply(invite, 200, [`Contact: <${uri()}>`], shortSdp);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    await lose();
    alice.ack(dialog);
    expect(header(await other.next("ACK"), "call-id")).toBe(dialog.callId);
  });
});

describe.each(Object.keys(losses))("a trunk's call that was answered here and loses %s", (loss) => {
  it("is ended by the phone, by a new connection", async () => {
    const { invite } = await isCalled();
    alice.reply(invite, 200, { body: shortSdp });
    await other.next(200, { method: "INVITE" });
    const dialog = dialogOfCallee(invite, alice.tag);
    await (losses[loss] as () => Promise<void>)();
    const bye = alice.bye(dialog);
    other.reply(await other.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });
});

it("a trunk that we register at is so again after a power cut, with the next call by it", async () => {
  const trunk = { server: uri().replace("bob@", ""), username: "4930555", password: "secret", register: true, prefixes: ["+1"] };
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/lost", trunk);
  const registers = async (): Promise<ReceivedMessage> => {
    const register = await other.next("REGISTER");
    other.reply(register, 200, [`Contact: ${header(register, "contact")};expires=600`]);
    return register;
  };
  const first = await registers();
  await powerCut();
  alice.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
  other.reply(await other.next("MESSAGE"), 200);
  const second = await registers();
  // How far the numbers had come under the first nobody knows any more.
  expect(header(second, "call-id")).not.toBe(header(first, "call-id"));
});

it("a server that closes each connection as soon as it is there is not connected to again and again for a call that goes on", async () => {
  await talks();
  let opened = 0;
  const before = other.connections();
  expect(before).toBe(1);
  const until = Date.now() + 4000;
  while (Date.now() < until) {
    if (other.connections() > 0) opened += 1;
    other.cut();
    await new Promise((resume) => setTimeout(resume, 10));
  }
  expect(opened).toBeLessThan(6);
  expect(opened).toBeGreaterThan(1);
});
