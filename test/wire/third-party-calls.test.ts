import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sdpType } from "../support/call.ts";
import { type Dialog, dialogOfCallee } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { type ReceivedMessage, header, headers, uriIn } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest, ways } from "../support/server-under-test.ts";
import { browserAnswer, browserSdp, telephoneSdp } from "../support/session-descriptions.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

/** Calls that an application asks for (RFC 3725 §4.1). */
let serverUnderTest: ServerUnderTest;
let alice: Phone;
let bob: Phone;

const offer = { headers: [sdpType], body: browserSdp };
const answer = { headers: [sdpType], body: browserAnswer };

const asks = (to: string, user = alice.account) =>
  serverUnderTest.server.api("POST", `/domains/localhost/subscribers/${user}/calls`, { to });
const callsOf = async (user = alice.account) =>
  (
    (await (await serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${user}/calls`)).json()) as {
      calls: { id: string; state: string; remote: string }[];
    }
  ).calls;
const ends = (id: string) => serverUnderTest.server.api("DELETE", `/domains/localhost/subscribers/${alice.account}/calls/${id}`);
const homeOf = (phone: Phone) => `sip:${phone.account}@localhost#1`;
const rowsOf = (phone: Phone) => serverUnderTest.server.query(homeOf(phone), "SELECT count(*) AS calls FROM third_party_calls");
const isOver = () => expect.poll(() => rowsOf(alice)).toEqual([{ calls: 0 }]);
const hangUpNotice = "the other side has hung up";

interface Connected {
  readonly id: string;
  readonly near: Dialog;
  readonly far: Dialog;
  readonly ack: ReceivedMessage;
}

/** The user has answered: the other one rings. */
async function userAnswers(to = bob.account) {
  const { id } = (await (await asks(to)).json()) as { id: string };
  const first = await alice.next("INVITE");
  alice.reply(first, 180);
  alice.reply(first, 200, offer);
  return { id, first };
}

async function connects(between: () => Promise<void> = async () => undefined): Promise<Connected> {
  const { id, first } = await userAnswers();
  await between();
  const second = await bob.next("INVITE");
  bob.reply(second, 180);
  await between();
  bob.reply(second, 200, answer);
  await bob.next("ACK");
  const ack = await alice.next("ACK");
  await between();
  return { id, near: dialogOfCallee(first, alice.tag), far: dialogOfCallee(second, bob.tag), ack };
}

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", DEAD_CALL_TIME: "2" } });
});
afterAll(() => serverUnderTest.close());

describe.each(ways)("a call that an application asks for, at a phone on the %s connection", (way) => {
  beforeEach(async () => {
    [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
  });
  afterEach(() => {
    for (const phone of [alice, bob]) phone.socket.cut();
  });

  it("rings at the user without an offer, from the one they are to be connected to", async () => {
    const begun = await asks(bob.account);
    expect([begun.status, await begun.json()]).toEqual([201, { id: expect.any(String), call_id: expect.any(String) }]);
    const first = await alice.next("INVITE");
    expect([uriIn(header(first, "from")), first.body]).toEqual([bob.aor, ""]);
    expect(bob.socket.rest()).toEqual([]);
    expect(await callsOf()).toEqual([expect.objectContaining({ state: "ringing", remote: bob.aor })]);
  });

  it("connects both: each has the session description of the other one", async () => {
    const { first } = await userAnswers();
    const second = await bob.next("INVITE");
    expect([uriIn(header(second, "from")), second.body]).toEqual([alice.aor, browserSdp]);
    bob.reply(second, 200, answer);
    expect((await bob.next("ACK")).body).toBe("");
    const ack = await alice.next("ACK");
    expect([ack.body, header(ack, "call-id")]).toEqual([browserAnswer, header(first, "call-id")]);
  });

  it.each(["the user", "the other one"])("ends when %s hangs up", async (who) => {
    const { near, far } = await connects();
    const [by, dialog, to] = who === "the user" ? [alice, near, bob] : ([bob, far, alice] as const);
    const bye = by.bye(dialog);
    expect((await by.finalResponse(bye)).status).toBe(200);
    to.reply(await to.next("BYE"), 200);
    await isOver();
    expect(await callsOf()).toEqual([]);
  });

  it("is ended by an administrator, for both", async () => {
    const { id } = await connects();
    expect((await ends(id)).status).toBe(204);
    for (const phone of [alice, bob]) phone.reply(await phone.next("BYE"), 200);
    await isOver();
  });

  it("is ended by an administrator while the user rings", async () => {
    const { id } = (await (await asks(bob.account)).json()) as { id: string };
    const first = await alice.next("INVITE");
    alice.reply(first, 180);
    expect((await ends(id)).status).toBe(204);
    alice.reply(await alice.next("CANCEL"), 200);
    alice.reply(first, 487);
    await isOver();
    expect(bob.socket.rest()).toEqual([]);
  });

  it.each([486, 603])("says to the user that the other one refused with %i, and has no media", async (status) => {
    await userAnswers();
    bob.reply(await bob.next("INVITE"), status);
    const ack = await alice.next("ACK");
    expect(ack.body).toMatch(/m=audio 0 /);
    const bye = await alice.next("BYE");
    expect(header(bye, "reason")).toContain(`the other side answered with ${status}`);
    alice.reply(bye, 200);
    await isOver();
  });

  it("does not call the other one if the user declines", async () => {
    await asks(bob.account);
    alice.reply(await alice.next("INVITE"), 603);
    await isOver();
    expect(bob.socket.rest()).toEqual([]);
  });

  it("is cancelled at the other one if the user hangs up meanwhile", async () => {
    const { first } = await userAnswers();
    const second = await bob.next("INVITE");
    bob.reply(second, 180);
    alice.bye(dialogOfCallee(first, alice.tag));
    await alice.next(200, { method: "BYE" });
    bob.reply(await bob.next("CANCEL"), 200);
    bob.reply(second, 487);
    expect(await callsOf()).toEqual([]);
    await isOver();
  });

  it("gives an answer that crosses the CANCEL an ACK and a BYE", async () => {
    const { first } = await userAnswers();
    const second = await bob.next("INVITE");
    bob.reply(second, 180);
    alice.bye(dialogOfCallee(first, alice.tag));
    await alice.next(200, { method: "BYE" });
    bob.reply(second, 200, answer);
    await bob.next("ACK");
    const bye = await bob.next("BYE");
    bob.reply(bye, 200);
    expect(header(bye, "call-id")).toBe(header(second, "call-id"));
  });

  it.each(["the user", "the other one"])("passes on what %s sends within it, with the numbers of each dialog", async (who) => {
    const { near, far } = await connects();
    const [by, dialog, to, theirs] = who === "the user" ? [alice, near, bob, far] : ([bob, far, alice, near] as const);
    const sent = by.inDialog("INVITE", dialog, offer);
    const received = await to.next("INVITE");
    expect([header(received, "call-id"), received.body]).toEqual([theirs.callId, browserSdp]);
    expect(Number.parseInt(header(received, "cseq") ?? "", 10)).toBe(sent.cseq + 10);
    to.reply(received, 200, answer);
    const final = await by.finalResponse(sent);
    expect([final.status, final.body, header(final, "cseq")]).toEqual([200, browserAnswer, `${sent.cseq} INVITE`]);
    by.inDialog("ACK", dialog, { cseq: sent.cseq });
    expect(header(await to.next("ACK"), "cseq")).toBe(`${sent.cseq + 10} ACK`);
    const info = by.inDialog("INFO", dialog, { headers: [["Content-Type", "application/dtmf-relay"]], body: "Signal=5\r\n" });
    const heard = await to.next("INFO");
    expect(heard.body).toBe("Signal=5\r\n");
    to.reply(heard, 415, { headers: [["Accept", "text/plain"]] });
    const refusal = await by.finalResponse(info);
    expect([refusal.status, header(refusal, "accept")]).toEqual([415, "text/plain"]);
  });

  it("passes the ACK for a refusal on as one of the INVITE's own transaction (RFC 3261 §17.1.1.3)", async () => {
    const { near } = await connects();
    const sent = alice.inDialog("INVITE", near, offer);
    const received = await bob.next("INVITE");
    bob.reply(received, 488);
    const refusal = await alice.finalResponse(sent);
    expect(refusal.status).toBe(488);
    alice.ackRefusal(sent, refusal);
    const ack = await bob.next("ACK");
    expect([headers(ack, "via")[0], header(ack, "cseq")]).toEqual([headers(received, "via")[0], `${sent.cseq + 10} ACK`]);
  });

  it("answers a request within it with 491 before both are connected", async () => {
    const { first } = await userAnswers();
    await bob.next("INVITE");
    const sent = alice.inDialog("INVITE", dialogOfCallee(first, alice.tag), offer);
    expect((await alice.finalResponse(sent)).status).toBe(491);
  });

  it("is not ended by another one who has its Call-ID and tags", async () => {
    const { near } = await connects();
    const [mallory] = await serverUnderTest.phones(way, "mallory");
    const bye = mallory.inDialog("BYE", near, { from: near.local, to: near.remote });
    expect((await mallory.finalResponse(bye)).status).toBeGreaterThanOrEqual(400);
    await bob.hearsNothing("BYE", mallory);
    mallory.socket.cut();
  });

  it("goes on when the home sleeps at each step", async () => {
    const sleeps = () => serverUnderTest.server.evict(homeOf(alice), "hibernate");
    const { near, ack } = await connects(sleeps);
    expect(ack.body).toBe(browserAnswer);
    await sleeps();
    const bye = alice.bye(near);
    expect((await alice.finalResponse(bye)).status).toBe(200);
    bob.reply(await bob.next("BYE"), 200);
    await isOver();
  });

  it("ends for the other one when the user's page is closed", async () => {
    await connects();
    alice.socket.close(1001);
    const bye = await bob.next("BYE", { milliseconds: 15_000 });
    bob.reply(bye, 200);
    expect(header(bye, "reason")).toContain(hangUpNotice);
    await isOver();
  });
});

describe("a call that an application asks for", () => {
  beforeEach(async () => {
    [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
  });
  afterEach(() => {
    for (const phone of [alice, bob]) phone.socket.cut();
  });

  it("is answered by one of two phones of the user: the other one gets no call", async () => {
    const second = await serverUnderTest.register(alice.account, "direct");
    await asks(bob.account);
    const [one, other] = [await alice.next("INVITE"), await second.next("INVITE")];
    second.reply(other, 180);
    await expect.poll(async () => (await callsOf()).length).toBe(1);
    alice.reply(one, 200, offer);
    second.reply(await second.next("CANCEL"), 200);
    second.reply(other, 487);
    expect((await bob.next("INVITE")).body).toBe(browserSdp);
    second.socket.cut();
  });

  it.each([
    ["no user and no number", "not-there-at-all", 409],
    ["a URI of another scheme", "mailto:bob@localhost", 409],
    ["a URI that would add a header", "sip:bob@localhost>\u0020x", 400],
    ["a line break", "bob\r\nX: y", 400],
    ["nothing", "", 400],
    ["a domain that may not be called", "sip:bob@elsewhere.example", 409],
  ])("%s is refused, and nothing rings: %j", async (_name, to, status) => {
    const refusal = await asks(to);
    expect([refusal.status, ((await refusal.json()) as { detail: string }).detail]).toEqual([status, expect.any(String)]);
    expect(alice.socket.rest()).toEqual([]);
  });

  it("is listed and ended also when another one has answered for the user", async () => {
    const [carol] = await serverUnderTest.phones("direct", "carol");
    const rules = { forward: { always: carol.aor } };
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/rules`, rules);
    const { id } = (await (await asks(bob.account)).json()) as { id: string };
    carol.reply(await carol.next("INVITE"), 200, offer);
    const second = await bob.next("INVITE");
    expect((await callsOf()).map((call) => call.id)).toEqual([id]);
    bob.reply(second, 200, answer);
    await bob.next("ACK");
    await carol.next("ACK");
    expect((await ends(id)).status).toBe(204);
    for (const phone of [carol, bob]) phone.reply(await phone.next("BYE"), 200);
    await isOver();
    carol.socket.cut();
  });

  it("is over when its end crosses the answer of the user", async () => {
    const { id } = (await (await asks(bob.account)).json()) as { id: string };
    const first = await alice.next("INVITE");
    alice.reply(first, 180);
    expect((await ends(id)).status).toBe(204);
    alice.reply(first, 200, offer);
    expect((await alice.next("ACK")).body).toMatch(/m=audio 0 /);
    alice.reply(await alice.next("BYE"), 200);
    await bob.hearsNothing("INVITE", alice);
  });

  it("takes no request with a number that would be too high for its own BYE", async () => {
    const { near } = await connects();
    const sent = alice.inDialog("INFO", near, { cseq: 2_147_482_999 });
    expect((await alice.finalResponse(sent)).status).toBe(400);
    alice.bye(near);
    bob.reply(await bob.next("BYE"), 200);
  });

  it("goes to the Contact that an end has now", async () => {
    const { near, far } = await connects();
    bob.inDialog("UPDATE", far, { contact: "<sip:elsewhere@phone.invalid;transport=ws>" });
    alice.reply(await alice.next("UPDATE"), 200);
    await bob.next(200, { method: "UPDATE" });
    alice.bye(near);
    const bye = await bob.next("BYE");
    bob.reply(bye, 200);
    expect(bye.startLine).toBe("BYE sip:elsewhere@phone.invalid;transport=ws SIP/2.0");
  });

  it("passes nothing of one whom the user has blocked meanwhile, but the end", async () => {
    const { far } = await connects();
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/rules`, { blocked: [bob.aor.slice(4)] });
    const info = bob.inDialog("INFO", far, { body: "hello" });
    expect((await bob.finalResponse(info)).status).toBeGreaterThanOrEqual(400);
    expect(alice.socket.rest().filter(({ method }) => method === "INFO")).toEqual([]);
    bob.bye(far);
    alice.reply(await alice.next("BYE"), 200);
  });

  it("ends at once if the other one answers without media", async () => {
    await userAnswers();
    bob.reply(await bob.next("INVITE"), 200);
    await bob.next("ACK");
    bob.reply(await bob.next("BYE"), 200);
    const bye = await alice.next("BYE", { milliseconds: 5000 });
    alice.reply(bye, 200);
    expect(header(bye, "reason")).toContain("the other side answered without audio");
  });

  it("takes so many requests of one end at a time, and leaves the other one its own", async () => {
    const { near, far } = await connects();
    const sent = Array.from({ length: 21 }, () => bob.inDialog("INFO", far, { body: "x" }));
    expect((await bob.finalResponse(sent[20] ?? sent[0]!)).status).toBe(480);
    const own = alice.inDialog("INFO", near, { body: "y" });
    bob.reply(await bob.next("INFO"), 200);
    expect((await alice.finalResponse(own)).status).toBe(200);
  });

  it("needs a phone of the user", async () => {
    const never = await serverUnderTest.newcomer("never");
    expect((await asks(bob.account, never)).status).toBe(409);
    const [gone] = await serverUnderTest.phones("direct", "gone");
    await gone.register({ expires: 0 });
    expect((await asks(bob.account, gone.account)).status).toBe(409);
    expect((await asks(bob.account, "nobody-of-this-name")).status).toBe(404);
    gone.socket.cut();
  });

  it("has its limit for each user", async () => {
    const statuses: number[] = [];
    for (let each = 0; each < 21; each += 1) statuses.push((await asks(bob.account)).status);
    expect(statuses.slice(-2)).toEqual([201, 409]);
  });
});

describe("a call that an application asks for, to a number", () => {
  let provider: SipServer;
  const contact = () => `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;
  beforeEach(async () => {
    provider = await startSipServer();
    [alice] = await serverUnderTest.phones("direct", "alice");
    const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
    await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", { server, prefixes: ["+1"], inbound: true });
  });
  afterEach(async () => {
    await serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/provider");
    alice.socket.cut();
    provider.close();
  });

  it("goes by the trunk, and is ended by either side", async () => {
    const { first } = await userAnswers("+1555");
    const second = await provider.next("INVITE");
    expect([second.startLine, second.body]).toEqual([`INVITE sip:+1555@127.0.0.1:${provider.port};transport=tcp SIP/2.0`, browserSdp]);
    provider.reply(second, 200, [contact(), "Content-Type: application/sdp"], telephoneSdp());
    await provider.next("ACK");
    expect((await alice.next("ACK")).body).toBe(telephoneSdp());
    alice.bye(dialogOfCallee(first, alice.tag));
    provider.reply(await provider.next("BYE"), 200);
    await isOver();
  });

  it("refers the trunk to no number that the user may not call", async () => {
    const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
    const lists = { server, prefixes: ["+1"], inbound: true, forbidden_destinations: ["+1900"] };
    await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", lists);
    const { first } = await userAnswers("+1555");
    provider.reply(await provider.next("INVITE"), 200, [contact(), "Content-Type: application/sdp"], telephoneSdp());
    await provider.next("ACK");
    await alice.next("ACK");
    const dialog = dialogOfCallee(first, alice.tag);
    const refers = (number: string) => alice.inDialog("REFER", dialog, { headers: [["Refer-To", `<sip:${number}@localhost>`]] });
    expect((await alice.finalResponse(refers("+1900555"))).status).toBe(403);
    const allowed = refers("+1556");
    provider.reply(await provider.next("REFER"), 202);
    expect((await alice.finalResponse(allowed)).status).toBe(202);
  });

  it("has the trunk call no number for the other side", async () => {
    const rules = { forward: { always: "sip:+1444@localhost" } };
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/rules`, rules);
    const [caller] = await serverUnderTest.phones("direct", "bob");
    await asks(caller.account);
    provider.reply(await provider.next("INVITE"), 200, [contact(), "Content-Type: application/sdp"], telephoneSdp());
    const invite = await caller.next("INVITE");
    caller.reply(invite, 200, answer);
    await caller.next("ACK");
    await provider.next("ACK");
    const refers = caller.inDialog("REFER", dialogOfCallee(invite, caller.tag), { headers: [["Refer-To", "<sip:+1555@localhost>"]] });
    expect((await caller.finalResponse(refers)).status).toBe(403);
    expect(provider.rest().filter(({ method }) => method === "REFER")).toEqual([]);
    caller.socket.cut();
  });

  it("is refused where the trunk does not take it", async () => {
    await userAnswers("+1555");
    provider.reply(await provider.next("INVITE"), 404);
    expect(header(await alice.next("BYE"), "reason")).toContain("404");
  });
});

it("who gets the user's call by a rule is called by the user, and not by the name of whom it is for", async () => {
  const [dave, erin, carol] = await serverUnderTest.phones("direct", "dave", "erin", "carol");
  const path = `/domains/localhost/subscribers/${dave.account}/rules`;
  expect((await serverUnderTest.server.api("PUT", path, { forward: { always: carol.aor } })).status).toBeLessThan(300);
  await asks(erin.account, dave.account);
  const invite = await carol.next("INVITE");
  expect(uriIn(header(invite, "from") ?? "")).toBe(dave.aor);
  carol.reply(invite, 200, offer);
  const second = await erin.next("INVITE");
  expect(uriIn(header(second, "from") ?? "")).toBe(dave.aor);
  erin.reply(second, 200, answer);
  await erin.next("ACK");
  await carol.next("ACK");
  const dialog = dialogOfCallee(invite, carol.tag);
  carol.inDialog("BYE", dialog);
  erin.reply(await erin.next("BYE"), 200);
  for (const phone of [dave, erin, carol]) phone.socket.cut();
});
