import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { newBranch, shortSdp } from "../support/compose.ts";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { type ReceivedMessage, header, headers, readReceivedMessage } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

/** Messages are octets, whatever kind of frame they come in (RFC 7118 §5): text keeps its letters, and nothing becomes a line break. */
const serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", BINDING_GRACE: "1" } });
afterAll(() => serverUnderTest.close());

/** The low octets of U+010D and U+010A are CR and LF. */
const breaks = "x\u010D\u010AX-Injected: yes\u010D\u010A\u010D\u010AINVITE sip:premium@localhost SIP/2.0\u010D\u010A";
const names = [
  ["Latin", "Müller-José"],
  ["Arabic", "محمد"],
  ["Chinese", "你好"],
  ["emoji", "☎😀"],
  ["line breaks of two octets", breaks],
] as const;
const kinds = ["text", "binary"] as const;
const rows = kinds.flatMap((one) => kinds.flatMap((other) => names.map(([script, name]) => [one, other, script, name] as const)));

/** What was heard, its octets read as UTF-8. */
function legible(heard: ReceivedMessage): ReceivedMessage {
  return heard.isBinary ? readReceivedMessage(Buffer.from(heard.raw, "latin1").toString("utf8"), true) : heard;
}

const register = async (name: string, kind: (typeof kinds)[number]): Promise<Phone> =>
  serverUnderTest.register(await serverUnderTest.newcomer(name), "direct", { isBinary: kind === "binary" });

/** The message says it as it was said, in a frame of the hearer's kind, and has nothing in it that was not sent. */
function expectSaid(
  heard: ReceivedMessage,
  kind: (typeof kinds)[number],
  where: (message: ReceivedMessage) => string | undefined,
  name: string,
): void {
  const message = legible(heard);
  expect(heard.isBinary).toBe(kind === "binary");
  expect(where(message)).toContain(name);
  expect(headers(message, "x-injected")).toEqual([]);
  expect(Number(header(message, "content-length") ?? Buffer.byteLength(message.body))).toBe(Buffer.byteLength(message.body));
}

const subject = (message: ReceivedMessage) => header(message, "subject");
const body = (message: ReceivedMessage) => message.body;

