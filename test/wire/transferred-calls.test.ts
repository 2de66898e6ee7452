import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sdpType } from "../support/call.ts";
import { compose, newBranch } from "../support/compose.ts";
import { type Dialog, dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { type ReceivedMessage, header, uriIn } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { browserAnswer, browserSdp } from "../support/session-descriptions.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

/** Transfers over a trunk whose server refuses REFER (RFC 3515), which this server performs. */
let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let alice: Phone;
let bob: Phone;

const offer = { headers: [sdpType], body: browserSdp };
const answer = { headers: [sdpType], body: browserAnswer };
/** Of the telephone. */
const itsOffer = browserSdp.replaceAll("52000", "53000");
const itsType = "Content-Type: application/sdp";
const contact = () => `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;
const cseqOf = (message: ReceivedMessage) => Number.parseInt(header(message, "cseq") ?? "", 10);
const rows = async () => {
  const query = (sql: string) => serverUnderTest.server.query(`sip:${alice.account}@localhost#1`, sql);
  const [transfers] = (await query("SELECT count(*) AS n FROM transfers")) as { n: number }[];
  const [calls] = (await query("SELECT count(*) AS n FROM third_party_calls").catch(() => [{ n: 0 }])) as { n: number }[];
  return [transfers?.n, calls?.n];
};

const calls = () => `/domains/localhost/subscribers/${alice.account}/calls`;
const listed = async () => ((await (await serverUnderTest.server.api("GET", calls())).json()) as { calls: { id: string }[] }).calls;

/** Alice has called a telephone. */
async function talks(): Promise<{ readonly near: Dialog; readonly far: Dialog }> {
  const sent = alice.request("INVITE", "sip:+1555@localhost", offer);
  const invite = await provider.next("INVITE");
  provider.reply(invite, 200, [contact(), itsType], itsOffer);
  const near = { ...dialogOfCaller(await alice.finalResponse(sent)), cseq: 5 };
  alice.ack(near);
  await provider.next("ACK");
  return { near, far: dialogOfCallee(invite, "theirs") };
}

/** The status in the body of the next NOTIFY, which alice takes. */
async function notified(): Promise<string> {
  const notify = await alice.next("NOTIFY");
  alice.reply(notify, 200);
  return `${/SIP\/2\.0 (\d+)/.exec(notify.body)?.[1]} ${header(notify, "subscription-state")?.split(";")[0]}`;
}

/** Alice refers the telephone to bob; it offers, and bob is called. */
async function refers(near: Dialog, to = bob.aor) {
  const sent = alice.inDialog("REFER", near, { headers: [["Refer-To", `<${to}>`]] });
  expect((await alice.finalResponse(sent)).status).toBe(202);
  expect(await notified()).toBe("100 active");
  const again = await provider.next("INVITE");
  expect([again.body, cseqOf(again), header(again, "call-id")]).toEqual(["", near.cseq, near.callId]);
  provider.reply(again, 200, [contact(), itsType], itsOffer);
  return again;
}

