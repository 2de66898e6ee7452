import { describe, expect, it } from "vitest";
import type { ReachableTarget, Search } from "../../../../../lib/proxy/response-context/context.ts";
import { shareForwards } from "../../../../../lib/proxy/response-context/forwards.ts";
import { addressTarget } from "../../../../../lib/proxy/response-context/search.ts";

const address = addressTarget("sip:bob@example.com", { cause: "unknown" });
const phone: ReachableTarget = { phone: "p", contact: "sip:p", q: 1, path: [], host: "h" };
const some = (count: number, target = address) => Array.from({ length: count }, () => target);

const search: Search = {
  waiting: [],
  groupTime: 0,
  groupUntil: 0,
  isClosed: false,
  cancelsNobody: false,
  recurses: false,
  forwardingTrail: [],
  breadth: 60,
  forwards: 100,
  identity: "",
};

describe("the requests to other addresses that a call may become", () => {
  const table: readonly (readonly [string, Partial<Search>, readonly ReachableTarget[], readonly (number | undefined)[], number])[] = [
    ["all go to the only address", {}, [address], [100], 0],
    ["are shared by several", {}, some(3), [33, 33, 33], 1],
    ["are not for phones", { onBusy: "sip:x" }, [phone], [undefined], 100],
    ["are not for phones beside an address", {}, [phone, address], [undefined, 100], 0],
    ["are kept for a rule", { onBusy: "sip:x", onUnregistered: "sip:y" }, [address], [90], 10],
    ["are kept for a rule and for the addresses of a 3xx", { onBusy: "sip:x", recurses: true, forwards: 89 }, [address], [71], 18],
    ["are kept for addresses that wait, and not for phones", { waiting: [some(2), [phone, address]] }, [address], [25], 75],
    ["are kept for the addresses of a 3xx", { recurses: true }, [address], [90], 10],
    ["are one at least, while there are some", { forwards: 2 }, some(3), [1, 1, 0], 0],
    ["are used up", { forwards: 0 }, [address], [0], 0],
    ["are 100 in rows of older builds", { forwards: undefined as never }, [address], [100], 0],
  ];

  it.each(table)("%s", (_name, more, targets, shares, left) => {
    const given = shareForwards({ ...search, ...more }, targets);
    expect([given.shares, given.search?.forwards]).toEqual([shares, left]);
  });

  it.each([
    [1, [address], undefined],
    [0, [phone], undefined],
    [1, [phone], "sip:x"],
  ])("no rule applies when there are none left: of %i", (forwards, targets, onBusy) => {
    const given = shareForwards({ ...search, forwards, onBusy: "sip:x" }, targets);
    expect(given.search?.onBusy).toBe(onBusy);
  });

  it("are no more together than they were, however often some are given away", () => {
    for (let forwards = 0; forwards <= 100; forwards += 1) {
      let now: Search | undefined = { ...search, forwards, recurses: forwards % 2 === 0, onBusy: "sip:x", waiting: [some(forwards % 7)] };
      let sum = 0;
      for (const count of [1, 3, 0, 50, 2]) {
        const given = shareForwards(now, some(count));
        sum += given.shares.reduce<number>((all, share = 0) => all + share, 0);
        now = given.search;
      }
      expect(sum).toBeLessThanOrEqual(forwards);
      expect(now?.forwards).toBe(forwards - sum);
    }
  });
});
