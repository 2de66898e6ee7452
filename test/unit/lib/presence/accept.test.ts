import { describe, expect, it } from "vitest";
import { readSubscribeParameters } from "../../../../lib/presence/subscription.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { receive } from "../support/sip.ts";

const settings = { minimumExpires: 60, maximumExpires: 7200 };
const [whole, partial] = ["application/pidf+xml", "application/pidf-diff+xml"];

function wish(...lines: readonly string[]) {
  const event = lines.some((line) => line.startsWith("Event")) ? [] : ["Event: presence"];
  return readSubscribeParameters(
    receive("SUBSCRIBE sip:bob@example.com", "Contact: <sip:alice@h.invalid>", ...event, ...lines).request,
    settings,
  );
}

describe("what a watcher takes is chosen by Accept (RFC 5263 §4, RFC 3261 §20.1)", () => {
  it.each([
    ["whole documents, where nothing is said", [], false],
    ["whole documents, where partial ones are not named", ["Accept: */*"], false],
    ["partial ones, where both are as good", [`Accept: ${whole}, ${partial}`], true],
    ["partial ones, where they are better", [`Accept: ${whole};q=0.3, ${partial};q=1`], true],
    ["whole ones, where they are better", [`Accept: ${whole}, ${partial};q=0.5`], false],
    ["partial ones, where nothing else is taken", [`Accept: ${partial}`], true],
    ["whole ones, where partial ones are not taken at all", [`Accept: ${whole}`, `Accept: ${partial};q=0`], false],
    ["whole ones, of a package that has no other", ["Event: dialog", `Accept: application/dialog-info+xml, ${partial}`], false],
  ])("%s", (_rule, lines, expected) => {
    const read = wish(...lines);
    expect(isFault(read) ? read : read.isPartial).toBe(expected);
  });

  it.each([
    ["nothing of ours", ["Accept: application/json"]],
    ["the package's type not at all", [`Accept: application/*, ${whole};q=0`]],
    ["partial documents of another package", ["Event: reg", `Accept: ${partial}`]],
  ])("%s: 406", (_rule, lines) => {
    expect(wish(...lines)).toMatchObject({ status: 406 });
  });
});
