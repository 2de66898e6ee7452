import { hasLooped } from "../../../../lib/proxy/loop-detection.ts";
import { describe, expect, it } from "vitest";
import { homeHint, readBranch, statefulBranch, transactionIn } from "../../../../lib/proxy/branch.ts";
import { type Forwarder, branchRequest, statelessRequest } from "../../../../lib/proxy/outgoing-request.ts";
import { openRoute } from "../../../../lib/proxy/route-token.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type Request, headerValues, parseMessage } from "../../../../lib/syntax/message.ts";
import { parseVia } from "../../../../lib/syntax/via.ts";
import { type Received, keyring, receive } from "../support/sip.ts";
import { answerTo, branch, contextOf, envelope, transaction } from "./support.ts";

const home = "sip:bob@example.com#1";
const of = { callId: "call", cseq: 1, method: "INVITE" };
const by: Forwarder = { keyring, home, hint: homeHint(keyring, home), hints: [homeHint(keyring, home)] };
const context = contextOf([branch(0)]);
const body = "Content-Length: 0";

function forwarded({ request, mandatory }: Received, more: Parameters<typeof branch>[1] = {}): Request {
  return read(branchRequest(by, request, mandatory, context, branch(0, more)));
}

function read(text: string): Request {
  const message = parseMessage(text);
  if (isFault(message) || message.kind !== "request") throw new Error(`not a request: ${text}`);
  return message;
}

function topBranch(request: Request): string {
  const via = parseVia(headerValues(request, "via")[0] ?? "");
  if (isFault(via) || via.branch === undefined) throw new Error("there is no Via");
  return via.branch;
}

const userOf = (value = ""): string | undefined => /sip:([^@]*)@/.exec(value)?.[1];

describe("the request of a branch (RFC 3261 §16.6)", () => {
  const invite = receive("INVITE sip:sales@example.com", "X-Unknown: kept ,  as it is", body);
  const sent = forwarded(invite);

  it("step 4: a caller without a tag is in the Record-Route like any other (§12.1.1)", () => {
    const tagless = forwarded(receive("INVITE sip:sales@example.com", "From: <sip:alice@example.com>", body));
    const [own] = headerValues(tagless, "record-route");
    expect(openRoute(keyring, userOf(own), "call")?.callerTag).toBe("");
  });

  it("steps 2 and 8: has the phone's contact as Request-URI, and one Via of ours on top", () => {
    expect(sent.requestUri).toBe("sip:bob@phone-0.invalid");
    const vias = headerValues(sent, "via");
    expect(vias).toHaveLength(2);
    expect(vias[0]).toMatch(/^SIP\/2\.0\/WSS sip\.example\.com;branch=z9hG4bK/);
    expect(readBranch(keyring, topBranch(sent), of)).toEqual({ kind: "stateful", context: transaction, index: 0 });
  });

  it("step 4: has a Record-Route that names both ends", () => {
    const [value, ...others] = headerValues(sent, "record-route");
    expect(others).toEqual([]);
    expect(openRoute(keyring, userOf(value), "call")).toMatchObject({
      caller: { home: answerTo.home, phone: answerTo.phone },
      callee: { home, phone: "phone-0" },
      callerTag: "a",
    });
  });

  it("step 6: has the binding's Path as Routes, in order (RFC 3327 §5.4)", () => {
    const path = ["<sip:one.invalid;lr>", "<sip:two.invalid;lr>"];
    expect(headerValues(forwarded(invite, { path }), "route")).toEqual(path);
  });

  it("has everything else byte for byte", () => {
    const own = /^(?:Via: SIP\/2\.0\/WSS sip\.example|Record-Route)/;
    const rest = sent.text.split("\r\n").filter((line) => !own.test(line));
    expect(rest.slice(1)).toEqual(invite.request.text.split("\r\n").slice(1));
  });

  it("is the same each time it is made", () => {
    expect(forwarded(invite).text).toBe(sent.text);
  });

  it("differs between branches in Via, Record-Route and Request-URI", () => {
    const { request, mandatory } = invite;
    const other = read(branchRequest(by, request, mandatory, context, branch(1)));
    expect(topBranch(other)).not.toBe(topBranch(sent));
    expect(other.requestUri).toBe("sip:bob@phone-1.invalid");
  });

  it.each([
    ["INVITE", 1],
    ["SUBSCRIBE", 1],
    ["REFER", 1],
    ["NOTIFY", 1],
    ["MESSAGE", 0],
    ["OPTIONS", 0],
    ["PUBLISH", 0],
  ])("step 4: %s gets %i Record-Route, since it can make a dialog or not", (method, count) => {
    expect(headerValues(forwarded(receive(`${method} sip:bob@example.com`, body)), "record-route")).toHaveLength(count);
  });

  it("step 4: within a dialog none is added", () => {
    const within = receive("INVITE sip:bob@example.com", "To: <sip:bob@example.com>;tag=b", body);
    expect(headerValues(forwarded(within), "record-route")).toEqual([]);
  });
});

