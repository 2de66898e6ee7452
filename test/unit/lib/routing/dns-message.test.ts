import { type Answer as Resource, AUTHENTIC_DATA, decode, encode, type Packet, RECURSION_AVAILABLE, TRUNCATED_RESPONSE } from "dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAnswer, encodeQuestion } from "../../../../platform/dns/wire-format.ts";
import type { Question, ResourceRecord } from "../../../../lib/routing/question.ts";

const question: Question = { name: "example.com", type: "A" };
const address = (name: string, data: string, ttl = 300): Resource => ({ type: "A", name, data, ttl, class: "IN" });
const alias = (name: string, data: string, ttl = 300): Resource => ({ type: "CNAME", name, data, ttl, class: "IN" });
const authority = (ttl: number, minimum: number): Resource => ({
  type: "SOA",
  name: "example.com",
  ttl,
  class: "IN",
  data: { mname: "ns.example.com", rname: "admin.example.com", serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});

const wire = (packet: Packet): ArrayBuffer =>
  Uint8Array.from(encode({ type: "response", id: 0, flags: RECURSION_AVAILABLE, ...packet })).buffer;
const answerTo = (asked: Question, packet: Packet) => decodeAnswer(asked, wire({ questions: [{ ...asked, class: "IN" }], ...packet }));
const records = (ttl: number, ...found: readonly ResourceRecord[]) => ({ kind: "records", records: found, ttl });
const a = (text: string): ResourceRecord => ({ type: "A", address: text });

describe("a question in wire format (RFC 8484 §4.1)", () => {
  it("has the identifier 0, desires recursion and has one question", () => {
    const octets = encodeQuestion({ name: "_sips._tcp.example.com", type: "SRV" });
    expect(Buffer.from(octets).toString("hex")).toBe("000001000001000000000000055f73697073045f746370076578616d706c6503636f6d0000210001");
    expect(decode(Buffer.from(octets)).questions).toEqual([{ name: "_sips._tcp.example.com", type: "SRV", class: "IN" }]);
  });

  it("is that of the RFC's example", () => {
    const octets = encodeQuestion({ name: "www.example.com", type: "A" });
    expect(Buffer.from(octets).toString("base64url")).toBe("AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB");
  });
});

describe("an answer", () => {
  it.each<[what: string, packet: Packet, answer: unknown]>([
    [
      "has records and the shortest of their times to live",
      { answers: [address("example.com", "192.0.2.1", 300), address("Example.COM", "192.0.2.2", 60)] },
      records(60, a("192.0.2.1"), a("192.0.2.2")),
    ],
    [
      "leaves out records of other names",
      { answers: [address("evil.example", "192.0.2.66"), address("example.com", "192.0.2.1")] },
      records(300, a("192.0.2.1")),
    ],
    [
      "and of other types",
      { answers: [{ type: "AAAA", name: "example.com", data: "2001:db8::1", ttl: 1, class: "IN" }, address("example.com", "192.0.2.1")] },
      records(300, a("192.0.2.1")),
    ],
    [
      "follows aliases, whose times to live count too",
      { answers: [address("c.example", "192.0.2.1"), alias("b.example", "c.example", 9), alias("example.com", "B.example")] },
      records(9, a("192.0.2.1")),
    ],
    [
      "not from other names",
      { answers: [alias("evil.example", "c.example"), address("c.example", "192.0.2.66")] },
      { kind: "none", ttl: 0 },
    ],
    [
      "follows 8 aliases",
      {
        answers: [alias("example.com", "x1"), ...[1, 2, 3, 4, 5, 6, 7].map((n) => alias(`x${n}`, `x${n + 1}`)), address("x8", "192.0.2.1")],
      },
      records(300, a("192.0.2.1")),
    ],
    [
      "not 9",
      {
        answers: [
          alias("example.com", "x1"),
          ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => alias(`x${n}`, `x${n + 1}`)),
          address("x9", "192.0.2.1"),
        ],
      },
      { kind: "failed" },
    ],
    ["does not run in circles", { answers: [alias("example.com", "b.example"), alias("b.example", "example.com")] }, { kind: "failed" }],
    [
      "is none if an alias has no records",
      { answers: [alias("example.com", "b.example")], authorities: [authority(100, 50)] },
      { kind: "none", ttl: 50 },
    ],
    [
      "is none if the name does not exist, for as long as the SOA record says",
      { flags: 3, authorities: [authority(100, 900)] },
      { kind: "none", ttl: 100 },
    ],
    ["or its minimum", { flags: 3, authorities: [authority(900, 100)] }, { kind: "none", ttl: 100 }],
    ["but no longer than three hours", { authorities: [authority(90_000, 90_000)] }, { kind: "none", ttl: 10_800 }],
    ["without SOA not to be remembered", {}, { kind: "none", ttl: 0 }],
    [
      "a time to live with the highest bit is zero (RFC 2181 §8)",
      { answers: [address("example.com", "192.0.2.1", 0x8000_0001)] },
      records(0, a("192.0.2.1")),
    ],
    ["may be authenticated", { flags: AUTHENTIC_DATA, answers: [address("example.com", "192.0.2.1")] }, records(300, a("192.0.2.1"))],
    ["has failed if the server has (SERVFAIL)", { flags: 2 }, { kind: "failed" }],
    ["or refuses (REFUSED)", { flags: 5, answers: [address("example.com", "192.0.2.1")] }, { kind: "failed" }],
    ["or finds fault with the question (FORMERR)", { flags: 1 }, { kind: "failed" }],
    ["or it is cut off", { flags: TRUNCATED_RESPONSE, answers: [address("example.com", "192.0.2.1")] }, { kind: "failed" }],
    ["or is a question", { type: "query" }, { kind: "failed" }],
    ["or answers another name", { questions: [{ name: "example.net", type: "A", class: "IN" }] }, { kind: "failed" }],
    ["or another type", { questions: [{ name: "example.com", type: "AAAA", class: "IN" }] }, { kind: "failed" }],
    ["or another class", { questions: [{ name: "example.com", type: "A", class: "CH" }] }, { kind: "failed" }],
    ["or no question", { questions: [] }, { kind: "failed" }],
    ["or several", { questions: [{ ...question }, { ...question }] }, { kind: "failed" }],
  ])("%s", (_what, packet, answer) => {
    expect(answerTo(question, packet)).toEqual(answer);
  });

  it("has records of each type", () => {
    const asked = (type: Question["type"]): Question => ({ name: "example.com", type });
    const naptr = { order: 50, preference: 10, flags: "s", services: "SIPS+D2T", regexp: "", replacement: "_sips._tcp.example.com" };
    const srv = { priority: 1, weight: 2, port: 5061, target: "sip.example.com" };
    const common = { name: "example.com", ttl: 300, class: "IN" } as const;
    expect(answerTo(asked("NAPTR"), { answers: [{ type: "NAPTR", ...common, data: naptr }] })).toEqual(
      records(300, { type: "NAPTR", ...naptr }),
    );
    expect(answerTo(asked("SRV"), { answers: [{ type: "SRV", ...common, data: srv }] })).toEqual(records(300, { type: "SRV", ...srv }));
    expect(answerTo(asked("SRV"), { answers: [{ type: "SRV", ...common, data: { ...srv, target: "." } }] })).toEqual(
      records(300, { type: "SRV", ...srv, target: "." }),
    );
    expect(answerTo(asked("AAAA"), { answers: [{ type: "AAAA", ...common, data: "2001:db8::1" }] })).toEqual(
      records(300, { type: "AAAA", address: "2001:db8::1" }),
    );
  });

  it("keeps the backslashes of a NAPTR record", () => {
    const data = {
      order: 1,
      preference: 1,
      flags: "u",
      services: "E2U+sip",
      regexp: String.raw`!^\+44(.*)$!sip:\1@example.com!`,
      replacement: ".",
    };
    const packet: Packet = { answers: [{ type: "NAPTR", name: "4.4.e164.arpa", ttl: 1, class: "IN", data }] };
    expect(answerTo({ name: "4.4.e164.arpa", type: "NAPTR" }, packet)).toEqual(records(1, { type: "NAPTR", ...data }));
  });

  it("that is malformed has failed, and never throws", () => {
    const whole = new Uint8Array(wire({ questions: [{ ...question, class: "IN" }], answers: [address("example.com", "192.0.2.1")] }));
    for (let length = 0; length < whole.length; length += 1)
      expect(decodeAnswer(question, whole.slice(0, length).buffer)).toEqual({ kind: "failed" });
    expect(decodeAnswer(question, Uint8Array.from([...whole, 0]).buffer)).toEqual({ kind: "failed" });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) =>
        ["failed", "none"].includes(decodeAnswer(question, Uint8Array.from(octets).buffer).kind),
      ),
    );
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, octet) => {
        const altered = whole.slice();
        altered[at] = octet;
        return ["failed", "none", "records"].includes(decodeAnswer(question, altered.buffer).kind);
      }),
    );
  });
});
