import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { canonicalUser, nameOfUser, parseUri } from "../../../../lib/syntax/uri.ts";

const octets = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

describe("a user part has one spelling under which it is compared (RFC 3261 §19.1.4)", () => {
  it.each([
    ["alice", "alice"],
    ["+49(30)12-345", "+49(30)12-345"],
    ["%61lice", "alice"],
    ["josé", "jos%C3%A9"],
    ["jos%C3%A9", "jos%C3%A9"],
    ["jos%c3%a9", "jos%C3%A9"],
    ["user name", "user%20name"],
    ["9901#1", "9901%231"],
    ["9901%231", "9901%231"],
    ["100%", "100%25"],
    ["100%25", "100%25"],
    ["你好", "%E4%BD%A0%E5%A5%BD"],
    ["مريم", "%D9%85%D8%B1%D9%8A%D9%85"],
    ["😀", "%F0%9F%98%80"],
    ["é", "%C3%A9"],
    ["%FF", "%FF"],
    ['a"b@c', "a%22b%40c"],
    ["\ud800", "%EF%BF%BD"],
  ])("%s is %s", (written, canonical) => {
    expect(canonicalUser(written)).toBe(canonical);
    expect(canonicalUser(octets(written))).toBe(canonical);
  });

  it("is the same however often it is made, and may always stand in a URI", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
        const user = canonicalUser(text);
        expect(canonicalUser(user)).toBe(user);
        expect(isFault(parseUri(`sip:${user}@example.com`))).toBe(false);
      }),
    );
  });

  it("spells one name, which is spelled so", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (name) => {
        fc.pre(!/%[0-9A-Fa-f]{2}/.test(name) && name.isWellFormed());
        expect(nameOfUser(canonicalUser(name))).toBe(name);
      }),
    );
  });

  it.each(["%FF", "%2541", "a%C3"])("%s spells no name", (user) => {
    expect(nameOfUser(user)).toBeUndefined();
  });
});
