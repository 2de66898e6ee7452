import { describe, expect, it } from "vitest";
import { alter } from "../../../../lib/syntax/alter.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type Message, headerValues, parseMessage } from "../../../../lib/syntax/message.ts";
import { withVerstat, withoutVerstat } from "../../../../lib/stir/verstat.ts";
import type { VerificationResult } from "../../../../lib/transport/verification.ts";
import { compose } from "../../../support/compose.ts";

function message(...lines: readonly string[]): Message {
  const parsed = parseMessage(compose("INVITE sip:bob@example.com SIP/2.0", [...lines, "Call-ID: 1", "CSeq: 1 INVITE"]));
  if (isFault(parsed)) throw new Error(parsed.fault);
  return parsed;
}

describe("a verstat of the caller's own is taken out (3GPP TS 24.229 §7.2A.20)", () => {
  it.each([
    ["<sip:+1215;verstat=TN-Validation-Passed@a.example;user=phone>;tag=1", "<sip:+1215@a.example;user=phone>;tag=1"],
    ["<sip:+1215;npdi;VerStat=x@a.example>;tag=1", "<sip:+1215;npdi@a.example>;tag=1"],
    ["<sip:+1215@a.example;verstat=x;user=phone>;tag=1", "<sip:+1215@a.example;user=phone>;tag=1"],
    ["<tel:+1215;verstat=TN-Validation-Passed>;tag=1", "<tel:+1215>;tag=1"],
    ["<tel:+1215>;verstat=TN-Validation-Passed;tag=1", "<tel:+1215>;tag=1"],
    ["<sip:+1215;ver%73tat=TN-Validation-Passed@a.example>;tag=1", "<sip:+1215@a.example>;tag=1"],
    ["<sip:+1215;verstat@a.example>;tag=1", "<sip:+1215@a.example>;tag=1"],
    ['"A;verstat=x" <sip:+1215;verstat=x@a.example>;tag=1', '"A;verstat=x" <sip:+1215@a.example>;tag=1'],
  ])("%s", (written, clean) => {
    const changes = withoutVerstat(message(`From: ${written}`), []);
    expect(changes).toEqual({ remove: ["from"], append: [["From", clean]] });
  });

  it("from each header that names the caller, and from each value", () => {
    const of = message(
      "f: <sip:+1;verstat=a@a.example>;tag=1",
      "P-Asserted-Identity: <sip:+1;verstat=a@a.example>, <tel:+1;verstat=b>",
      "Remote-Party-ID: <sip:+1;verstat=a@a.example>;party=calling",
    );
    const clean = parseMessage(alter(of, withoutVerstat(of, [])));
    expect(isFault(clean) ? [] : ["from", "p-asserted-identity", "remote-party-id"].map((name) => headerValues(clean, name))).toEqual([
      ["<sip:+1@a.example>;tag=1"],
      ["<sip:+1@a.example>", "<tel:+1>"],
      ["<sip:+1@a.example>;party=calling"],
    ]);
  });

  it("nothing else changes, and no header that is removed anyway comes back", () => {
    const none = { remove: [], append: [] };
    expect(withoutVerstat(message("From: <sip:50%25@a.example;x=%20>;tag=1"), [])).toEqual(none);
    expect(withoutVerstat(message("P-Asserted-Identity: <tel:+1;verstat=b>"), ["p-asserted-identity"])).toEqual(none);
  });
});

describe("the result of a verification is written into P-Asserted-Identity", () => {
  const lines = (of: Message, result: VerificationResult) => withVerstat(of, { result, number: "1215" }, "e164");

  it.each<[VerificationResult, string]>([
    ["passed", "TN-Validation-Passed"],
    ["failed", "TN-Validation-Failed"],
    ["none", "No-TN-Validation"],
  ])("%s", (result, verstat) => {
    const of = message("From: <sip:+1215@a.example>;tag=1", 'P-Asserted-Identity: "sip:1" <sip:+1215@a.example;user=phone>, <tel:+1-215>');
    expect(lines(of, result)).toEqual({
      remove: ["p-asserted-identity"],
      append: [
        ["P-Asserted-Identity", `"sip:1" <sip:+1215;verstat=${verstat}@a.example;user=phone>`],
        ["P-Asserted-Identity", `<tel:+1-215;verstat=${verstat}>`],
      ],
    });
  });

  it("into one with the address of From if nobody asserts who calls; From stays as it is", () => {
    expect(lines(message('From: "Anna" <sip:+1215@a.example>;tag=1'), "passed")).toEqual({
      remove: [],
      append: [["P-Asserted-Identity", '"Anna" <sip:+1215;verstat=TN-Validation-Passed@a.example>']],
    });
  });

  it("only where the number stands that was verified", () => {
    const of = message(
      "From: <sip:+1215@a.example>;tag=1",
      "P-Asserted-Identity: <sip:+1216@a.example>, <tel:+1215>, <sip:anna@a.example>",
    );
    const [first, second, third] = lines(of, "passed").append ?? [];
    expect([first?.[1], second?.[1], third?.[1]]).toEqual([
      "<sip:+1216@a.example>",
      "<tel:+1215;verstat=TN-Validation-Passed>",
      "<sip:anna@a.example>",
    ]);
  });

  it("not for a caller who wants privacy (RFC 3325 §7), or who has no number", () => {
    expect(lines(message("From: <sip:+1215@a.example>;tag=1", "Privacy: id"), "passed")).toEqual({});
    expect(withVerstat(message("From: <sip:anna@a.example>;tag=1"), { result: "none" }, "e164")).toEqual({});
  });
});
