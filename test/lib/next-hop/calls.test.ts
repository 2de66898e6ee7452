import { describe, expect, it } from "vitest";
import { Calls } from "../../../durable-objects/next-hop/calls.ts";

const calls = () => new Calls({ transaction: 32_000, ringing: 185_000 });

describe("a call on a connection counts", () => {
  it("until Timer B, if nothing ever answers its INVITE", () => {
    const some = calls();
    some.begin("one", 0);
    expect([some.count(36_999), some.count(37_000)]).toEqual([1, 0]);
  });

  it("until Timer C and the wait after a CANCEL, counted from the last provisional response", () => {
    const some = calls();
    some.begin("one", 0);
    some.rings("one", 1000);
    some.rings("one", 100_000);
    expect([some.count(321_999), some.count(322_000)]).toEqual([1, 0]);
  });

  it("until its BYE", () => {
    const some = calls();
    some.begin("one", 0);
    some.talks("one", 1000);
    expect(some.count(3600_000)).toBe(1);
    some.ended("one");
    expect(some.count(3600_000)).toBe(0);
  });

  it("for a day of silence, if its BYE never comes", () => {
    const some = calls();
    some.talks("one", 0);
    some.talks("one", 3600_000);
    expect([some.until(), some.count(25 * 3600_000 - 1), some.count(25 * 3600_000)]).toEqual([25 * 3600_000, 1, 0]);
  });

  it("though a re-INVITE was refused (RFC 3261 §14.1)", () => {
    const some = calls();
    some.begin("one", 0);
    some.talks("one", 1000);
    some.begin("one", 2000);
    some.rings("one", 2000);
    some.refused("one");
    expect(some.has("one")).toBe(true);
  });

  it("no more once it was refused", () => {
    const some = calls();
    some.begin("one", 0);
    some.refused("one");
    expect([some.count(0), some.until()]).toEqual([0, 0]);
  });
});
