import { describe, expect, it } from "vitest";
import { nextRoute } from "../../../../lib/proxy/next-route.ts";
import { branchRequest, statelessRequest, storedRequest } from "../../../../lib/proxy/outgoing-request.ts";
import { homeHint } from "../../../../lib/proxy/branch.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { headerValues, parseMessage } from "../../../../lib/syntax/message.ts";
import { keyring, receive } from "../support/sip.ts";
import { branch, contextOf, envelope } from "./support.ts";

const home = "sip:bob@example.com#1";
const by = { keyring, home, hint: homeHint(keyring, home), hints: [homeHint(keyring, home)] };
const contact = "sip:bob@phone-0.invalid";

function routed(text: string): readonly [string, readonly string[]] {
  const message = parseMessage(text);
  if (isFault(message) || message.kind !== "request") throw new Error(`not a request: ${text}`);
  return [message.requestUri, headerValues(message, "route")];
}

/** Path of the binding, Routes that the request has left, and what goes out. */
const table: readonly (readonly [string, readonly string[], readonly string[], string, readonly string[]])[] = [
  ["no route at all", [], [], contact, []],
  ["a loose router in Path", ["<sip:edge.invalid;lr>"], [], contact, ["<sip:edge.invalid;lr>"]],
  ["lr with a value, in capitals", ["<sip:edge.invalid;LR=on>"], [], contact, ["<sip:edge.invalid;LR=on>"]],
  ["a strict router in Path", ["<sip:edge.invalid>"], [], "sip:edge.invalid", [`<${contact}>`]],
  [
    "a strict router before a loose one",
    ["<sip:edge.invalid>", "<sip:two.invalid;lr>"],
    [],
    "sip:edge.invalid",
    ["<sip:two.invalid;lr>", `<${contact}>`],
  ],
  [
    "a loose router before a strict one",
    ["<sip:two.invalid;lr>", "<sip:edge.invalid>"],
    [],
    contact,
    ["<sip:two.invalid;lr>", "<sip:edge.invalid>"],
  ],
  ["a strict router in Route", [], ["<sip:edge.invalid;transport=tcp>"], "sip:edge.invalid;transport=tcp", [`<${contact}>`]],
  [
    "one in Route before others",
    [],
    ["<sip:edge.invalid>, <sip:two.invalid>", "<sip:three.invalid;lr>"],
    "sip:edge.invalid",
    ["<sip:two.invalid>", "<sip:three.invalid;lr>", `<${contact}>`],
  ],
  [
    "one in Path, and a Route behind it",
    ["<sip:edge.invalid>"],
    ["<sip:three.invalid;lr>"],
    "sip:edge.invalid",
    ["<sip:three.invalid;lr>", `<${contact}>`],
  ],
  ["a name and header parameters", ['"Edge" <sip:p@edge.invalid;x=y>;z=1'], [], "sip:p@edge.invalid;x=y", [`<${contact}>`]],
  [
    "method and headers, which no Request-URI has",
    ["<sip:edge.invalid;method=INVITE;x=y?Subject=a>"],
    [],
    "sip:edge.invalid;x=y",
    [`<${contact}>`],
  ],
  ["a Route that nobody can read", [], ["<tel:+49>"], contact, ["<tel:+49>"]],
];

describe("RFC 3261 §16.6 step 6: the way to the next hop", () => {
  it.each(table)("%s", (_what, path, left, requestUri, routes) => {
    const lines = left.map((value) => `Route: ${value}`);
    const invite = receive("INVITE sip:bob@example.com", ...lines, "Content-Length: 0");
    const context = contextOf([branch(0, { path })]);
    expect(routed(branchRequest(by, invite.request, invite.mandatory, context, branch(0, { path })))).toEqual([requestUri, routes]);
    const message = receive("MESSAGE sip:bob@example.com", ...lines, "Content-Length: 0");
    const target = { phone: "phone-0", host: "sip.example.com", contact, path };
    expect(routed(statelessRequest(by, envelope, message.request, message.mandatory, target).text)).toEqual([requestUri, routes]);
    expect(routed(storedRequest(by, message.request, message.mandatory, { ...target, number: 1, at: 0 }))).toEqual([requestUri, routes]);
  });

  it("within a dialog the Request-URI that came is the target", () => {
    const { request } = receive("BYE sip:bob@phone.invalid", "Route: <sip:edge.invalid>");
    expect(nextRoute(request, undefined, [])).toEqual({
      requestUri: "sip:edge.invalid",
      routes: [],
      popRoutes: 1,
      append: [["Route", "<sip:bob@phone.invalid>"]],
    });
  });
});
