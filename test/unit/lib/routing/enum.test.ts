import { describe, expect, it } from "vitest";
import { enumName, resolveEnum, substitute } from "../../../../lib/routing/enum.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { serialiseUri } from "../../../../lib/syntax/uri.ts";
import { workOf } from "../../../support/work.ts";
import { settle, type Zone } from "./support.ts";

const number = "+441632960083";
const name = "3.8.0.0.6.9.2.3.6.1.4.4.e164.arpa";
const record = (order: number, preference: number, services: string, regexp: string, owner = name): string =>
  `${owner} NAPTR ${order} ${preference} u ${services} ${regexp} .`;
const referral = (to: string, owner = name, order = 100): string => `${owner} NAPTR ${order} 10 - - - ${to}`;

const resolved = (zone: Zone, e164 = number): string => {
  const { result } = settle(zone, (known) => resolveEnum(e164, known));
  return isFault(result) ? String(result.status) : result.uris.map(serialiseUri).join(" ");
};

describe("the first well known rule (RFC 6116 §3.2)", () => {
  it.each([
    ["+442079460148", "8.4.1.0.6.4.9.7.0.2.4.4.e164.arpa"],
    ["+44-20-7946-0148", "8.4.1.0.6.4.9.7.0.2.4.4.e164.arpa"],
    ["+1(555)123.4567", "7.6.5.4.3.2.1.5.5.5.1.e164.arpa"],
    ["+", undefined],
    ["442079460148", undefined],
    ["+44x", undefined],
    ["+1234567890123456", undefined],
    ["", undefined],
  ])("makes of %s the key %s", (e164, key) => {
    expect(enumName(e164)).toBe(key);
  });

  it("may have another apex", () => {
    expect(enumName("+421", "e164.example")).toBe("1.2.4.e164.example");
  });
});

