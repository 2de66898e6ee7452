import { afterAll, describe, expect, it } from "vitest";
import { compose } from "../support/compose.ts";
import type { ReceivedMessage } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

type Lines = Readonly<Record<string, string | undefined>>;

const invented = (): string => Math.random().toString(36).slice(2);
const isFinal = (message: ReceivedMessage): boolean => message.status >= 200;

/** A request by hand; in place of what every request says stand the lines given, then come more. */
function written(phone: Phone, start: string, lines: Lines, more: readonly string[]): string {
  const all: Lines = {
    Via: `SIP/2.0/WSS ${phone.host};branch=z9hG4bK${invented()}`,
    "Max-Forwards": "70",
    From: `<${phone.aor}>;tag=rubbish`,
    To: start.startsWith("REGISTER") ? `<${phone.aor}>` : "<sip:bob@localhost>",
    "Call-ID": invented(),
    CSeq: `1 ${start.split(" ")[0]}`,
    ...lines,
  };
  return compose(start, [...Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`])), ...more]);
}

const many = (count: number, line: (index: number) => string): string[] => Array.from({ length: count }, (_none, index) => line(index));
const message = "MESSAGE sip:bob@localhost SIP/2.0";
const register = "REGISTER sip:localhost SIP/2.0";
const contact = "Contact: <sip:a@b.invalid;transport=ws>";

/** What is wrong, the start line, what is said in place of the usual lines and after them, and the answers to one's own phone. */
const rubbish: readonly (readonly [what: string, start: string, lines: Lines, more: readonly string[], status: number])[] = [
  ["a thousand Vias", message, {}, many(1000, (index) => `Via: SIP/2.0/WSS h${index}.invalid;branch=z9hG4bK${index}`), 400],
  ["ten thousand Vias in one line", message, {}, [`Via: ${many(10_000, (index) => `SIP/2.0/WSS h${index}`).join(",")}`], 400],
  ["five thousand header lines", message, {}, many(5000, (index) => `X-${index}: y`), 400],
  ["a header line of 100,000 characters", message, {}, [`X-Long: ${"a".repeat(100_000)}`], 400],
  ["a header line without a colon", message, {}, ["nonsense"], 400],
  ["a line that ends with LF alone", message, {}, ["Subject: a\nEvil: b"], 400],
  ["a CR alone, which some would take for the end of a line", message, {}, ["Subject: a\rP-Asserted-Identity: <sip:boss@localhost>"], 400],
  ["a CR alone in a folded line", message, {}, ["Subject: a\r\n b\rEvil: b"], 400],
  ["two From", message, {}, ["From: <sip:x@localhost>;tag=2"], 400],
  ["two Call-ID", message, {}, ["Call-ID: another"], 400],
  ["two Max-Forwards", message, {}, ["Max-Forwards: 3"], 400],
  ["no Call-ID at all", message, { "Call-ID": "" }, [], 400],
  ["a CSeq of 2**31", message, { CSeq: "2147483648 MESSAGE" }, [], 400],
  ["a negative CSeq", message, { CSeq: "-1 MESSAGE" }, [], 400],
  ["a Max-Forwards of 256", message, { "Max-Forwards": "256" }, [], 400],
  ["a From in letters that only look like one's own", message, { From: "<sip:аlice@localhost>;tag=1" }, [], 400],
  ["a host in letters that only look like ours", "MESSAGE sip:bob@lоcalhost SIP/2.0", {}, [], 400],
  ["SQL for a name", "MESSAGE sip:'%20OR%201=1;--@localhost SIP/2.0", {}, [], 404],
  ["NUL in a name", "MESSAGE sip:bob%00@localhost SIP/2.0", {}, [], 404],
  ["an @ in a name", "MESSAGE sip:bob%40localhost@localhost SIP/2.0", {}, [], 404],
  ["an escape that is none", "MESSAGE sip:%zz@localhost SIP/2.0", {}, [], 400],
  ["a name of 100,000 characters", `MESSAGE sip:${"u".repeat(100_000)}@localhost SIP/2.0`, {}, [], 414],
  ["the name of a property", "MESSAGE sip:__proto__@localhost SIP/2.0", {}, [], 404],
  ["a GRUU that is none", "MESSAGE sip:nonsense@localhost;gr SIP/2.0", {}, [], 404],
  ["a Route to elsewhere", message, {}, ["Route: <sip:evil.example;lr>"], 403],
  ["a Route that is none", message, {}, ["Route: <<>>"], 400],
  ["a q of 2", register, {}, [`${contact};q=2`], 400],
  ["a reg-id of 0", register, {}, [`${contact};reg-id=0;+sip.instance="<urn:uuid:1>"`], 400],
  ["an instance of 8,000 characters", register, {}, [`${contact};+sip.instance="<urn:uuid:${"x".repeat(8000)}>"`], 400],
  ["a Path that is none", register, {}, [contact, "Path: <<<"], 400],
  ["fifty Contacts", register, {}, many(50, (index) => `Contact: <sip:x${index}@b.invalid>`), 403],
  ["* with more", register, {}, ["Contact: *", contact, "Expires: 0"], 400],
  ["* without Expires: 0", register, {}, ["Contact: *"], 400],
  ["a time of one second", register, {}, [contact, "Expires: 1"], 423],
];

const failures = (): string[] =>
  serverUnderTest.server.logs.filter((line) => /uncaught|TypeError|RangeError|SyntaxError|SQLITE/i.test(line));

describe.each(ways)("rubbish, on the %s way", (way) => {
  it("of a phone's own is refused clearly, each piece of it, and does it no harm", async () => {
    const alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice"), way);
    for (const [what, start, lines, more, status] of rubbish) {
      alice.socket.send(written(alice, start, lines, more));
      expect([what, (await alice.next(isFinal)).status]).toEqual([what, status]);
    }
    expect((await alice.register({ contacts: [] })).raw).toContain(alice.contact.slice(0, -1));
    expect(failures()).toEqual([]);
  });

  it("of strangers is challenged or refused, opens no home, and harms nobody", async () => {
    const [bob] = await serverUnderTest.phones(way, "bob");
    const alice = await serverUnderTest.newcomer("alice");
    const opener = await serverUnderTest.connect(alice, "direct");
    const before = await serverUnderTest.server.listHomes();
    const stranger = await serverUnderTest.connect(way === "direct" ? alice : "nobody", way, { password: "wrong" });
    for (const [what, start, lines, more, status] of rubbish) {
      stranger.socket.send(written(stranger, start, lines, more));
      expect([what, [401, 407, status].includes((await stranger.next(isFinal)).status)]).toEqual([what, true]);
    }
    expect(await serverUnderTest.server.listHomes()).toEqual(before);
    expect(stranger.socket.rest()).toEqual([]);
    opener.socket.close();
    expect((await bob.finalResponse(bob.request("OPTIONS", "sip:localhost"))).status).toBe(200);
    expect(failures()).toEqual([]);
  });

  it.each(["99999999999999", "4294967296", "-1", "soon", "1e9"])("an expiry of %s is granted at most the maximum", async (expires) => {
    const alice = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way);
    const answer = await alice.register({ contacts: [`${alice.contact};expires=${expires}`] });
    expect(answer.status).toBe(200);
    const granted = Number(/;expires=(\d+)/.exec(answer.raw)?.[1]);
    expect([granted >= 60, granted <= 7200]).toEqual([true, true]);
  });
});

describe("a presence document that holds what is no character", () => {
  it.each(["&#xd800;", "&#56320;", "&#0;", "&#x1;", "a\u0001b", "\ufffe", "&#x110000;"])(
    "is refused, and cuts off nobody who watches: %j",
    async (note) => {
      const [watcher, bob] = await serverUnderTest.phones("direct", "alice", "bob");
      await watcher.finalResponse(watcher.request("SUBSCRIBE", bob.aor, { headers: [["Event", "presence"]] }));
      watcher.reply(await watcher.next("NOTIFY"), 200);
      const tuple = `<tuple id="t"><status><basic>open</basic></status><note>${note}</note></tuple>`;
      const body = `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${bob.aor}">${tuple}</presence>`;
      const headers = [
        ["Event", "presence"],
        ["Content-Type", "application/pidf+xml"],
      ] as const;
      expect((await bob.finalResponse(bob.request("PUBLISH", bob.aor, { headers, body }))).status).toBe(400);
      expect((await watcher.finalResponse(watcher.request("OPTIONS", "sip:localhost"))).status).toBe(200);
    },
  );
});

