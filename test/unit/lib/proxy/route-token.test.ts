import { describe, expect, it } from "vitest";
import { createKeyring } from "../../../../platform/crypto/keyring.ts";
import { endsOf, openRoute, recordRoute } from "../../../../lib/proxy/route-token.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { parseNameAddress } from "../../../../lib/syntax/name-address.ts";
import { type SipUri, parseUri } from "../../../../lib/syntax/uri.ts";
import { keyring, strangeKeyring } from "../support/sip.ts";

const route = {
  caller: { home: "sip:alice@example.com#1", phone: "alicesph" },
  callee: { home: "sip:bob@example.com#2", phone: "bobspho1" },
  callerTag: "a",
};
const value = recordRoute(keyring, route, "call", "sip.example.com");

function uriOf(text: string): SipUri {
  const address = parseNameAddress(text);
  const uri = isFault(address) ? address : parseUri(address.uri);
  if (isFault(uri) || uri.kind !== "sip") throw new Error(`${text} is no SIP URI`);
  return uri;
}

const token = uriOf(value).user ?? "";

describe("our Record-Route (RFC 3261 §16.6 step 4)", () => {
  it("is a loose route to us (§19.1.1)", () => {
    expect(uriOf(value)).toMatchObject({
      host: "sip.example.com",
      parameters: [
        ["transport", "ws"],
        ["lr", undefined],
      ],
    });
  });

  it("is a SIPS URI where that of the request is one", () => {
    const [plain, secure] = ["host:1;transport=tls", "host:1;transport=tls"].map((at, index) =>
      recordRoute(keyring, route, "call", at, index > 0),
    );
    expect([plain, secure].map((one) => one?.replace(/route\.[^@]+/, "route"))).toEqual([
      "<sip:route@host:1;transport=tls;lr>",
      "<sips:route@host:1;transport=tcp;lr>",
    ]);
    expect(openRoute(keyring, uriOf(secure ?? "").user, "call")).toEqual(route);
  });

  it("knows the caller who has no tag (RFC 3261 §12.1.1)", () => {
    const tagless = { ...route, callerTag: "" };
    expect(openRoute(keyring, uriOf(recordRoute(keyring, tagless, "call", "sip.example.com")).user, "call")).toEqual(tagless);
    expect(endsOf(tagless, undefined)).toEqual({ sender: route.caller, receiver: route.callee });
    expect(endsOf(tagless, "b")).toEqual({ sender: route.callee, receiver: route.caller });
    expect(endsOf(route, undefined)).toEqual({ sender: route.callee, receiver: route.caller });
  });

  it("opens for its Call-ID, and for no other", () => {
    expect(openRoute(keyring, token, "call")).toEqual(route);
    expect(openRoute(keyring, token, "another")).toBeUndefined();
  });

  it("shows nobody who is behind it", () => {
    const hidden = Buffer.from(token.slice("route.".length), "base64url").toString("latin1");
    for (const secret of ["alice", "bob", "example"]) expect(token + hidden).not.toContain(secret);
  });

  it("is the same for the same dialog, so that a request sent again is byte-equal", () => {
    expect(recordRoute(keyring, route, "call", "sip.example.com")).toBe(value);
  });

  it("is short", () => {
    expect(token.length).toBeLessThan(200);
  });

  it("opens when another key has come in front of the one it was made with", () => {
    const rotated = createKeyring([new Uint8Array(32).fill(9), new Uint8Array(32).fill(1)]);
    expect(openRoute(rotated, token, "call")).toEqual(route);
  });

  it.each([
    ["undefined", undefined],
    ["an address of record", "alice"],
    ["nothing behind the mark", "route."],
    ["nonsense", "route.AAAA"],
    ["one letter more", `${token}A`],
    ["one letter less", token.slice(0, -1)],
    ["another letter in the middle", token.slice(0, 40) + (token[40] === "A" ? "B" : "A") + token.slice(41)],
    ["a token of another server", uriOf(recordRoute(strangeKeyring, route, "call", "h")).user],
    ["a token of another purpose", `route.${keyring.seal("return-address", "x", "call")}`],
  ])("does not open: %s", (_what, user) => {
    expect(openRoute(keyring, user, "call")).toBeUndefined();
  });
});

describe("the ends of a dialog", () => {
  it.each([
    ["a", "the caller", route.caller, route.callee],
    ["b", "the callee", route.callee, route.caller],
    [undefined, "the callee", route.callee, route.caller],
  ])("with the From tag %s the sender is %s", (tag, _whom, sender, receiver) => {
    expect(endsOf(route, tag)).toEqual({ sender, receiver });
  });
});
