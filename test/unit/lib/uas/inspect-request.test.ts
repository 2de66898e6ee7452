import { describe, expect, it } from "vitest";
import { capabilities } from "../../../../lib/server/capabilities.ts";
import { inspectRequest } from "../../../../lib/uas/inspect-request.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { parseMessage } from "../../../../lib/syntax/message.ts";
import { receive } from "../support/sip.ts";

const pidf = "application/pidf+xml";
const understood = { options: ["eventlist"], types: [pidf] };
const verdict = (lines: readonly string[], body = "", what: Parameters<typeof inspectRequest>[1] = understood, method = "PUBLISH") => {
  const request = parseMessage(receive(`${method} sip:bob@example.com`, ...lines).request.text + body);
  if (isFault(request) || request.kind !== "request") throw new Error("not a request");
  return inspectRequest(request, what);
};

describe("what a UAS must check (RFC 3261 §8.2)", () => {
  it.each<[string, readonly string[], string, number, readonly (readonly [string, string])[]]>([
    ["an unknown extension", ["Require: 100rel, eventlist", "Require: foo"], "", 420, [["Unsupported", "100rel, foo"]]],
    ["a body of another type", ["Content-Type: text/plain"], "x", 415, [["Accept", pidf]]],
    ["a body without a type", [], "x", 415, [["Accept", pidf]]],
    ["a compressed body", [`Content-Type: ${pidf}`, "Content-Encoding: gzip"], "x", 415, [["Accept-Encoding", "identity"]]],
    ["the compact form of it", [`c: ${pidf}`, "e: gzip"], "x", 415, [["Accept-Encoding", "identity"]]],
  ])("%s is refused, and what would do is told", (_what, lines, body, status, headers) => {
    expect(verdict(lines, body)).toMatchObject({ status, headers });
  });

  it.each<[string, readonly string[], string]>([
    ["a known extension", ["Require: EventList"], ""],
    ["a body that is understood", [`Content-Type: ${pidf.toUpperCase()};charset=utf-8`, "Content-Encoding: identity"], "x"],
    ["a type without a body", ["Content-Type: text/plain", "Content-Encoding: gzip"], ""],
    ["a body that is optional (§20.11)", ["Content-Type: text/plain", 'Content-Disposition: icon; handling="optional"'], "x"],
    ["any language", [`Content-Type: ${pidf}`, "Content-Language: tlh"], "x"],
    ["Max-Forwards of 0", ["Max-Forwards: 0"], ""],
  ])("%s passes", (_what, lines, body) => {
    expect(verdict(lines, body)).toBeUndefined();
  });

  it("nobody looks into a body where its request is only told where to go", () => {
    expect(verdict(["Content-Type: text/plain", "Content-Encoding: gzip"], "x", { options: [], types: "any" })).toBeUndefined();
  });

  it.each(["ACK", "CANCEL"])("Require is not heeded in %s (§8.2.2.3)", (method) => {
    expect(verdict(["Require: foo"], "", understood, method)).toBeUndefined();
  });
});

describe("what OPTIONS is told (RFC 3261 §11.2)", () => {
  it.each(["home", "hop", "redirect"] as const)("by a %s: all headers of the RFC", (role) => {
    const names = ["Allow", "Accept", "Accept-Encoding", "Accept-Language", "Allow-Events", "Supported"];
    expect(capabilities(role).map(([name]) => name)).toEqual(names);
    expect(Object.fromEntries(capabilities(role))["Allow-Events"]).toBe("presence, presence.winfo, dialog, reg, message-summary");
  });
});