function says(method: string, { callId, local, remote, target, routes }: Dialog, cseq: number, body = ""): void {
  const via = `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`;
  const more = [
    `From: ${local}`,
    `To: ${remote}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...(body === "" ? [] : [itsType, contact()]),
  ];
  provider.send(
    compose(`${method} ${target} SIP/2.0`, [via, "Max-Forwards: 70", ...routes.map((route) => `Route: ${route}`), ...more], body),
  );
}

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", DEAD_CALL_TIME: "1" } });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  provider = await startSipServer();
  [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
  const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
  const body = { server, prefixes: ["+1"], inbound: true, refer: "handle" };
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", body);
});
afterEach(async () => {
  await serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/provider");
  for (const phone of [alice, bob]) phone.socket.cut();
  provider.close();
});

describe("a transfer that this server performs", () => {
  it("connects the telephone with the third one: the server refuses no REFER, and gets none", async () => {
    const { near, far } = await talks();
    await refers(near);
    const invite = await bob.next("INVITE");
    expect(invite.body).toBe(itsOffer);
    bob.reply(invite, 180);
    bob.reply(invite, 200, answer);
    await bob.next("ACK");
    const ack = await provider.next("ACK");
    expect([ack.body, header(ack, "cseq")]).toEqual([browserAnswer, `${near.cseq} ACK`]);
    expect(await notified()).toBe("200 terminated");
    const bye = alice.bye(near);
    expect((await alice.finalResponse(bye)).status).toBe(200);
    expect(provider.rest().filter(({ method }) => method === "BYE" || method === "REFER")).toEqual([]);
    const theirs = dialogOfCallee(invite, bob.tag);
    const held = bob.inDialog("INVITE", theirs, offer);
    const again = await provider.next("INVITE");
    expect([again.body, cseqOf(again) > near.cseq, header(again, "call-id")]).toEqual([browserSdp, true, near.callId]);
    provider.reply(again, 200, [contact(), itsType], itsOffer);
    expect((await bob.finalResponse(held)).body).toBe(itsOffer);
    bob.inDialog("ACK", theirs, { cseq: theirs.cseq - 1 });
    expect(cseqOf(await provider.next("ACK"))).toBe(cseqOf(again));
    says("BYE", far, 9);
    bob.reply(await bob.next("BYE"), 200);
    expect((await provider.next(200, { method: "BYE" })).status).toBe(200);
    await expect.poll(rows).toEqual([0, 0]);
  });

  it("goes on when the user hangs up at once, and the third one hangs up", async () => {
    const { near } = await talks();
    await refers(near);
    const invite = await bob.next("INVITE");
    bob.reply(invite, 180);
    const bye = alice.bye(near);
    expect((await alice.finalResponse(bye)).status).toBe(200);
    bob.reply(invite, 200, answer);
    await bob.next("ACK");
    await provider.next("ACK");
    const theirs = bob.bye(dialogOfCallee(invite, bob.tag));
    provider.reply(await provider.next("BYE"), 200);
    expect((await bob.finalResponse(theirs)).status).toBe(200);
  });

  it("is the other two's, whatever becomes of the phone that has transferred it", async () => {
    const { near } = await talks();
    await refers(near);
    const invite = await bob.next("INVITE");
    bob.reply(invite, 200, answer);
    await bob.next("ACK");
    await provider.next("ACK");
    expect(await notified()).toBe("200 terminated");
    // It does not hang up.
    const bye = await alice.next("BYE", { milliseconds: 8000 });
    expect(header(bye, "reason")).toContain("the call was transferred");
    alice.reply(bye, 200);
    alice.socket.cut();
    const info = bob.inDialog("INFO", dialogOfCallee(invite, bob.tag), { body: "x" });
    provider.reply(await provider.next("INFO"), 200);
    expect((await bob.finalResponse(info)).status).toBe(200);
    await new Promise((resume) => void setTimeout(resume, 3000));
    expect(provider.rest().filter(({ method }) => method === "BYE")).toEqual([]);
    const [call] = await listed();
    expect((await serverUnderTest.server.api("DELETE", `${calls()}/${call?.id}`)).status).toBe(204);
    bob.reply(await bob.next("BYE"), 200);
    provider.reply(await provider.next("BYE"), 200);
    await expect.poll(rows).toEqual([0, 0]);
  });

  it("replaces a call of the user's (attended, RFC 3891)", async () => {
    const { near } = await talks();
    await refers(near, `${bob.aor}?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2`);
    const invite = await bob.next("INVITE");
    expect([header(invite, "replaces"), header(invite, "require")]).toEqual(["a@b;to-tag=1;from-tag=2", "replaces"]);
  });

  it.each([486, 603])("gives the user the call back if the third one answers %i", async (status) => {
    const { near, far } = await talks();
    await refers(near);
    bob.reply(await bob.next("INVITE"), status);
    expect(await notified()).toBe(`${status} terminated`);
    const again = await alice.next("INVITE");
    expect([again.body, header(again, "call-id")]).toEqual([itsOffer, near.callId]);
    alice.reply(again, 200, answer);
    await alice.next("ACK");
    expect((await provider.next("ACK")).body).toBe(browserAnswer);
    const info = alice.inDialog("INFO", near, { body: "hello" });
    const heard = await provider.next("INFO");
    expect(cseqOf(heard)).toBeGreaterThan(near.cseq);
    provider.reply(heard, 200);
    expect((await alice.finalResponse(info)).status).toBe(200);
    says("INVITE", far, 7, itsOffer);
    alice.reply(await alice.next("INVITE"), 200, answer);
    expect((await provider.next(200, { method: "INVITE" })).body).toBe(browserAnswer);
    const bye = alice.bye(near);
    provider.reply(await provider.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
    await expect.poll(rows).toEqual([0, 0]);
  });

  it("asks the phone again whose own INVITE has crossed that which gives the call back (RFC 3261 §14.1)", async () => {
    const { near } = await talks();
    await refers(near);
    bob.reply(await bob.next("INVITE"), 486);
    const crossed = await alice.next("INVITE");
    const held = alice.inDialog("INVITE", near, offer);
    expect((await alice.finalResponse(held)).status).toBe(491);
    alice.reply(crossed, 491);
    await alice.next("ACK");
    const again = await alice.next("INVITE");
    expect(cseqOf(again)).toBe(cseqOf(crossed) + 1);
    alice.reply(again, 200, answer);
    expect(cseqOf(await alice.next("ACK"))).toBe(cseqOf(again));
    expect((await provider.next("ACK")).body).toBe(browserAnswer);
  });

  it("gives the call back without media if the phone refuses the offer, until it makes its own", async () => {
    const { near } = await talks();
    await refers(near);
    bob.reply(await bob.next("INVITE"), 486);
    alice.reply(await alice.next("INVITE"), 488);
    expect((await provider.next("ACK")).body).toMatch(/m=audio 0 /);
    const sent = alice.inDialog("INVITE", near, offer);
    provider.reply(await provider.next("INVITE"), 200, [contact(), itsType], itsOffer);
    expect((await alice.finalResponse(sent)).body).toBe(itsOffer);
  });

  it("leaves the phone in no call that ends before it has hung up", async () => {
    const { near, far } = await talks();
    await refers(near);
    bob.reply(await bob.next("INVITE"), 200, answer);
    expect(await notified()).toBe("200 terminated");
    says("BYE", far, 9);
    bob.reply(await bob.next("BYE"), 200);
    alice.reply(await alice.next("BYE", { milliseconds: 3000 }), 200);
    await expect.poll(rows).toEqual([0, 0]);
  });

  it("passes the ACK for an INVITE before the REFER on as it is", async () => {
    const { near } = await talks();
    const held = alice.inDialog("INVITE", near, offer);
    const hold = await provider.next("INVITE");
    const sent = alice.inDialog("REFER", near, { headers: [["Refer-To", `<${bob.aor}>`]] });
    expect((await alice.finalResponse(sent)).status).toBe(202);
    const again = await provider.next("INVITE");
    provider.reply(hold, 200, [contact(), itsType], itsOffer);
    expect((await alice.finalResponse(held)).status).toBe(200);
    alice.inDialog("ACK", near, { cseq: cseqOf(hold) });
    expect(header(await provider.next("ACK"), "cseq")).toBe(`${cseqOf(hold)} ACK`);
    provider.reply(again, 500);
    expect([await notified(), await notified()]).toEqual(["100 active", "500 terminated"]);
    const info = alice.inDialog("INFO", near, { body: "hello" });
    provider.reply(await provider.next("INFO"), 200);
    expect((await alice.finalResponse(info)).status).toBe(200);
  });

  it("goes to the other end of the call, whatever the REFER has as its Request-URI", async () => {
    const { near } = await talks();
    const other = near.target.replace("sip:far@", "sip:+19005@");
    expect(other).not.toBe(near.target);
    const sent = alice.inDialog("REFER", { ...near, target: other }, { headers: [["Refer-To", `<${bob.aor}>`]] });
    expect((await alice.finalResponse(sent)).status).toBe(202);
    expect((await provider.next("INVITE")).requestUri).toBe(near.target);
  });

  it("ends for all when the telephone hangs up meanwhile", async () => {
    const { near, far } = await talks();
    await refers(near);
    const invite = await bob.next("INVITE");
    bob.reply(invite, 180);
    says("BYE", far, 9);
    await provider.next(200, { method: "BYE" });
    bob.reply(await bob.next("CANCEL"), 200);
    bob.reply(invite, 487);
    alice.reply(await alice.next("BYE"), 200);
    await expect.poll(rows).toEqual([0, 0]);
  });

  it.each([481, 408])("ends for the user too when the telephone answers the re-INVITE with %i (RFC 3261 §14.1)", async (status) => {
    const { near } = await talks();
    const sent = alice.inDialog("REFER", near, { headers: [["Refer-To", `<${bob.aor}>`]] });
    expect((await alice.finalResponse(sent)).status).toBe(202);
    await notified();
    provider.reply(await provider.next("INVITE"), status);
    expect(await notified()).toBe(`${status} terminated`);
    alice.reply(await alice.next("BYE"), 200);
    await expect.poll(rows).toEqual([0, 0]);
  });

  it("is listed while it is under way, and ends for all by an administrator", async () => {
    const { near } = await talks();
    await refers(near);
    const invite = await bob.next("INVITE");
    bob.reply(invite, 180);
    const [call] = await listed();
    expect((await serverUnderTest.server.api("DELETE", `${calls()}/${call?.id}`)).status).toBe(204);
    bob.reply(await bob.next("CANCEL"), 200);
    bob.reply(invite, 487);
    alice.reply(await alice.next("BYE"), 200);
    provider.reply(await provider.next("BYE"), 200);
    await expect.poll(rows).toEqual([0, 0]);
    expect(await listed()).toEqual([]);
  });

  it("hangs up where the third one answers too late", async () => {
    const { near } = await talks();
    await refers(near);
    const invite = await bob.next("INVITE");
    const bye = alice.bye(near);
    expect((await alice.finalResponse(bye)).status).toBe(200);
    const [call] = await listed();
    expect((await serverUnderTest.server.api("DELETE", `${calls()}/${call?.id}`)).status).toBe(204);
    bob.reply(invite, 200, answer);
    await bob.next("ACK");
    bob.reply(await bob.next("BYE"), 200);
    provider.reply(await provider.next("BYE"), 200);
    await expect.poll(rows).toEqual([0, 0]);
  });

  it("hangs up where the third one answers without media, and the user has the call again", async () => {
    const { near } = await talks();
    await refers(near);
    bob.reply(await bob.next("INVITE"), 200);
    await bob.next("ACK");
    bob.reply(await bob.next("BYE"), 200);
    expect(await notified()).toBe("488 terminated");
    const again = await alice.next("INVITE");
    alice.reply(again, 200, answer);
    await alice.next("ACK");
    const sent = alice.inDialog("REFER", near, { headers: [["Refer-To", `<${bob.aor}>`]] });
    expect((await alice.finalResponse(sent)).status).toBe(403);
    const bye = alice.bye(near);
    provider.reply(await provider.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
    await expect.poll(rows).toEqual([0, 0]);
  });

  it("is ended by neither of the two with the BYE of another who knows the dialog", async () => {
    const { near, far } = await talks();
    await refers(near);
    const invite = await bob.next("INVITE");
    for (const way of [far, { ...far, routes: [] }, { ...far, routes: [], target: alice.aor }]) {
      const stolen = bob.inDialog("BYE", { ...way, cseq: 30 });
      expect((await bob.finalResponse(stolen)).status).toBeGreaterThanOrEqual(400);
    }
    bob.reply(invite, 200, answer);
    await bob.next("ACK");
    await provider.next("ACK");
    for (const way of [far, { ...far, routes: [] }, { ...far, routes: [], target: alice.aor }]) {
      const stolen = bob.inDialog("BYE", { ...way, cseq: 31 });
      expect((await bob.finalResponse(stolen)).status).toBeGreaterThanOrEqual(400);
    }
    says("BYE", far, 9);
    bob.reply(await bob.next("BYE"), 200);
    await expect.poll(rows).toEqual([0, 0]);
  });

  it("is refused for a call that was never answered, and the trunk's server hears nothing", async () => {
    const { near } = await talks();
    const sent = alice.inDialog(
      "REFER",
      { ...near, remote: near.remote.replace(/tag=.*/, "tag=made-up") },
      { headers: [["Refer-To", `<${bob.aor}>`]] },
    );
    expect((await alice.finalResponse(sent)).status).toBe(480);
    expect(provider.rest()).toEqual([]);
  });

  it("fails if the telephone refuses to offer, and the call goes on", async () => {
    const { near } = await talks();
    const sent = alice.inDialog("REFER", near, { headers: [["Refer-To", `<${bob.aor}>`]] });
    expect((await alice.finalResponse(sent)).status).toBe(202);
    await notified();
    const again = await provider.next("INVITE");
    provider.reply(again, 488);
    const ack = await provider.next("ACK");
    const branchOf = (message: ReceivedMessage) => /branch=([^;]+)/.exec(header(message, "via") ?? "")?.[1];
    expect([cseqOf(ack), branchOf(ack)]).toEqual([cseqOf(again), branchOf(again)]);
    expect(await notified()).toBe("488 terminated");
    const info = alice.inDialog("INFO", near, { body: "hello" });
    provider.reply(await provider.next("INFO"), 200);
    expect((await alice.finalResponse(info)).status).toBe(200);
  });

  it.each([
    ["a user who does not exist", "sip:no-such-user@localhost", 404],
    ["another method", "sip:bob@localhost;method=BYE", 403],
    ["a header of Replaces that would add a line", "sip:bob@localhost?Replaces=a%0d%0aX:y", 400],
  ])("is refused at once: %s", async (_name, to, status) => {
    const { near } = await talks();
    const sent = alice.inDialog("REFER", near, { headers: [["Refer-To", `<${to}>`]] });
    expect((await alice.finalResponse(sent)).status).toBe(status);
    expect(provider.rest()).toEqual([]);
  });

  it("keeps an anonymous caller anonymous", async () => {
    const from = "<sip:anonymous@anonymous.invalid>";
    const sent = alice.request("INVITE", "sip:+1555@localhost", { ...offer, from });
    provider.reply(await provider.next("INVITE"), 200, [contact(), itsType], itsOffer);
    const near = { ...dialogOfCaller(await alice.finalResponse(sent)), cseq: 5 };
    alice.ack(near);
    await provider.next("ACK");
    await refers(near);
    const invite = await bob.next("INVITE");
    expect([uriIn(header(invite, "from")), header(invite, "privacy")]).toEqual(["sip:anonymous@anonymous.invalid", "id"]);
    bob.reply(invite, 486);
  });

  it("counts among the user's calls, also if it goes to a phone of their own that is gone", async () => {
    const rules = `/domains/localhost/subscribers/${alice.account}/rules`;
    await serverUnderTest.server.api("PUT", rules, { maximum_calls: 2 });
    const second = await serverUnderTest.connect(alice.account, "direct", { instance: "urn:uuid:00000000-0000-4000-8000-000000000001" });
    await second.register();
    const { near } = await talks();
    await refers(near, alice.aor);
    second.reply(await second.next("INVITE"), 200, answer);
    await provider.next("ACK");
    expect(await notified()).toBe("200 terminated");
    expect((await alice.finalResponse(alice.bye(near))).status).toBe(200);
    second.socket.cut();
    const third = await serverUnderTest.connect(alice.account, "direct", { instance: "urn:uuid:00000000-0000-4000-8000-000000000001" });
    await third.register();
    const other = await talks();
    const sent = alice.request("INVITE", "sip:+1556@localhost", offer);
    expect((await alice.finalResponse(sent)).status).toBe(403);
    alice.bye(other.near);
    provider.reply(await provider.next("BYE"), 200);
    third.socket.cut();
  });

  it("goes on when the home sleeps at each step", async () => {
    const sleeps = () => serverUnderTest.server.evict(`sip:${alice.account}@localhost#1`, "hibernate");
    const { near, far } = await talks();
    await sleeps();
    await refers(near);
    const invite = await bob.next("INVITE");
    await sleeps();
    bob.reply(invite, 200, answer);
    await bob.next("ACK");
    expect((await provider.next("ACK")).body).toBe(browserAnswer);
    await sleeps();
    says("BYE", far, 9);
    bob.reply(await bob.next("BYE"), 200);
    await provider.next(200, { method: "BYE" });
    await expect.poll(rows).toEqual([0, 0]);
  });
});