describe.each(rows)("from a phone of %s frames to one of %s frames, %s", (ofCaller, ofCallee, _script, name) => {
  let alice: Phone;
  let bob: Phone;
  beforeEach(async () => {
    [alice, bob] = [await register("alice", ofCaller), await register("bob", ofCallee)];
  });
  afterEach(() => [alice, bob].forEach((phone) => phone.socket.cut()));

  it("INVITE, 1xx, 2xx, ACK, MESSAGE", async () => {
    const text = `${shortSdp}s=${name}\r\n`;
    alice.request("INVITE", bob.aor, {
      headers: [
        ["Subject", name],
        ["Content-Type", "application/sdp"],
      ],
      body: text,
    });
    const invite = await bob.next("INVITE");
    expectSaid(invite, ofCallee, subject, name);
    expectSaid(invite, ofCallee, body, name);
    bob.reply(invite, 180, { reason: name, headers: [["Subject", name]] });
    const ringing = await alice.next(180);
    expectSaid(ringing, ofCaller, subject, name);
    expectSaid(ringing, ofCaller, (message) => message.startLine, name);
    bob.reply(invite, 200, { headers: [["Content-Type", "application/sdp"]], body: text });
    const answer = await alice.next(200, { method: "INVITE" });
    expectSaid(answer, ofCaller, body, name);
    const dialog = dialogOfCaller(answer);
    alice.inDialog("ACK", dialog, { cseq: dialog.inviteCseq, headers: [["Subject", name]] });
    expectSaid(await bob.next("ACK"), ofCallee, subject, name);
    bob.inDialog("MESSAGE", dialogOfCallee(invite, bob.tag), { body: name });
    const within = await alice.next("MESSAGE");
    expectSaid(within, ofCaller, body, name);
    expect(legible(within).body).toBe(name);
  });

  it("CANCEL", async () => {
    const sent = alice.request("INVITE", bob.aor, { body: shortSdp });
    const invite = await bob.next("INVITE");
    bob.reply(invite, 180);
    await alice.next(180);
    alice.cancel(sent, [["Reason", `SIP;cause=487;text="${name}"`]]);
    const cancel = await bob.next("CANCEL");
    expectSaid(cancel, ofCallee, (message) => header(message, "reason"), name);
    expect(cancel.body).toBe("");
    await bob.hearsNothing("INVITE", alice);
  });

  it("a refusal and its ACK", async () => {
    alice.request("INVITE", bob.aor, { body: shortSdp });
    const invite = await bob.next("INVITE");
    bob.reply(invite, 486, { reason: name, headers: [["Subject", name]], toTag: "refused" });
    expectSaid(await alice.next(486), ofCaller, subject, name);
    expect(headers(legible(await bob.next("ACK")), "x-injected")).toEqual([]);
  });

  it("challenges of two phones, gathered in one answer", async () => {
    const second = await serverUnderTest.register(bob.account, "direct", { isBinary: ofCallee === "text" });
    alice.request("INVITE", bob.aor, { body: shortSdp });
    for (const [phone, realm] of [
      [bob, `one ${name}`],
      [second, `two ${name}`],
    ] as const)
      phone.reply(await phone.next("INVITE"), 407, { headers: [["Proxy-Authenticate", `Digest realm="${realm}", nonce="n"`]] });
    const answer = await alice.next(407);
    const both = headers(legible(answer), "proxy-authenticate").join(" ");
    expectSaid(answer, ofCaller, () => both, `one ${name}`);
    expect(both).toContain(`two ${name}`);
    second.socket.cut();
  });

  it("a message that was stored", async () => {
    bob.socket.close();
    await bob.socket.closed;
    await expect
      .poll(async () => (await alice.finalResponse(alice.request("MESSAGE", bob.aor, { headers: [["Subject", name]], body: name }))).status)
      .toBe(202);
    const back = await serverUnderTest.register(bob.account, "direct", { isBinary: ofCallee === "binary" });
    const stored = await back.next("MESSAGE");
    expectSaid(stored, ofCallee, body, name);
    expectSaid(stored, ofCallee, subject, name);
    back.socket.cut();
  });

  it("a state that is published, and notified", async () => {
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${bob.account}/watchers`, { default: "allow" });
    const escaped = name.replaceAll("<", "&lt;");
    const pidf = `<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${bob.aor}"><tuple id="t"><status><basic>open</basic></status><note>${escaped}</note></tuple></presence>`;
    const published = bob.request("PUBLISH", bob.aor, {
      headers: [
        ["Event", "presence"],
        ["Expires", "300"],
        ["Content-Type", "application/pidf+xml"],
      ],
      body: pidf,
    });
    expect((await bob.finalResponse(published)).status).toBe(200);
    const watches = {
      headers: [
        ["Event", "presence"],
        ["Expires", "300"],
        ["Accept", "application/pidf+xml"],
      ] as const,
    };
    alice.request("SUBSCRIBE", bob.aor, watches);
    const notify = await alice.next((heard) => heard.method === "NOTIFY" && legible(heard).body.includes("<note"));
    expectSaid(notify, ofCaller, body, name);
  });
});

