import { describe, expect, it } from "vitest";
import { canonicalNumber, isBrokenNumber } from "../../../../lib/syntax/telephone-number.ts";

describe("the number that a user part is (RFC 3966 §5.1.1)", () => {
  it.each([
    ["+4930123", "+4930123"],
    ["+49-30-123", "+4930123"],
    ["+1(212)555-0.1", "+121255501"],
    ["+49%2030/123", "+4930123"],
    ["030123;phone-context=example.com", "030123"],
    [`+1900;${"x".repeat(60)}`, "+1900"],
    ["*21%23", "*21%23"],
    ["9901%231", "9901%231"],
    ["99-01", "9901"],
  ])("%s is the number %s", (user, number) => {
    expect(canonicalNumber(user)).toBe(number);
  });

  it.each(["alice", "alice-2", "2nd-floor", "-.-", "*", "+", "+*21", "+#1", "", "4930a", "+4930x", "jos%C3%A9"])("%s is none", (user) => {
    expect(canonicalNumber(user)).toBeUndefined();
  });

  it.each([
    ["+1900x", true],
    ["+1-900,1", true],
    ["(+1900x", true],
    ["++1900", true],
    ["+*1900", true],
    ["+%231900", true],
    ["+,1900", true],
    ["+p1900", true],
    ["+;1900", true],
    ["+%E2%80%8B1900", true],
    ["+%EF%BC%911900", true],
    ["+%251900", true],
    ["+", true],
    ["+1900%FF", true],
    ["%20+1900x", true],
    ["+1900", false],
    ["+alice", true],
    ["alice+1900", false],
    ["2nd-floor", false],
  ])("%s begins with a plus and is no international number: %s", (user, isBroken) => {
    expect(isBrokenNumber(user)).toBe(isBroken);
  });
});
