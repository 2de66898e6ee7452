import { describe, expect, it } from "vitest";
import { createKeyring } from "../../../../platform/crypto/keyring.ts";
import { homeHint } from "../../../../lib/proxy/branch.ts";
import { recordRoute } from "../../../../lib/proxy/route-token.ts";
import { type MandatoryHeaders, readMandatoryHeaders } from "../../../../lib/syntax/mandatory-headers.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { parseMessage } from "../../../../lib/syntax/message.ts";
import { type Choice, type HomeConnectionName, selectHome, homeSelection } from "../../../../lib/proxy/home-selection.ts";

const keyring = createKeyring([new Uint8Array(32)]);
const homeConnection = (user: string): HomeConnectionName => {
  const home = `sip:${user}@example.com#1`;
  return { user, domain: "example.com", home, hints: [homeHint(keyring, home)] };
};
const [alice, bob] = [homeConnection("alice"), homeConnection("bob")];
const both = [alice, bob];
const route = recordRoute(
  keyring,
  { caller: { home: alice.home, phone: "alicesph" }, callee: { home: "sip:carol@example.com#1", phone: "carolsph" }, callerTag: "a" },
  "call",
  "sip.example.com",
);

function choose(
  homeConnections: readonly HomeConnectionName[],
  startLine: string,
  ...lines: readonly string[]
): Choice<HomeConnectionName> {
  const given = (name: string) => lines.some((line) => line.startsWith(`${name}:`));
  const [method = ""] = startLine.startsWith("SIP") ? ["INVITE"] : startLine.split(" ");
  const defaults = [
    "Via: SIP/2.0/WSS x.invalid;branch=z9hG4bKx",
    "From: <sip:x@elsewhere.net>;tag=f",
    "To: <sip:dave@example.com>",
    "Call-ID: call",
    `CSeq: 1 ${method}`,
  ];
  const all = [...defaults.filter((line) => !given(line.slice(0, line.indexOf(":")))), ...lines];
  const message = parseMessage(`${startLine}\r\n${all.join("\r\n")}\r\n\r\n`);
  if (isFault(message)) throw new Error(message.fault);
  return selectHome(message, readMandatoryHeaders(message) as MandatoryHeaders, homeConnections, keyring);
}

const request = (method: string) => `${method} sip:dave@example.com SIP/2.0`;

/** One test for each row, in the table's order. */
const tests: Readonly<Record<keyof typeof homeSelection, () => void>> = {
  "a response: the home hint at the start of our topmost Via": () => {
    expect(choose(both, "SIP/2.0 200 OK", `Via: SIP/2.0/WSS us;branch=z9hG4bK${bob.hints[0]}.0123456789abcdef.0.x`)).toEqual({
      kind: "connection",
      homeConnection: bob,
    });
    expect(choose([alice], "SIP/2.0 200 OK", `Via: SIP/2.0/WSS us;branch=z9hG4bK${bob.hints[0]}.0123456789abcdef.0.x`)).toEqual({
      kind: "none",
    });
  },
  "our Route token: the home on the sender's side": () => {
    const inDialog = [`Route: ${route}`, "To: <sip:carol@example.com>;tag=c", "From: <sip:sales@example.com>;tag=a"];
    expect(choose([bob, alice], request("BYE"), ...inDialog)).toEqual({ kind: "connection", homeConnection: alice });
    expect(choose([bob, alice], request("BYE"), ...inDialog.slice(0, 2), "From: <sip:alice@example.com>;tag=z")).not.toEqual({
      kind: "connection",
      homeConnection: alice,
    });
    const behindOurName = [`Route: <sip:sip.example.com;lr>, ${route}`, ...inDialog.slice(1)];
    expect(choose([bob, alice], request("BYE"), ...behindOurName)).toEqual({ kind: "connection", homeConnection: alice });
    const fromStrictRouter = ["Route: <sip:dave@phone.invalid>", ...inDialog.slice(1)];
    expect(choose([bob, alice], `BYE ${route.slice(1, -1)} SIP/2.0`, ...fromStrictRouter)).toEqual({
      kind: "connection",
      homeConnection: alice,
    });
  },
  "REGISTER: To": () => {
    expect(choose(both, request("REGISTER"), "To: <sip:bob@example.com>", "From: <sip:alice@example.com>;tag=f")).toEqual({
      kind: "connection",
      homeConnection: bob,
    });
    expect(choose(both, request("REGISTER"), "To: <sip:carol@EXAMPLE.com>")).toEqual({
      kind: "identity",
      user: "carol",
      domain: "example.com",
    });
  },
  "user and realm of the credentials": () => {
    const credentials = 'Proxy-Authorization: Digest username="bob", realm="example.com", nonce="n", uri="u", response="r"';
    expect(choose(both, request("INVITE"), credentials, "From: <sip:alice@example.com>;tag=f")).toEqual({
      kind: "connection",
      homeConnection: bob,
    });
    expect(choose([alice], request("INVITE"), credentials)).toEqual({ kind: "identity", user: "bob", domain: "example.com" });
    // Those for another server do not say whose the request is (RFC 3261 §22.3).
    const others = 'Proxy-Authorization: Digest username="a", realm="elsewhere.net", nonce="n", uri="u", response="r"';
    expect(choose(both, request("INVITE"), others, "From: <sip:alice@example.com>;tag=f")).toEqual({
      kind: "connection",
      homeConnection: alice,
    });
    expect(choose(both, request("INVITE"), others, "From: <sip:alias@example.com>;tag=f")).toMatchObject({ user: "alias" });
    expect(choose(both, request("INVITE"), others, credentials, "From: <sip:alice@example.com>;tag=f")).toEqual({
      kind: "connection",
      homeConnection: bob,
    });
  },
  "P-Preferred-Identity where From is anonymous": () => {
    const lines = ["From: <sip:anonymous@anonymous.invalid>;tag=f", "P-Preferred-Identity: <sip:bob@example.com>"];
    expect(choose(both, request("INVITE"), ...lines)).toEqual({ kind: "connection", homeConnection: bob });
    expect(choose(both, request("INVITE"), "From: <sip:alice@example.com>;tag=f", "P-Preferred-Identity: <sip:bob@example.com>")).toEqual({
      kind: "connection",
      homeConnection: alice,
    });
  },
  "From, outside a dialog": () => {
    expect(choose(both, request("INVITE"), "From: <sip:bob@example.com>;tag=f")).toEqual({ kind: "connection", homeConnection: bob });
    expect(choose(both, request("INVITE"), "From: <sip:carol@example.com>;tag=f")).toEqual({
      kind: "identity",
      user: "carol",
      domain: "example.com",
    });
  },
  "the only home connection": () => {
    const inDialog = ["To: <sip:dave@example.com>;tag=d", "From: <sip:whatever@elsewhere.net>;tag=f"];
    expect(choose([alice], request("INFO"), ...inDialog)).toEqual({ kind: "connection", homeConnection: alice });
    expect(choose(both, request("INFO"), ...inDialog)).toEqual({ kind: "none" });
    expect(choose([], request("INFO"), ...inDialog)).toEqual({ kind: "none" });
  },
};

describe("the home connection table of the shared connection", () => {
  it("has a test for each of its rows", () => {
    expect(Object.keys(tests)).toEqual(Object.keys(homeSelection));
  });

  it.each(Object.entries(tests))("%s", (_row, check) => {
    check();
  });
});