describe("a trunk", () => {
  let provider: SipServer;
  let alice: Phone;
  let number: string;
  afterEach(() => provider.close());

  async function open(kind: (typeof kinds)[number]): Promise<void> {
    provider = await startSipServer();
    number = `+49${provider.port}`;
    const account = await serverUnderTest.newcomer("alice", [number]);
    alice = await serverUnderTest.register(account, "direct", { isBinary: kind === "binary" });
    const settings = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], inbound: true };
    expect((await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", settings)).status).toBe(200);
  }
  const asHeard = (heard: ReceivedMessage) => readReceivedMessage(Buffer.from(heard.raw, "latin1").toString("utf8"), false);

  it.each(kinds.flatMap((kind) => names.map(([script, name]) => [kind, script, name] as const)))(
    "takes calls of a phone of %s frames and brings it some, %s",
    async (kind, _script, name) => {
      await open(kind);
      const sent = alice.request("INVITE", "sip:+1555@localhost", { headers: [["Subject", name]], body: name });
      const out = asHeard(await provider.next("INVITE"));
      expect(out.body).toBe(name);
      expect(subject(out)).toBe(name);
      expect(Number(header(out, "content-length"))).toBe(Buffer.byteLength(name));
      provider.reply(out, 180, [`Subject: ${name}`]);
      expectSaid(await alice.next(180), kind, subject, name);
      alice.cancel(sent, [["Reason", `SIP;text="${name}"`]]);
      const cancel = asHeard(await provider.next("CANCEL"));
      expect(header(cancel, "reason")).toContain(name);
      expect(headers(cancel, "x-injected")).toEqual([]);
      expect(provider.rest().map(({ method }) => method)).not.toContain("INVITE");
      const via = `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`;
      const lines = [
        via,
        "Max-Forwards: 70",
        `From: <sip:them@elsewhere>;tag=1`,
        `To: <sip:${number}@localhost>`,
        `Call-ID: in-${provider.port}`,
      ];
      const more = ["CSeq: 1 MESSAGE", `Subject: ${name}`, `Content-Length: ${Buffer.byteLength(name)}`];
      provider.send(`MESSAGE sip:${number}@localhost SIP/2.0\r\n${[...lines, ...more].join("\r\n")}\r\n\r\n${name}`);
      const brought = await alice.next("MESSAGE");
      expectSaid(brought, kind, body, name);
      alice.reply(brought, 200, { reason: name });
      expect(asHeard(await provider.next(200)).startLine).toContain(name);
    },
  );

  it("gets the length of what is written, where the phone says none (RFC 3261 §18.3)", async () => {
    await open("text");
    const head = ["Max-Forwards: 70", `From: <${alice.aor}>;tag=1`, "To: <sip:+1555@localhost>", "Call-ID: none", "CSeq: 1 MESSAGE"];
    alice.socket.send(
      `MESSAGE sip:+1555@localhost SIP/2.0\r\nVia: SIP/2.0/WS ${alice.host};branch=${newBranch()}\r\n${head.join("\r\n")}\r\n\r\nhällo`,
    );
    const heard = await provider.next("MESSAGE");
    expect(header(heard, "content-length")).toBe("6");
    expect(asHeard(heard).body).toBe("hällo");
  });

  it("gets no second request in the body of one whose length counts characters (RFC 3261 §20.14)", async () => {
    await open("text");
    const inner = `INVITE sip:+1900@localhost SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKs\r\nFrom: <sip:boss@localhost>;tag=1\r\nTo: <sip:+1900@localhost>\r\nCall-ID: smuggled\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`;
    const text = "é".repeat(inner.length) + inner;
    const head = ["Max-Forwards: 70", `From: <${alice.aor}>;tag=1`, "To: <sip:+1555@localhost>", "Call-ID: f02", "CSeq: 1 MESSAGE"];
    const via = `Via: SIP/2.0/WS ${alice.host};branch=${newBranch()}`;
    alice.socket.send(
      `MESSAGE sip:+1555@localhost SIP/2.0\r\n${via}\r\n${head.join("\r\n")}\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    );
    const heard = await provider.next("MESSAGE");
    expect(Number(header(heard, "content-length"))).toBe(Buffer.byteLength(text));
    expect(asHeard(heard).body).toBe(text);
    expect(await provider.next("INVITE", { milliseconds: 200 }).catch(() => "nothing")).toBe("nothing");
  });
});
