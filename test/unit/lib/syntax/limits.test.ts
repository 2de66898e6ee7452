import { describe, expect, test } from "vitest";
import { readSubscriptionState } from "../../../../lib/presence/subscription-state.ts";
import { parseMessage } from "../../../../lib/syntax/message.ts";
import { parseParameters } from "../../../../lib/syntax/parameters.ts";
import { parseUri } from "../../../../lib/syntax/uri.ts";
import { isTooLong, maxFrame } from "../../../../lib/transport/frame-limit.ts";

describe("lengths are looked at before what they are the lengths of", () => {
  test("a start line of more than 8,192 characters draws 414", () => {
    const request = (length: number) => `OPTIONS ${"a".repeat(length)} SIP/2.0\r\nVia: x\r\n\r\n`;
    expect(parseMessage(request(8_000))).toMatchObject({ kind: "request" });
    expect(parseMessage(request(8_200))).toMatchObject({ status: 414 });
  });

  test.each(["sip:", "tel:+", "urn:", "sip:%", "x"])(
    "a URI of more than 4,000 characters that begins with %s draws 414 (RFC 3261 §21.4.12)",
    (scheme) => {
      expect(parseUri(scheme + "1".repeat(100_000))).toMatchObject({ status: 414 });
    },
  );

  test("a URI may have 4,000 characters, a telephone number 128", () => {
    expect(parseUri(`sip:${"a".repeat(3984)}@example.com`)).toMatchObject({ kind: "sip" });
    expect(parseUri(`tel:+${"1".repeat(127)}`)).toMatchObject({ kind: "tel" });
    expect(parseUri(`tel:+${"1".repeat(128)}`)).toMatchObject({ status: 400 });
  });

  test.each(["tel:", "tel:+", "tel:-", "tel:+()", "tel:.", "tel:1+1", "tel:++1"])("%s is no telephone number", (text) => {
    expect(parseUri(text)).toMatchObject({ status: 400 });
  });

  test("64 parameters are read, 65 draw 400", () => {
    expect(parseParameters(";a=1".repeat(64))).toHaveLength(64);
    expect(parseParameters(";a=1".repeat(65))).toMatchObject({ status: 400 });
    expect(parseUri(`sip:a@b${";a=1".repeat(65)}`)).toMatchObject({ status: 400 });
  });

  test("a frame may have 256 KiB, counted in octets", () => {
    expect(isTooLong("a".repeat(maxFrame))).toBe(false);
    expect(isTooLong("a".repeat(maxFrame + 1))).toBe(true);
    expect(isTooLong("é".repeat(maxFrame / 2))).toBe(false);
    expect(isTooLong("é".repeat(maxFrame / 2 + 1))).toBe(true);
    expect(isTooLong(new ArrayBuffer(maxFrame))).toBe(false);
    expect(isTooLong(new ArrayBuffer(maxFrame + 1))).toBe(true);
  });
});

describe("Subscription-State (RFC 6665 §8.2.3)", () => {
  test.each([
    ["active;expires=60", "active", 60],
    [" active ; reason=x ; Expires = 60 ", "active", 60],
    ["terminated;reason=noresource", "terminated", undefined],
    ["active;expires=soon", "active", undefined],
    ["active;expires", "active", undefined],
    ["", "", undefined],
  ])("%j is %s for %s seconds", (text, state, expires) => {
    expect(readSubscriptionState(text)).toEqual({ state, expires });
  });
});
