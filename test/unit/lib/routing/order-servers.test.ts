import { describe, expect, it } from "vitest";
import { orderFairly, orderServers } from "../../../../lib/routing/order-servers.ts";
import type { SrvRecord } from "../../../../lib/routing/question.ts";

const server = (target: string, priority: number, weight: number): SrvRecord => ({ type: "SRV", priority, weight, port: 5061, target });
const order = (records: readonly SrvRecord[], ...chances: readonly number[]): string => {
  const waiting = [...chances];
  return orderServers(records, (n) => Math.min(waiting.shift() ?? 0, n - 1))
    .map(({ target }) => target)
    .join("");
};

describe("SRV usage rules (RFC 2782)", () => {
  it.each<[rule: string, records: readonly SrvRecord[], chances: readonly number[], order: string]>([
    [
      "a client must attempt to contact the target with the lowest-numbered priority",
      [server("b", 2, 0), server("a", 1, 0), server("c", 3, 9)],
      [],
      "abc",
    ],
    ["of weights 1 and 3 the number 0 selects the first", [server("a", 0, 1), server("b", 0, 3)], [0], "ab"],
    ["1, the running sum that is equal to it", [server("a", 0, 1), server("b", 0, 3)], [1], "ab"],
    ["2, the first that is greater", [server("a", 0, 1), server("b", 0, 3)], [2], "ba"],
    ["4, the sum of all, the last", [server("a", 0, 1), server("b", 0, 3)], [4], "ba"],
    ["those with weight 0 are placed at the beginning", [server("a", 0, 1), server("b", 0, 0)], [0], "ba"],
    ["and have a very small chance", [server("a", 0, 1), server("b", 0, 0)], [1], "ab"],
    [
      "continue the ordering process until there are no unordered SRV RRs",
      [server("a", 0, 1), server("b", 0, 1), server("c", 0, 1)],
      [3, 2],
      "cba",
    ],
    ["the weights of another priority do not count", [server("a", 0, 1), server("b", 0, 1), server("c", 1, 99)], [99], "bac"],
    ["none", [], [], ""],
  ])("%s", (_rule, records, chances, expected) => {
    expect(order(records, ...chances)).toBe(expected);
  });

  it("selects in proportion to the weights", () => {
    const firsts = Array.from({ length: 101 }, (_, mark) => order([server("a", 0, 25), server("b", 0, 75)], mark)[0]);
    expect(firsts.filter((first) => first === "b")).toHaveLength(75);
  });
});

describe("servers of a trunk", () => {
  it.each([
    [1, 1, 0.5],
    [1, 3, 0.75],
    [2, 1, 1 / 3],
  ])("with the small weights %i and %i share the calls in that proportion", (one, other, share) => {
    const servers = [server("a", 0, one), server("b", 0, other)];
    const marks = Array.from({ length: 1000 }, (_, index) => index / 1000);
    const firsts = marks.map((mark) => orderFairly(servers, (n) => Math.floor(mark * n))[0]?.target);
    expect(firsts.filter((first) => first === "b").length / 1000).toBeCloseTo(share, 2);
  });

  it("are ordered by priority first", () => {
    expect(orderFairly([server("b", 2, 9), server("a", 1, 0)], () => 0).map(({ target }) => target)).toEqual(["a", "b"]);
  });
});