describe("an ENUM client (RFC 6116 §5.2)", () => {
  it.each<[rule: string, zone: Zone, uris: string]>([
    [
      "finds the example of §4",
      [
        record(100, 50, "E2U+sip", String.raw`!^(\+441632960083)$!sip:\1@example.com!`),
        record(100, 51, "E2U+h323", "!^.*$!h323:o@example.com!"),
      ],
      "sip:+441632960083@example.com",
    ],
    [
      "must sort by the order",
      [record(101, 1, "E2U+sip", "!^.*$!sip:b@example.com!"), record(100, 2, "E2U+sip", "!^.*$!sip:a@example.com!")],
      "sip:a@example.com",
    ],
    [
      "then by the preference",
      [record(100, 2, "E2U+sip", "!^.*$!sip:b@example.com!"), record(100, 1, "E2U+sip", "!^.*$!sip:a@example.com!")],
      "sip:a@example.com sip:b@example.com",
    ],
    [
      "must not discard a worse order before one was accepted",
      [record(100, 1, "E2U+tel", "!^.*$!tel:+1!"), record(200, 1, "E2U+sip", "!^.*$!sip:a@example.com!")],
      "sip:a@example.com",
    ],
    [
      "uses case-insensitive processing",
      [record(100, 1, "e2U+SIP", "!^.*$!SIPS:a@example.com!I").replace(" u ", " U ")],
      "sips:a@example.com",
    ],
    ["understands a subtype", [record(100, 1, "E2U+sip:x", "!^.*$!sip:a@example.com!")], "sip:a@example.com"],
    [
      "ignores what it does not recognise in a compound service",
      [record(100, 1, "E2U+voice:tel+sip", "!^.*$!sip:a@example.com!")],
      "sip:a@example.com",
    ],
    ["supports the obsolete syntax of RFC 2916", [record(100, 1, "sip+E2U", "!^.*$!sip:a@example.com!")], "sip:a@example.com"],
    [
      "discards other services",
      [record(100, 1, "E2U+pres", "!^.*$!sip:a@example.com!"), record(100, 1, "SIP+D2T", "!^.*$!sip:a@example.com!")],
      "",
    ],
    ["discards unknown flags", [record(100, 1, "E2U+sip", "!^.*$!sip:a@example.com!").replace(" u ", " ux ")], ""],
    [
      "discards what makes no SIP URI",
      [
        record(100, 1, "E2U+sip", "!^.*$!mailto:a@example.com!"),
        record(100, 2, "E2U+sip", "!^.*$!sip:@@!"),
        record(100, 3, "E2U+sip", "!^.*$!sip:c@example.com!"),
      ],
      "sip:c@example.com",
    ],
    ["discards what does not match", [record(100, 1, "E2U+sip", String.raw`!^\+49!sip:a@example.com!`)], ""],
    [
      "follows a non-terminal record",
      [referral("next.example."), record(1, 1, "E2U+sip", "!^.*$!sip:a@example.com!", "next.example")],
      "sip:a@example.com",
    ],
    [
      "ignores the regexp of one",
      [
        referral("next.example").replace(" - - - ", " - x !^.*$!else.example! "),
        record(1, 1, "E2U+sip", "!^.*$!sip:a@example.com!", "next.example"),
      ],
      "sip:a@example.com",
    ],
    ["discards one without a replacement", [referral("."), record(101, 1, "E2U+sip", "!^.*$!sip:a@example.com!")], "sip:a@example.com"],
    [
      "continues with the next in the referring set",
      [referral("next.example"), record(101, 1, "E2U+sip", "!^.*$!sip:a@example.com!")],
      "sip:a@example.com",
    ],
    [
      "continues if the domain that was referred to fails",
      [referral("next.example"), "next.example NAPTR FAILED", record(101, 1, "E2U+sip", "!^.*$!sip:a@example.com!")],
      "sip:a@example.com",
    ],
    [
      "must be able to detect a loop",
      [referral("a.example"), referral("b.example", "a.example"), referral("a.example", "b.example"), referral(name, "b.example")],
      "",
    ],
    ["has nothing to say of a number without records", [], ""],
    ["says so if it could not be looked up", [`${name} NAPTR FAILED`], "503"],
  ])("%s", (_rule, zone, uris) => {
    expect(resolved(zone)).toBe(uris);
  });

  it("may consider a chain of more than 5 non-terminal NAPTRs a loop", () => {
    const chain = (length: number): Zone => [
      referral("s1.example"),
      ...Array.from({ length: length - 1 }, (_, index) => referral(`s${index + 2}.example`, `s${index + 1}.example`)),
      record(1, 1, "E2U+sip", "!^.*$!sip:a@example.com!", `s${length}.example`),
    ];
    expect([resolved(chain(5)), resolved(chain(6))]).toEqual(["sip:a@example.com", ""]);
  });

  it("does not follow more of them side by side either", () => {
    const { rounds } = settle(
      Array.from({ length: 50 }, (_, index) => referral(`s${index}.example`)),
      (known) => resolveEnum(number, known),
    );
    expect(rounds.map((round) => round.length)).toEqual([1, 5]);
  });

  it("asks nothing about what is no E.164 number", () => {
    expect(settle([], (known) => resolveEnum("1234", known))).toEqual({ result: { kind: "uris", uris: [] }, rounds: [] });
  });
});

