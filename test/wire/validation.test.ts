import { afterAll, describe, expect, it } from "vitest";
import { compose } from "../support/compose.ts";
import { header, headers, type ReceivedMessage } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

/** A request by hand: its lines in order, undefined ones left out. */
function raw(phone: Phone, lines: Readonly<Record<string, string | undefined>>, start = `MESSAGE ${phone.aor} SIP/2.0`): string {
  const all: Record<string, string | undefined> = {
    Via: `SIP/2.0/WSS ${phone.host};branch=z9hG4bK${Math.random().toString(36).slice(2)}`,
    "Max-Forwards": "70",
    From: `<${phone.aor}>;tag=raw`,
    To: `<${phone.aor}>`,
    "Call-ID": Math.random().toString(36).slice(2),
    CSeq: `1 ${start.split(" ")[0]}`,
    ...lines,
  };
  return compose(
    start,
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`])),
  );
}

const anyFinal = (message: ReceivedMessage): boolean => message.status >= 200;

describe.each(ways)("request validation (RFC 3261 §16.3), on the %s way", (way) => {
  it.each([
    ["a Request-URI without a scheme", "MESSAGE bob SIP/2.0", {}, 400],
    ["a Request-URI of a scheme we do not understand (step 2)", "MESSAGE mailto:bob@localhost SIP/2.0", {}, 416],
    ["another version", "MESSAGE sip:bob@localhost SIP/3.0", {}, 505],
    ["an empty host", "MESSAGE sip:bob@ SIP/2.0", {}, 400],
    ["white space in the Request-URI", "MESSAGE sip:bob @localhost SIP/2.0", {}, 400],
    ["Max-Forwards: 0 (step 3)", "MESSAGE sip:bob@localhost SIP/2.0", { "Max-Forwards": "0" }, 483],
    ["a Max-Forwards that is no number", "MESSAGE sip:bob@localhost SIP/2.0", { "Max-Forwards": "many" }, 400],
    ["a CSeq of another method", "MESSAGE sip:bob@localhost SIP/2.0", { CSeq: "1 OPTIONS" }, 400],
    ["a CSeq number beyond 2**31", "MESSAGE sip:bob@localhost SIP/2.0", { CSeq: "99999999999 MESSAGE" }, 400],
    ["a To that is no address", "MESSAGE sip:bob@localhost SIP/2.0", { To: "<>" }, 400],
    ["a From that is no address", "MESSAGE sip:bob@localhost SIP/2.0", { From: "Bob <" }, 400],
    ["a Content-Length that is more than there is", "MESSAGE sip:bob@localhost SIP/2.0", { "Content-Length": "400" }, 400],
  ])("refuses %s", async (_name, start, lines, status) => {
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    alice.socket.send(raw(alice, lines, start));
    expect((await alice.next(anyFinal)).status).toBe(status);
  });

  it("refuses an extension that Proxy-Require names and we do not have, with Unsupported (step 5)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const answer = await alice.finalResponse(alice.request("MESSAGE", bob.aor, { headers: [["Proxy-Require", "teleportation, warp"]] }));
    expect(answer.status).toBe(420);
    expect(header(answer, "unsupported")?.split(/,\s*/)).toEqual(["teleportation", "warp"]);
  });

  it("refuses a CSeq after which this server could not end the call: its own BYE needs a higher one (§12.2.2)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const refused = await alice.finalResponse(alice.request("INVITE", bob.aor, { cseq: 2_147_483_000 }));
    expect(refused.status).toBe(400);
    const sent = alice.request("INVITE", bob.aor, { cseq: 2_147_482_999 });
    bob.reply(await bob.next("INVITE"), 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
  });

  it("leaves Require to the other end", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    alice.request("MESSAGE", bob.aor, { headers: [["Require", "teleportation"]] });
    expect(header(await bob.next("MESSAGE"), "require")).toBe("teleportation");
  });

  it("decrements Max-Forwards, and puts one in where there is none (§16.6 step 3)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    alice.request("MESSAGE", bob.aor, { maxForwards: 12 });
    expect(header(await bob.next("MESSAGE"), "max-forwards")).toBe("11");
    alice.socket.send(raw(alice, { "Max-Forwards": undefined, To: `<${bob.aor}>` }, `MESSAGE ${bob.aor} SIP/2.0`));
    expect(header(await bob.next("MESSAGE"), "max-forwards")).toMatch(/^(69|70)$/);
  });

  it("finds a loop: what comes back unchanged draws 482 (step 4)", async () => {
    const first = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    const second = await serverUnderTest.register(first.account, way);
    first.request("MESSAGE", first.aor, { headers: [["Subject", "round and round"]] });
    const heard = await second.next("MESSAGE");
    const lines = heard.raw.slice(heard.raw.indexOf("\r\n") + 2);
    second.socket.send(`MESSAGE ${first.aor} SIP/2.0\r\nVia: SIP/2.0/WSS ${second.host};branch=z9hG4bKloop\r\n${lines}`);
    expect((await second.next(anyFinal)).status).toBe(482);
  });

  it("lets a spiral pass: what comes back for somebody else is no loop", async () => {
    const [alice, bob, carol] = await serverUnderTest.phones(way, "alice", "bob", "carol");
    alice.request("MESSAGE", bob.aor);
    const heard = await bob.next("MESSAGE");
    const [, ...rest] = heard.raw.split("\r\n");
    const lines = rest.map((line) => line.replace(alice.aor, bob.aor)).join("\r\n");
    bob.socket.send(`MESSAGE ${carol.aor} SIP/2.0\r\nVia: SIP/2.0/WSS ${bob.host};branch=z9hG4bKspiral\r\n${lines}`);
    expect(headers(await carol.next("MESSAGE"), "via")).toHaveLength(4);
  });
});

describe.each(ways)("what cannot be answered, on the %s way", (way) => {
  it.each([
    [
      "a response that nobody asked for",
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/WSS nowhere.invalid;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
    ],
    [
      "an ACK that belongs to nothing",
      "ACK sip:bob@localhost SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bKy\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    ],
    ["half a message", "INVITE sip:bob@localhost SIP/2.0\r\nVia: SIP/2.0/W"],
    ["another protocol", "GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["noise", "\u0000\u0001\u0002\uFFFD".repeat(50)],
  ])("is dropped, and the socket stays: %s", async (_name, frame) => {
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    alice.socket.send(frame);
    expect((await alice.finalResponse(alice.request("OPTIONS", "sip:localhost"))).status).toBe(200);
    expect(alice.socket.rest()).toEqual([]);
  });

  it("octets that are no UTF-8 do no harm", async () => {
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    alice.socket.send(Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0d, 0x0a]));
    expect((await alice.finalResponse(alice.request("OPTIONS", "sip:localhost"))).status).toBe(200);
  });

  it.each(["registered", "a stranger"])("a frame of more than 256 KiB ends its connection with 1009, unread: %s", async (who) => {
    const account = await serverUnderTest.newcomer("alice");
    const alice = who === "registered" ? await serverUnderTest.register(account, way) : await serverUnderTest.connect(account, way);
    alice.request("MESSAGE", alice.aor, { body: "x".repeat(300_000) });
    expect(await alice.socket.closed).toMatchObject({ code: 1009 });
  });

  it.each([
    ["tel:+", 400],
    ["sip:", 414],
  ])("100,000 digits behind %s draw %i at once", async (scheme, status) => {
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    const to = `${scheme}${"1".repeat(scheme === "tel:+" ? 3_000 : 100_000)}`;
    expect((await alice.finalResponse(alice.request("OPTIONS", to, { to: `<${alice.aor}>` }))).status).toBe(status);
  });
});
