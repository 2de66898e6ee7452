import { describe, expect, it } from "vitest";
import { createKeyring } from "../../../../platform/crypto/keyring.ts";
import { mintNonce, verifyNonce } from "../../../../lib/authentication/nonce.ts";
import { keyring, strangeKeyring } from "../support/sip.ts";

const minted = 1_700_000_000_000;
const nonce = mintNonce(keyring, { flow: "flow-one", now: minted, request: "one" });
const verdict = (later: number, given = nonce, flow = "flow-one", by = keyring) => verifyNonce(by, given, flow, minted + later * 1000, 300);

describe("a nonce (RFC 7616 §5.4)", () => {
  it.each([
    ["at once", 0, "fresh"],
    ["at the end of its life", 300, "fresh"],
    ["after it", 301, "stale"],
    ["a day later", 86_400, "stale"],
    ["by a clock a second behind", -1, "fresh"],
    ["before it was made", -3600, "stale"],
  ])("%s", (_when, later, expected) => {
    expect(verdict(later)).toBe(expected);
  });

  it("is worthless on another socket", () => {
    expect(verdict(0, nonce, "flow-two")).toBe("stale");
  });

  it("of another server is foreign, however old it is", () => {
    const foreign = mintNonce(strangeKeyring, { flow: "flow-one", now: minted, request: "one" });
    expect([verdict(0, foreign), verdict(3600, foreign)]).toEqual(["foreign", "foreign"]);
  });

  it("cannot be made younger", () => {
    const [, ...others] = nonce.split(".");
    const later = Math.floor(minted / 1000 + 300).toString(36);
    expect(verdict(400, [later, ...others].join("."))).toBe("foreign");
  });

  it.each([
    "",
    ".",
    "x",
    "1.",
    `.${nonce}`,
    nonce.slice(0, -1),
    `${nonce}A`,
    nonce.replace(".", ""),
    `${nonce.split(".")[0]}.`,
    " ",
    "😀.😀",
  ])("%j is none of ours", (given) => {
    expect(verdict(0, given)).toBe("foreign");
  });

  it("survives that a new key comes in front of the old one", () => {
    const rotated = createKeyring([new Uint8Array(32).fill(3), new Uint8Array(32).fill(1)]);
    expect(verdict(0, nonce, "flow-one", rotated)).toBe("fresh");
  });

  it("is a token that needs no escaping in a quoted string, and differs each second, for each socket and for each request", () => {
    expect(nonce).toMatch(/^[\w.-]{20,60}$/);
    expect(mintNonce(keyring, { flow: "flow-one", now: minted + 1000, request: "one" })).not.toBe(nonce);
    expect(mintNonce(keyring, { flow: "flow-two", now: minted, request: "one" })).not.toBe(nonce);
    expect(mintNonce(keyring, { flow: "flow-one", now: minted, request: "two" })).not.toBe(nonce);
  });
});
