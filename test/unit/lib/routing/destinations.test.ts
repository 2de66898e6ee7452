import { describe, expect, it } from "vitest";
import { isForbidden, mayCall } from "../../../../lib/routing/destinations.ts";

const national = { country_code: "49", prefix: "0", international_prefix: "00" };
const american = { format: { country_code: "1", prefix: "", international_prefix: "011" } };

describe("the numbers that a trunk allows", () => {
  it.each([
    ["all without lists", {}, "+1900", true],
    ["all that is not forbidden", { forbidden_destinations: ["+1900"] }, "+1555", true],
    ["nothing that is forbidden", { forbidden_destinations: ["+1900"] }, "+1900555", false],
    ["only what is allowed", { allowed_destinations: ["+49"] }, "+43", false],
    ["nothing by an empty list", { allowed_destinations: [] }, "+43", false],
    ["what the longer prefix allows", { allowed_destinations: ["+49900"], forbidden_destinations: ["+49"] }, "+49900", true],
    ["what the longer prefix forbids", { allowed_destinations: ["+49"], forbidden_destinations: ["+49900"] }, "+49900", false],
    ["not what equal prefixes say", { allowed_destinations: ["+49"], forbidden_destinations: ["+49"] }, "+49", false],
    ["separators or not", { forbidden_destinations: ["+1900"] }, "+1-900", false],
    ["star codes", { forbidden_destinations: ["*31#"] }, "*31%23030", false],
    ["a name, without a list of the allowed", { forbidden_destinations: ["+1"] }, "echo", true],
    ["no name, with one", { allowed_destinations: ["+1"] }, "echo", false],
    [
      "a national number that the trunk reads as another one",
      { ...american, forbidden_destinations: ["+1900"], allowed_destinations: ["+1"] },
      "+119005551212",
      false,
    ],
    [
      "the same, dialled without a plus",
      { ...american, forbidden_destinations: ["+1900"], allowed_destinations: ["+1"] },
      "19005551212",
      false,
    ],
    ["what it would be read as only to forbid it", { ...american, allowed_destinations: ["+1900"] }, "+119005551212", false],
    [
      "a number of a country without a trunk prefix",
      { format: { country_code: "39", prefix: "", international_prefix: "00" }, forbidden_destinations: ["+39199"] },
      "+393919912345",
      true,
    ],
    [
      "a national number of ten digits",
      { ...american, forbidden_destinations: ["+1900"], allowed_destinations: ["+1", "9"] },
      "9005551212",
      false,
    ],
    [
      "the same at a trunk with a prefix",
      { format: { ...american.format, prefix: "1" }, forbidden_destinations: ["+1900"], allowed_destinations: ["+1", "9"] },
      "9005551212",
      false,
    ],
    ["a national number", { ...american, forbidden_destinations: ["+1900"], allowed_destinations: ["+1"] }, "+12125551212", true],
    [
      "a national number that begins with the prefix for other countries",
      { ...american, forbidden_destinations: ["+4190"], allowed_destinations: ["+1"] },
      "+1011419055",
      false,
    ],
    ["the plain form as the trunk reads it", { format: "plain" as const, forbidden_destinations: ["+1900"] }, "1900555", false],
    ["the plain form as it is written", { format: "plain" as const, forbidden_destinations: ["1900"] }, "1900555", false],
    ["a national form", { format: national, allowed_destinations: ["+49"] }, "030123", true],
    ["a foreign number in a national form", { format: national, allowed_destinations: ["+49"] }, "0043123", false],
  ])("are %s", (_what, lists, user, is) => {
    expect(mayCall({ format: "e164", ...lists }, user)).toBe(is);
  });

  const forbidding = { format: national, forbidden_destinations: ["+49900"] };
  const escaped = ["0%E2%80%8B900123", "0%EF%BC%9900", "0%D9%A9%D9%A0%D9%A0", "+49%E2%80%8B900"];
  const behindSomething = [
    "0049,900123",
    "+0049900123",
    "*31#0900123",
    "x900900,0900",
    "00+49900123",
    "0;900123",
    "900123;phone-context=+49",
  ];
  const hidden = ["0%25900123", "0%80900123", "0%25FF900123", `0${"+".repeat(50)}900123`, "0%2512900"];

  it.each([...escaped, ...behindSomething, ...hidden, "0,900123", "0*900123", "0p900123", "0w900", "0_900"])(
    "are not what another server may read as a forbidden one: %s",
    (user) => expect(mayCall(forbidding, user)).toBe(false),
  );

  it.each(["*72", "*100#", "+49-30-0900-12", "room0301", "030,900123", "*31%23030123", "+49309001", "conference-2"])(
    "may be in names and codes: %s",
    (user) => expect(mayCall(forbidding, user)).toBe(true),
  );

  it("are forbidden only by a prefix", () => {
    const lists = { format: "e164", allowed_destinations: ["+49"], forbidden_destinations: ["+1"] } as const;
    expect(["+49", "+43", "+1"].map((number) => isForbidden(lists, number))).toEqual([false, false, true]);
  });
});