describe("a request forwarded without state (RFC 3261 §16.11)", () => {
  const target = { phone: "bobspho1", host: "sip.example.com", contact: "sip:bob@phone.invalid", path: ["<sip:edge.invalid;lr>"] };
  const forward = (
    { request, mandatory }: Received,
    more: Partial<typeof envelope> = {},
    to: Partial<Parameters<typeof statelessRequest>[4]> = {},
  ): Request => read(statelessRequest(by, { ...envelope, ...more }, request, mandatory, { ...target, ...to }).text);

  it("carries its return address in the branch, which is a function of the transaction", () => {
    const message = receive("MESSAGE sip:bob@example.com", body);
    expect(readBranch(keyring, topBranch(forward(message)), transactionIn(message.mandatory))).toEqual({
      kind: "stateless",
      answerTo,
      isWithin: false,
    });
    expect(forward(message).text).toBe(forward(message).text);
  });

  it("goes to the phone's contact by its Path; within a dialog the Request-URI stays", () => {
    const outside = forward(receive("MESSAGE sip:bob@example.com", body));
    expect([outside.requestUri, headerValues(outside, "route")]).toEqual(["sip:bob@phone.invalid", target.path]);
    const within = forward(
      receive("BYE sip:bob@phone.invalid", body),
      { to: { kind: "phone", phone: "bobspho1" } },
      { contact: undefined, path: [] },
    );
    expect([within.requestUri, headerValues(within, "route")]).toEqual(["sip:bob@phone.invalid", []]);
  });

  it("gets our Record-Route if it makes a dialog; a NOTIFY within one repeats its subscription's (RFC 6665 §4.3)", () => {
    expect(headerValues(forward(receive("SUBSCRIBE sip:bob@example.com", body)), "record-route")).toHaveLength(1);
    const notify = receive("NOTIFY sip:bob@phone.invalid", "To: <sip:bob@example.com>;tag=b", body);
    const to = { kind: "phone", phone: "bobspho1" } as const;
    expect(headerValues(forward(notify, { to, recordRoute: "<sip:route.x@h;lr>" }), "record-route")).toEqual(["<sip:route.x@h;lr>"]);
    expect(headerValues(forward(notify, { to }), "record-route")).toEqual([]);
  });
});

describe("loops and spirals (RFC 3261 §16.3 step 4)", () => {
  const looped = (startLine: string, lines: readonly string[]): boolean => {
    const { request, mandatory } = receive(startLine, ...lines, body);
    return hasLooped(by, request, mandatory);
  };
  const first = forwarded(receive("INVITE sip:sales@example.com", body));
  const vias = headerValues(first, "via").map((value) => `Via: ${value}`);

  it("what comes back with the same Request-URI has looped", () => {
    expect(looped("INVITE sip:sales@example.com", vias)).toBe(true);
  });

  it("also with other elements' Vias on top, and in one line", () => {
    expect(looped("INVITE sip:sales@example.com", ["Via: SIP/2.0/TCP elsewhere.example;branch=z9hG4bKelse", ...vias])).toBe(true);
    expect(looped("INVITE sip:sales@example.com", [`Via: ${headerValues(first, "via").join(", ")}`])).toBe(true);
  });

  it("what comes back with another Request-URI is a spiral, and passes", () => {
    expect(looped("INVITE sip:support@example.com", vias)).toBe(false);
  });

  it("what has not been here before has not looped, though another home's Via is on it", () => {
    expect(looped("INVITE sip:sales@example.com", [])).toBe(false);
    const other = statefulBranch(homeHint(keyring, "sip:carol@example.com#1"), transaction, 0, "m");
    expect(looped("INVITE sip:sales@example.com", [`Via: SIP/2.0/WSS sip.example.com;branch=${other}`])).toBe(false);
  });

  it("another request of the same call has not", () => {
    expect(looped("INVITE sip:sales@example.com", [...vias, "CSeq: 2 INVITE"])).toBe(false);
  });
});