describe("a substitution expression (RFC 3402 §3.2)", () => {
  it.each<[rule: string, expression: string, result: string | undefined]>([
    ["replaces what matched", "!^.*$!sip:info@example.com!", "sip:info@example.com"],
    ["may have any delimiter", "/^.*$/sip:a@example.com/", "sip:a@example.com"],
    ["even one with a meaning", "|^.*$|sip:a@example.com|", "sip:a@example.com"],
    ["but no digit", "1^.*$1sip:a1", undefined],
    ["nor a flag", "i^.*$isip:ai", undefined],
    ["nor a backslash", String.raw`\^.*$\sip:a\ `, undefined],
    ["escaped delimiters are that character", String.raw`!^.*$!sip:a\!b@example.com!`, "sip:a!b@example.com"],
    ["has exactly three delimiters", "!^.*$!sip:a!b!", undefined],
    ["not two", "!^.*$!sip:a", undefined],
    ["not none", "", undefined],
    ["may have the flag i", "!^.*$!sip:a!i", "sip:a"],
    ["and no other", "!^.*$!sip:a!g", undefined],
    ["back-references are what the groups matched", String.raw`!^\+(44)(1632)(.*)$!sip:\3-\2-\1-\1!`, "sip:960083-1632-44-44"],
    ["by the order of their beginning", String.raw`!^\+((4(4))(1))!\1,\2,\3,\4!`, "441,44,4,1"],
    ["possibly empty", String.raw`!^\+44(9)?1632(.*)$!\1\2!`, "960083"],
    ["no matching subexpression is an error", String.raw`!^(.*)$!\2!`, undefined],
    ["a backslash at the end is one", "!^.*$!a\\", undefined],
    ["other escapes are the character", String.raw`!^.*$!a\.b\\c\0!`, String.raw`a.b\c0`],
    ["the text that was not matched is left out", String.raw`!44!x!`, "x"],
    // POSIX extended regular expressions.
    ["has bracket expressions", String.raw`!^[+]44([0-9]+)$!\1!`, "1632960083"],
    ["classes", String.raw`!^\+([[:digit:]]{2})!\1!`, "44"],
    ["negated ones", String.raw`!^([^0-9])!\1!`, "+"],
    ["a bracket first in brackets", String.raw`!^[]+](4)!\1!`, "4"],
    ["backslashes in brackets, which are characters", String.raw`!^[\+](4)!\1!`, "4"],
    ["intervals", String.raw`!^\+(4{2})([0-9]{1,4})([0-9]{6,})$!\1 \2 \3!`, "44 1632 960083"],
    ["alternatives", String.raw`!^\+(49|44)!\1!`, "44"],
    ["a plus that should have been escaped", String.raw`!^+44(.*)$!\1!`, "1632960083"],
    ["no classes of Perl", String.raw`!^\+(\d+)$!\1!`, undefined],
    ["no back-reference within", String.raw`!^\+(4)\1!\1!`, undefined],
    ["no groups of Perl", String.raw`!^(?=.)(.*)$!\1!`, undefined],
    ["no lazy quantifiers", String.raw`!^.*?$!x!`, undefined],
    ["no quantifier without an atom", "!^*$!x!", undefined],
    ["no unclosed group", "!^(.*$!x!", undefined],
    ["no group that was not opened", "!^.*)$!x!", undefined],
    ["no unclosed bracket", "!^[0-9$!x!", undefined],
    ["no reversed range", "!^[9-0]$!x!", undefined],
    ["no reversed interval", "!4{2,1}!x!", undefined],
    ["no malformed interval", "!4{a}!x!", undefined],
    // What could take long.
    ["no nested quantifiers", "!^(4*)*$!x!", undefined],
    ["not deeper either", "!^((4+)1)+$!x!", undefined],
    ["no repeated alternatives", "!^(4|.)*$!x!", undefined],
    ["no repetition of repetitions", "!^(4{9}){9}$!x!", undefined],
    ["not many quantifiers", "!^.*.*.*.*.*$!x!", undefined],
    ["not many alternatives", "!^(4|1)(4|1)(4|1)(4|1)(4|1)(4|1)(4|1)$!x!", undefined],
    ["but a repeated group", String.raw`!^\+(44)+(.*)$!\2!`, "1632960083"],
  ])("%s: %s", (_rule, expression, result) => {
    expect(substitute(expression, number)).toBe(result);
  });

  it("takes no long time, whatever it is", () => {
    const worst = "!^.*.*.*.*(.|.)(.|.)(.|.)(.|.)(.|.)(.|.)x$!x!";
    const work = workOf(() => expect(substitute(worst, "+123456789012345")).toBeUndefined());
    expect(work).toBeLessThan(1000);
  });
});
