import { describe, expect, it } from "vitest";
import { type NumberFormat, numberFrom, numberTowards } from "../../../../lib/routing/number-format.ts";

const german: NumberFormat = { country_code: "49", prefix: "0", international_prefix: "00" };
const american: NumberFormat = { country_code: "1", prefix: "", international_prefix: "011" };

describe("numbers towards a trunk", () => {
  it.each<readonly [NumberFormat, string, string]>([
    ["e164", "+4930123", "+4930123"],
    ["plain", "+4930123", "4930123"],
    [german, "+4930123", "030123"],
    [german, "+15551234", "0015551234"],
    [american, "+15551234", "5551234"],
    [american, "+4930123", "0114930123"],
  ])("in the format %j, %s is %s, and the same the other way round", (format, ours, theirs) => {
    expect([numberTowards(format, ours), numberFrom(format, theirs)]).toEqual([theirs, ours]);
  });

  it.each<readonly [NumberFormat, string]>([
    ["plain", "110"],
    ["plain", "reception"],
    [german, "030123"],
    [german, "+49x"],
    [american, "911"],
  ])("in the format %j, %s stays as it is", (format, user) => {
    expect(numberTowards(format, user)).toBe(user);
  });
});

describe("what a trunk sends", () => {
  it.each<readonly [NumberFormat, string]>([
    ["e164", "4930123"],
    ["plain", "+4930123"],
    ["plain", "reception"],
    [german, "12"],
  ])("in the format %j, %s stays as it is", (format, user) => {
    expect(numberFrom(format, user)).toBe(user);
  });
});