describe("names in the path of the dedicated connection", () => {
  it.each([
    "..%2f..%2fetc%2fpasswd",
    "%zz",
    "%",
    "%00",
    "@",
    "a@b@c",
    "'%20OR%201=1--@localhost",
    "__proto__@localhost",
    "%D0%B0lice@localhost",
    "x".repeat(200),
  ])("that name nobody open no home, and the socket is served: %s", async (name) => {
    const before = await serverUnderTest.server.listHomes();
    const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general", { path: `/ws/${name}` });
    expect((await phone.finalResponse(phone.request("OPTIONS", "sip:localhost"))).status).toBe(407);
    expect(await serverUnderTest.server.listHomes()).toEqual(before);
    expect(failures()).toEqual([]);
  });

  it("are compared as SIP compares them: escapes undone, the host in any case", async () => {
    const alice = await serverUnderTest.newcomer("alice");
    (await serverUnderTest.connect(alice, "direct")).socket.close();
    const phone = await serverUnderTest.connect(alice, "direct", { path: `/ws/%61lice${alice.slice(5)}%40LOCALHOST` });
    expect((await phone.register()).status).toBe(200);
    const trace = await serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${alice}/trace?format=text`);
    expect(await trace.text()).toContain("401 Unauthorized");
  });
});
