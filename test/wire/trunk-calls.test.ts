import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { type ReceivedMessage, header, headers, parameter } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** What happens within calls by a trunk, and what a trunk's server may ask for besides. */
let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let alice: Phone;
let number: string;
/** Ports of servers come again. */
let numbers = 0;

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: "10" } });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  provider = await startSipServer();
  numbers += 1;
  number = `+4931${1000 + numbers}`;
  const account = await serverUnderTest.newcomer("alice", [number]);
  alice = await serverUnderTest.register(account, "direct");
  await trunk();
});
afterEach(async () => {
  await serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/provider");
  provider.close();
});

const account = { username: "4930555", password: "secret" };

async function trunk(settings: object = {}): Promise<void> {
  const body = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], inbound: true, ...settings };
  expect((await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", body)).status).toBe(200);
}

const contact = (): string => `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;

/** A request of the provider's. */
function sends(method: string, uri: string, lines: readonly string[], { body = "", branch = newBranch() } = {}): string {
  const via = `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${branch}`;
  provider.send(compose(`${method} ${uri} SIP/2.0`, [via, "Max-Forwards: 70", ...lines], body));
  return branch;
}

interface BackEndSubscription {
  readonly uri?: string;
  readonly from?: string;
  readonly more?: readonly string[];
  readonly callId?: string;
  readonly branch?: string;
  readonly toTag?: string;
}

/** Outside a dialog. */
function asks(
  method: string,
  { uri, from, more = [], callId = newBranch(), branch = newBranch(), toTag = "" }: BackEndSubscription = {},
): Required<Pick<BackEndSubscription, "branch" | "callId">> {
  const lines = [
    `From: ${from ?? "<sip:+49301234@provider.example>"};tag=far`,
    `To: <sip:${number}@localhost>${toTag}`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    contact(),
    ...more,
  ];
  sends(method, uri ?? `sip:${number}@localhost`, lines, { branch, body: method === "INVITE" ? shortSdp : "" });
  return { branch, callId };
}

/** Within a dialog. */
function says(
  method: string,
  { callId, local, remote, target, routes }: Dialog,
  cseq: number,
  more: readonly string[] = [],
  options: { body?: string; branch?: string } = {},
): void {
  const dialog = [`From: ${local}`, `To: ${remote}`, `Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`];
  sends(method, target, [...routes.map((route) => `Route: ${route}`), ...dialog, ...more], options);
}

/** There is a connection that the provider can call by. */
async function connects(): Promise<void> {
  const sent = alice.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
  provider.reply(await provider.next("MESSAGE"), 200);
  await alice.finalResponse(sent);
}

interface Talk {
  readonly near: Dialog;
  readonly far: Dialog;
}

async function placed(): Promise<Talk> {
  const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
  const invite = await provider.next("INVITE");
  provider.reply(invite, 200, [contact()], shortSdp);
  const near = dialogOfCaller(await alice.finalResponse(sent));
  alice.ack(near);
  await provider.next("ACK");
  return { near, far: dialogOfCallee(invite, "theirs") };
}

async function received(): Promise<Talk> {
  await connects();
  asks("INVITE");
  const invite = await alice.next("INVITE");
  alice.reply(invite, 200, { body: shortSdp });
  const far = dialogOfCaller(await provider.next(200, { method: "INVITE" }));
  says("ACK", far, 1);
  await alice.next("ACK");
  return { near: dialogOfCallee(invite, alice.tag), far };
}

const challenge = 'Proxy-Authenticate: Digest realm="provider", nonce="n1", qop="auth", algorithm=MD5';
const withCredentials = (method: string) => (one: ReceivedMessage) =>
  one.method === method && header(one, "proxy-authorization") !== undefined;

/** The provider has asked who we are: what we said then has a CSeq that is one higher than alice's (RFC 3261 §22.2). */
async function placedWithCredentials(): Promise<Talk> {
  await trunk(account);
  const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
  provider.reply(await provider.next("INVITE"), 407, [challenge]);
  expect(header(await provider.next("ACK"), "cseq")).toBe("1 ACK");
  const invite = await provider.next(withCredentials("INVITE"));
  provider.reply(invite, 200, [contact()], shortSdp);
  const answer = await alice.finalResponse(sent);
  expect([header(invite, "cseq"), header(answer, "cseq")]).toEqual(["2 INVITE", "1 INVITE"]);
  const near = dialogOfCaller(answer);
  alice.ack(near);
  expect(header(await provider.next("ACK"), "cseq")).toBe("2 ACK");
  return { near, far: dialogOfCallee(invite, "theirs") };
}

const kinds: Readonly<Record<string, () => Promise<Talk>>> = {
  "that we placed": placed,
  "that we placed with credentials": placedWithCredentials,
  "that came in": received,
};
const hold = shortSdp.replace("m=audio", "a=sendonly\r\nm=audio");

describe.each(Object.keys(kinds))("a call %s", (kind) => {
  const talk = kinds[kind] as () => Promise<Talk>;

  it("is held and resumed by the phone", async () => {
    const { near } = await talk();
    for (const body of [hold, shortSdp]) {
      const sent = alice.inDialog("INVITE", near, { body });
      const invite = await provider.next("INVITE");
      expect(invite.body).toBe(body);
      provider.reply(invite, 200, [contact()], shortSdp);
      expect((await alice.finalResponse(sent)).status).toBe(200);
      alice.inDialog("ACK", near, { cseq: sent.cseq });
      await provider.next("ACK");
    }
  });

  it("is held and resumed by the other side, whose branches end alike", async () => {
    const { far } = await talk();
    // Kamailio's end in zeros.
    const branch = () => `z9hG4bK${newBranch().slice(-8)}.00000000000000000000000.0`;
    for (const [index, body] of [hold, shortSdp].entries()) {
      const cseq = index + 10;
      says("INVITE", far, cseq, [contact()], { body, branch: branch() });
      const invite = await alice.next("INVITE");
      expect(invite.body).toBe(body);
      alice.reply(invite, 200, { body: shortSdp });
      expect(header(await provider.next(200, { method: "INVITE" }), "cseq")).toBe(`${cseq} INVITE`);
      says("ACK", far, cseq, [], { branch: branch() });
      const ack = await alice.next("ACK");
      expect(parameter(header(ack, "via"), "branch")).not.toBe(parameter(header(invite, "via"), "branch"));
    }
  });

  it("whose re-INVITE is refused goes on, and is ended by either", async () => {
    const { near, far } = await talk();
    const sent = alice.inDialog("INVITE", near, { body: hold });
    provider.reply(await provider.next("INVITE"), 488);
    const refusal = await alice.finalResponse(sent);
    alice.ackRefusal(sent, refusal);
    await provider.next("ACK");
    says("BYE", far, 20);
    alice.reply(await alice.next("BYE"), 200);
    expect((await provider.next(200, { method: "BYE" })).status).toBe(200);
  });

  it("is transferred by the phone (REFER), which hears how it goes", async () => {
    const { near, far } = await talk();
    const sent = alice.inDialog("REFER", near, { headers: [["Refer-To", "<sip:+1777@localhost>"]] });
    const refer = await provider.next("REFER");
    expect(header(refer, "refer-to")).toBe("<sip:+1777@localhost>");
    provider.reply(refer, 202, [contact()]);
    expect((await alice.finalResponse(sent)).status).toBe(202);
    says("NOTIFY", far, 11, ["Event: refer", "Subscription-State: terminated;reason=noresource", "Content-Type: message/sipfrag"], {
      body: "SIP/2.0 200 OK",
    });
    const notify = await alice.next("NOTIFY");
    expect(notify.body).toBe("SIP/2.0 200 OK");
    alice.reply(notify, 200);
    expect((await provider.next(200, { method: "NOTIFY" })).status).toBe(200);
  });

  it("is transferred by the other side, to one of ours", async () => {
    const { near, far } = await talk();
    const [bob] = await serverUnderTest.phones("direct", "bob");
    says("REFER", far, 12, [contact(), `Refer-To: <${bob.aor}>`]);
    const refer = await alice.next("REFER");
    expect(header(refer, "refer-to")).toBe(`<${bob.aor}>`);
    alice.reply(refer, 202);
    await provider.next(202);
    const sent = alice.inDialog("NOTIFY", near, {
      headers: [
        ["Event", "refer"],
        ["Subscription-State", "active"],
      ],
    });
    provider.reply(await provider.next("NOTIFY"), 200);
    expect((await alice.finalResponse(sent)).status).toBe(200);
  });

  it("carries INFO and UPDATE both ways", async () => {
    const { near, far } = await talk();
    for (const [index, method] of ["INFO", "UPDATE"].entries()) {
      const sent = alice.inDialog(method, near, { body: "x" });
      provider.reply(await provider.next(method), 200);
      expect((await alice.finalResponse(sent)).status).toBe(200);
      says(method, far, 30 + index);
      alice.reply(await alice.next(method), 200);
      expect((await provider.next(200, { method })).status).toBe(200);
    }
  });
});

describe("before a call is answered", () => {
  it("early media and reliable provisionals pass, and their PRACK (RFC 3262, RFC 3960)", async () => {
    const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp, headers: [["Supported", "100rel"]] });
    const invite = await provider.next("INVITE");
    provider.reply(invite, 183, [contact(), "Require: 100rel", "RSeq: 7"], shortSdp);
    const progress = await alice.next(183);
    expect([header(progress, "rseq"), progress.body]).toEqual(["7", shortSdp]);
    const early = dialogOfCaller(progress);
    const prack = alice.inDialog("PRACK", early, { headers: [["RAck", "7 1 INVITE"]] });
    const heard = await provider.next("PRACK");
    expect(header(heard, "rack")).toBe("7 1 INVITE");
    provider.reply(heard, 200);
    expect((await alice.finalResponse(prack)).status).toBe(200);
    provider.reply(invite, 200, [contact()], shortSdp);
    expect((await alice.finalResponse(sent)).status).toBe(200);
  });

  it("the same for a call that comes in", async () => {
    await connects();
    asks("INVITE", { more: ["Supported: 100rel"] });
    const invite = await alice.next("INVITE");
    alice.reply(invite, 183, {
      body: shortSdp,
      headers: [
        ["Require", "100rel"],
        ["RSeq", "9"],
      ],
    });
    const progress = await provider.next(183);
    expect(progress.body).toBe(shortSdp);
    says("PRACK", dialogOfCaller(progress), 2, ["RAck: 9 1 INVITE"]);
    const prack = await alice.next("PRACK");
    expect(header(prack, "rack")).toBe("9 1 INVITE");
    alice.reply(prack, 200);
    expect((await provider.next(200, { method: "PRACK" })).status).toBe(200);
  });
});

describe("a call by a trunk", () => {
  it.each([302, 404, 486, 603])("that draws %i: that goes up, its ACK is ours", async (status) => {
    const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
    const invite = await provider.next("INVITE");
    provider.reply(invite, status, status === 302 ? ["Contact: <sip:moved@provider.example>"] : []);
    expect(header(await provider.next("ACK"), "via")).toBe(header(invite, "via"));
    const answer = await alice.finalResponse(sent);
    expect([answer.status, header(answer, "contact")]).toEqual([status, status === 302 ? "<sip:moved@provider.example>" : undefined]);
  });

  it("that is to be secure does not go by a connection that is not: 480 (RFC 5630 §5.3)", async () => {
    expect((await alice.finalResponse(alice.request("INVITE", "sips:+1555@localhost", { body: shortSdp }))).status).toBe(480);
    expect(provider.rest()).toEqual([]);
  });
});

describe("a trunk that asks who we are within a call (RFC 3261 §22)", () => {
  it.each([200, 488])("is told, its challenge acknowledged, and its %i too", async (status) => {
    await trunk(account);
    const { near } = await placed();
    const sent = alice.inDialog("INVITE", near, { body: hold });
    const first = await provider.next("INVITE");
    provider.reply(first, 407, [challenge]);
    const ack = await provider.next("ACK");
    expect(header(ack, "via")).toBe(header(first, "via"));
    const second = await provider.next(withCredentials("INVITE"));
    provider.reply(second, status, [contact()], shortSdp);
    const answer = await alice.finalResponse(sent);
    expect(answer.status).toBe(status);
    if (status === 200) alice.inDialog("ACK", near, { cseq: sent.cseq });
    const last = await provider.next("ACK");
    expect(header(last, "via") === header(second, "via")).toBe(status === 488);
  });

  it("has its BYE with credentials", async () => {
    await trunk(account);
    const { near } = await placed();
    const bye = alice.bye(near);
    provider.reply(await provider.next("BYE"), 407, [challenge]);
    provider.reply(await provider.next(withCredentials("BYE")), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it("has a call that rings cancelled though our memory was lost: where and as it was placed (RFC 3261 §9.1)", async () => {
    await trunk(account);
    const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
    provider.reply(await provider.next("INVITE"), 407, [challenge]);
    const invite = await provider.next(withCredentials("INVITE"));
    provider.reply(invite, 180);
    await alice.next(180);
    alice.cancel(sent);
    const isItsCancel = (one: ReceivedMessage) => one.method === "CANCEL" && header(one, "via") === header(invite, "via");
    await provider.next(isItsCancel);
    await serverUnderTest.server.kill9();
    await serverUnderTest.server.restart();
    alice = await serverUnderTest.register(alice.account, "direct", { instance: alice.instance });
    expect(header(await provider.next(isItsCancel), "cseq")).toBe("2 CANCEL");
  });

  it("has the numbers of its dialog grow, and alice's phone hears its own: re-INVITE, PRACK, REFER, BYE (RFC 3262 §7.2, RFC 3515 §2.4.6)", async () => {
    await trunk(account);
    const first = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp, headers: [["Supported", "100rel"]] });
    provider.reply(await provider.next("INVITE"), 407, [challenge]);
    await provider.next("ACK");
    const invite = await provider.next(withCredentials("INVITE"));
    provider.reply(invite, 183, [contact(), "Require: 100rel", "RSeq: 7"]);
    const early = await alice.next(183);
    expect(header(early, "cseq")).toBe("1 INVITE");
    const near = dialogOfCaller(early);
    const passes = async (method: string, headers: readonly (readonly [string, string])[] = []): Promise<ReceivedMessage> => {
      const sent = alice.inDialog(method, near, { headers });
      const heard = await provider.next(method);
      expect(header(heard, "cseq")).toBe(`${sent.cseq + 1} ${method}`);
      provider.reply(heard, 200, [contact()]);
      expect(header(await alice.finalResponse(sent), "cseq")).toBe(`${sent.cseq} ${method}`);
      return heard;
    };
    expect(header(await passes("PRACK", [["RAck", "7 1 INVITE"]]), "rack")).toBe("7 2 INVITE");
    provider.reply(invite, 200, [contact()], shortSdp);
    await alice.finalResponse(first);
    alice.ack(near);
    expect(header(await provider.next("ACK"), "cseq")).toBe("2 ACK");
    await passes("INVITE");
    const refer = await passes("REFER", [["Refer-To", "<sip:+1777@localhost>"]]);
    const id = Number.parseInt(header(refer, "cseq") ?? "", 10);
    const far = dialogOfCallee(invite, "theirs");
    says("NOTIFY", far, 11, [`Event: refer;id=${id}`, "Subscription-State: active"]);
    const notify = await alice.next("NOTIFY");
    expect(header(notify, "event")).toBe(`refer;id=${id - 1}`);
    alice.reply(notify, 200);
    await provider.next(200, { method: "NOTIFY" });
    await passes("BYE");
  });
});

describe("what a trunk's server may not", () => {
  beforeEach(connects);

  it.each<readonly [string, number, string, () => BackEndSubscription]>([
    ["speak for a subscriber, if it is not trusted", 403, "INVITE", () => ({ from: `<${alice.aor}>` })],
    ["call other domains: no relay", 403, "INVITE", () => ({ uri: "sip:bob@elsewhere.example" })],
    ["call other addresses: no relay", 403, "INVITE", () => ({ uri: `sip:${alice.account}@192.0.2.9` })],
    ["call users of another domain of ours", 403, "MESSAGE", () => ({ uri: `sip:${alice.account}@neighbour.example` })],
    ["register users", 403, "REGISTER", () => ({ uri: alice.aor })],
    ["register anybody", 405, "REGISTER", () => ({ uri: "sip:localhost" })],
    ["publish for users", 403, "PUBLISH", () => ({ uri: alice.aor, more: ["Event: presence"] })],
    ["speak in a call that we do not know", 481, "INFO", () => ({ more: ["X: y"], toTag: ";tag=none" })],
    ["call nobody in particular", 405, "INVITE", () => ({ uri: "sip:localhost" })],
    ["call numbers that go by a trunk", 404, "INVITE", () => ({ uri: "sip:+1555@localhost" })],
  ])("%s: %i", async (_what, status, method, asking) => {
    await serverUnderTest.server.api("PUT", "/domains/neighbour.example");
    asks(method, asking());
    expect((await provider.next(status, { method })).status).toBe(status);
    expect([...alice.socket.rest(), ...provider.rest()].filter((one) => one.method === method)).toEqual([]);
  });

  it("or only as one that we trust: speak for a subscriber", async () => {
    await trunk({ trusted: true });
    asks("INVITE", { from: `<${alice.aor}>` });
    expect(header(await alice.next("INVITE"), "from")).toContain(alice.aor);
  });

  it("but may ask whether we are well", async () => {
    asks("OPTIONS", { uri: `sip:127.0.0.1:${provider.port}` });
    const answer = await provider.next(200, { method: "OPTIONS" });
    for (const name of ["allow", "accept", "accept-encoding", "accept-language", "allow-events", "supported"])
      expect([name, header(answer, name)]).toEqual([name, expect.any(String)]);
  });
});

describe("a call that comes in", () => {
  beforeEach(connects);

  it("is told where its number has moved to, if a route says so (RFC 3261 §21.3.2)", async () => {
    const settings = { match: { user: { prefix: "+4970" } }, action: { kind: "redirect", status: 301, uri: "sip:\\1@new.example" } };
    await serverUnderTest.server.api("PUT", "/domains/localhost/routes/moved", settings);
    asks("INVITE", { uri: "sip:+4970123@localhost" });
    expect(header(await provider.next(301), "contact")).toBe("<sip:123@new.example>");
    await serverUnderTest.server.api("DELETE", "/domains/localhost/routes/moved");
  });

  it("is not taken by a user who has blocked its number", async () => {
    const rules = { blocked: ["+49301234@provider.example"] };
    expect((await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/rules`, rules)).status).toBe(200);
    asks("INVITE");
    expect((await provider.next(603)).status).toBe(603);
  });

  it("is cancelled though our memory was lost: the CANCEL goes where its INVITE did (RFC 3261 §9.1)", async () => {
    const { branch, callId } = asks("INVITE");
    alice.reply(await alice.next("INVITE"), 180);
    await provider.next(180);
    await serverUnderTest.server.kill9();
    await serverUnderTest.server.restart();
    alice = await serverUnderTest.register(alice.account, "direct", { instance: alice.instance });
    // Its phone has not said yet, on the new socket, that it rings (RFC 3261 §9.1).
    alice.reply(await alice.next("INVITE"), 180);
    await connects();
    const lines = [
      `From: <sip:+49301234@provider.example>;tag=far`,
      `To: <sip:${number}@localhost>`,
      `Call-ID: ${callId}`,
      "CSeq: 1 CANCEL",
    ];
    sends("CANCEL", `sip:${number}@localhost`, lines, { branch });
    expect((await provider.next(200, { method: "CANCEL" })).status).toBe(200);
    expect((await alice.next("CANCEL")).method).toBe("CANCEL");
  });

  it("and is none draws 481 for its CANCEL", async () => {
    const lines = [`From: <sip:+49301234@provider.example>;tag=far`, `To: <sip:${number}@localhost>`, "Call-ID: none", "CSeq: 1 CANCEL"];
    sends("CANCEL", `sip:${number}@localhost`, lines);
    expect((await provider.next(481)).status).toBe(481);
  });
});

