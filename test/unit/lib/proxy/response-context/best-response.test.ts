import { describe, expect, it } from "vitest";
import { chooseBestResponse } from "../../../../../lib/proxy/response-context/best-response.ts";
import { branch, contextOf, finished } from "../support.ts";

const best = (statuses: readonly number[], cancelled?: string): number => chooseBestResponse(finished(statuses, { cancelled })).status;

describe("the best response (RFC 3261 §16.7 step 6)", () => {
  it.each([
    ["a 6xx, if there is one", [404, 302, 603, 486], 603],
    ["of two 6xx the first", [604, 600], 604],
    ["else of the lowest class", [500, 404, 302], 302],
    ["in the order 3xx, 4xx, 5xx", [500, 486], 486],
    ["in the 4xx class what tells how to send it again: 401", [486, 404, 401], 401],
    ["407", [407, 486], 407],
    ["415", [486, 415], 415],
    ["420", [420, 404], 420],
    ["484", [404, 484], 484],
    ["401 before 407, 407 before 415, 415 before 420, 420 before 484", [484, 420, 415, 407, 401], 401],
    ["486 before 480, which says less", [480, 486], 486],
    ["480 before 408", [408, 480], 480],
    ["408 before 404", [404, 408], 408],
    ["404 before 487", [487, 404], 404],
    ["the only one", [488], 488],
    ["the first of those that say as much", [486, 488], 486],
    ["500 before 503", [503, 500], 500],
  ])("is %s: %j make %i", (_rule, statuses, status) => {
    expect(best(statuses)).toBe(status);
  });

  it("of a context without branches is 480", () => {
    expect(best([])).toBe(480);
  });

  it("is 500 in place of 503, which would tell that this whole proxy is out of service", () => {
    expect(chooseBestResponse(finished([503]))).toEqual({ kind: "answer", status: 500, text: undefined, also: [] });
  });

  it("is 480 in place of 430, which only says that a flow has failed (RFC 5626 §5.3)", () => {
    expect(chooseBestResponse(finished([430]))).toEqual({ kind: "answer", status: 480, text: undefined, also: [] });
  });

  it("of a cancelled context is 487, whatever else its class says", () => {
    expect([best([486, 487, 401], ""), best([486, 487, 401])]).toEqual([487, 401]);
    expect(best([603, 487], "")).toBe(603);
  });

  it("carries the phone's text; where a timer ended the branch there is none", () => {
    expect(chooseBestResponse(finished([404, 486])).text).toBe("text of 486 from 1");
    expect(chooseBestResponse(contextOf([branch(0, { final: 408 })])).text).toBeUndefined();
  });

  it("does not look at branches that have none", () => {
    expect(chooseBestResponse(contextOf([branch(0), branch(1, { final: 486 })])).status).toBe(486);
  });
});

describe("challenges (RFC 3261 §16.7 step 7)", () => {
  it("of all branches are gathered into the one that goes up", () => {
    const { status, text, also } = chooseBestResponse(finished([407, 486, 401, 407]));
    expect([status, text, also]).toEqual([401, "text of 401 from 2", ["text of 407 from 0", "text of 407 from 3"]]);
  });

  it("are not put into another response", () => {
    expect(chooseBestResponse(finished([407, 302])).also).toEqual([]);
  });
});
