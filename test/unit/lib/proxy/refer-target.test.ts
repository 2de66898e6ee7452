import { describe, expect, it } from "vitest";
import { readReferTarget } from "../../../../lib/proxy/refer-target.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";

describe("whom a REFER asks to be called (RFC 3515 §2.1)", () => {
  it.each([
    ["sip:bob@example.com", "sip:bob@example.com", []],
    ["sip:bob@example.com;method=INVITE", "sip:bob@example.com", []],
    ["tel:+4930", "tel:+4930", []],
    ["sip:bob@example.com?Subject=x&X-Y=z", "sip:bob@example.com", []],
    [
      "sip:bob@example.com?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=x",
      ...["sip:bob@example.com", ["Replaces: a@b;to-tag=1;from-tag=2", "Require: replaces"]],
    ],
  ])("%s", (written, uri, lines) => {
    expect(readReferTarget(written)).toEqual({ uri, lines });
  });

  it.each([
    ["mailto:bob@example.com", 416],
    ["sip:bob@example.com;method=BYE", 403],
    ["sip:bob@example.com;method=INVITED", 403],
    ["sip:bob@example.com?Replaces=", 400],
    ["sip:bob@example.com?replaces=a%0d%0aX:y", 400],
    ["sip:bob@example.com?Replaces=a%20b", 400],
    ["sip:bob@example.com?Replaces=a%zz", 400],
    [`sip:bob@example.com?Replaces=${"a".repeat(401)}`, 400],
  ])("is refused: %s", (written, status) => {
    const read = readReferTarget(written);
    expect(isFault(read) && read.status).toBe(status);
  });
});