describe("on the stream (RFC 3261 §18.3)", () => {
  beforeEach(connects);
  const message = (body: string, length = `Content-Length: ${body.length}`): string =>
    [
      `MESSAGE sip:${number}@localhost SIP/2.0`,
      `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`,
      "Max-Forwards: 70",
      "From: <sip:+49301234@provider.example>;tag=far",
      `To: <sip:${number}@localhost>`,
      `Call-ID: ${newBranch()}`,
      "CSeq: 1 MESSAGE",
      ...(length === "" ? [] : [length]),
      "",
      body,
    ].join("\r\n");

  it("a large message may come in many pieces, and two in one", async () => {
    const large = "x".repeat(60_000);
    const text = message(large) + message("small");
    const size = 20_011;
    for (let at = 0; at < text.length; at += size) {
      provider.send(text.slice(at, at + size));
      // Each piece a segment of its own.
      await new Promise((resume) => setImmediate(resume));
    }
    expect([(await alice.next("MESSAGE")).body === large, (await alice.next("MESSAGE")).body]).toEqual([true, "small"]);
  });

  it("a request without Content-Length draws 400, and ends the connection; what was before it counts (§20.14)", async () => {
    provider.send(message("before"));
    alice.reply(await alice.next("MESSAGE"), 200);
    await provider.next(200);
    const ended = provider.ended();
    provider.send(message("rubbish", "") + message("after"));
    expect((await provider.next(400)).status).toBe(400);
    await expect.poll(() => provider.ended()).toBe(ended + 1);
    const [carol] = await serverUnderTest.phones("direct", "carol");
    await alice.hearsNothing("MESSAGE", carol);
    await connects();
  });

  it("goes out again in a new connection, after one that nobody could read", async () => {
    const ended = provider.ended();
    provider.send("x".repeat(200_000));
    await expect.poll(() => provider.ended()).toBe(ended + 1);
    await connects();
  });
});

describe("who calls is told (RFC 3325 §5)", () => {
  const asserted = (message: ReceivedMessage): string[] => headers(message, "p-asserted-identity");

  it("to a trusted trunk by the alias that he has in From, if it is one of his", async () => {
    await trunk({ trusted: true });
    alice.request("INVITE", "sip:+1555@localhost", { from: `<sip:${number}@localhost>;tag=1`, body: shortSdp });
    expect(asserted(await provider.next("INVITE"))).toEqual([`<sip:${number}@localhost>`]);
  });

  it("to a trusted trunk also of a caller who wants to be anonymous, whose wish goes along (§7)", async () => {
    await trunk({ trusted: true });
    const from = "<sip:anonymous@anonymous.invalid>;tag=1";
    alice.request("INVITE", "sip:+1555@localhost", { from, headers: [["Privacy", "id"]], body: shortSdp });
    const invite = await provider.next("INVITE");
    expect([asserted(invite), header(invite, "privacy")]).toEqual([[`<${alice.aor}>`], "id"]);
  });

  it("never by what the caller asserts himself", async () => {
    await trunk({ trusted: true });
    alice.request("INVITE", "sip:+1555@localhost", { headers: [["P-Asserted-Identity", "<sip:boss@localhost>"]], body: shortSdp });
    expect(asserted(await provider.next("INVITE"))).toEqual([`<${alice.aor}>`]);
  });

  it.each([
    ["what a trusted trunk has said of him", ["P-Asserted-Identity: <sip:ceo@provider.example>"], ["<sip:ceo@provider.example>"]],
    ["nothing, if it has said nothing", [], []],
  ])("where a trunk's call is sent on by it: %s", async (_what, more, told) => {
    await trunk({ trusted: true });
    await connects();
    const rules = { forward: { always: "sip:+1777@localhost" } };
    expect((await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/rules`, rules)).status).toBe(200);
    asks("INVITE", { more });
    const invite = await provider.next("INVITE");
    expect([invite.requestUri.startsWith("sip:+1777@"), asserted(invite)]).toEqual([true, told]);
  });
});

describe("the record of a call by a trunk", () => {
  /** The record of the call with this Call-ID. */
  async function record(callId: string): Promise<Record<string, unknown> | undefined> {
    const response = await serverUnderTest.server.api("GET", "/domains/localhost/calls?limit=1000");
    return ((await response.json()) as { calls: Record<string, unknown>[] }).calls.find((call) => call["call_id"] === callId);
  }

  it("says who has placed it, and who has ended it", async () => {
    const { near } = await placed();
    alice.bye(near);
    provider.reply(await provider.next("BYE"), 200);
    const caller = alice.aor.slice("sip:".length);
    await expect
      .poll(() => record(near.callId))
      .toMatchObject({ caller, callee: null, trunk: "provider", outcome: "answered", ended_by: "caller" });
    const other = await placed();
    says("BYE", other.far, 2);
    alice.reply(await alice.next("BYE"), 200);
    await expect.poll(() => record(other.near.callId)).toMatchObject({ outcome: "answered", ended_by: "callee" });
  });

  it("says where it came from", async () => {
    const { near } = await received();
    alice.bye(near);
    provider.reply(await provider.next("BYE"), 200);
    const callee = alice.aor.slice("sip:".length);
    await expect
      .poll(() => record(near.callId))
      .toMatchObject({ caller: null, callee, trunk: "provider", outcome: "answered", ended_by: "callee" });
  });

  it("says how its server has refused it", async () => {
    const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
    provider.reply(await provider.next("INVITE"), 486);
    await alice.finalResponse(sent);
    await expect.poll(() => record(sent.callId)).toMatchObject({ trunk: "provider", outcome: "busy", status: 486, ended_by: "callee" });
  });

  it("is there for a number that is no user's", async () => {
    await connects();
    const { callId } = asks("INVITE", { uri: "sip:+999@localhost" });
    await provider.next(404);
    await expect
      .poll(() => record(callId))
      .toMatchObject({ caller: null, callee: null, trunk: "provider", outcome: "failed", status: 404 });
  });

  it("has the end of a call that was sent on by it, which its user's home does not see", async () => {
    await connects();
    const rules = { forward: { always: "sip:+1777@localhost" } };
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/rules`, rules);
    const [bob] = await serverUnderTest.phones("direct", "bob");
    const sent = bob.request("INVITE", alice.aor, { body: shortSdp });
    const invite = await provider.next("INVITE");
    provider.reply(invite, 200, [contact()], shortSdp);
    bob.ack(dialogOfCaller(await bob.finalResponse(sent)));
    await provider.next("ACK");
    says("BYE", dialogOfCallee(invite, "theirs"), 2);
    bob.reply(await bob.next("BYE"), 200);
    await expect
      .poll(() => record(sent.callId))
      .toMatchObject({ callee: alice.aor.slice("sip:".length), forwarded: ["sip:+1777@localhost"], trunk: "provider", ended_by: "callee" });
  });
});
