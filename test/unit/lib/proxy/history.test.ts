import { describe, expect, it } from "vitest";
import { hideHistory, historyOf } from "../../../../lib/proxy/history.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type Request, parseMessage } from "../../../../lib/syntax/message.ts";

function invite(...lines: readonly string[]): Request {
  const all = ["INVITE sip:+49@trunk.example SIP/2.0", "Via: SIP/2.0/WSS x.invalid;branch=z9hG4bK1", "Max-Forwards: 70", ...lines];
  const shared = ["From: <sip:a@b.example>;tag=1", "To: <sip:bob@example.com>", "Call-ID: 1", "CSeq: 1 INVITE", "Content-Length: 0"];
  const message = parseMessage(`${[...all, ...shared].join("\r\n")}\r\n\r\n`);
  if (isFault(message) || message.kind !== "request") throw new Error("the test's own message does not parse");
  return message;
}

const history = [
  "History-Info: <sip:bob@example.com?Reason=SIP%3Bcause%3D486>;index=1, <sip:bob@Other.example>;index=1.1;mp=1",
  "History-Info: <sip:+49@trunk.example>;index=1.1.1;mp=1.1",
  "Diversion: <sip:bob@example.com>;reason=user-busy;counter=1",
];

describe("a request that leaves the domain, and has come through addresses in it (RFC 7044 §10.1.2)", () => {
  it.each(["history", "header", "id;history"])("with Privacy: %s says no more than that there were some", (privacy) => {
    expect(hideHistory(invite(...history, `Privacy: ${privacy}`), "example.com")).toEqual({
      remove: ["history-info", "diversion"],
      append: [
        ["History-Info", "<sip:anonymous@anonymous.invalid>;index=1"],
        ["History-Info", "<sip:bob@Other.example>;index=1.1;mp=1"],
        ["History-Info", "<sip:+49@trunk.example>;index=1.1.1;mp=1.1"],
      ],
    });
  });

  it("without such a wish says it all", () => {
    expect(hideHistory(invite(...history, "Privacy: none"), "example.com")).toBeUndefined();
    expect(hideHistory(invite(...history), "example.com")).toBeUndefined();
  });

  it("that has come through nobody stays as it is", () => {
    expect(hideHistory(invite("Privacy: history"), "example.com")).toBeUndefined();
  });

  it("leaves alone what it cannot read", () => {
    const { append } = hideHistory(invite("History-Info: <tel:+49>;index=1", "Privacy: history"), "example.com") ?? {};
    expect(append).toEqual([["History-Info", "<tel:+49>;index=1"]]);
  });
});

describe("a request that is sent on (RFC 7044 §9.1, §10.3)", () => {
  const own = "sip:+49@trunk.example";
  const to = "sip:carol@example.com";
  const reason = "?Reason=SIP%3Bcause%3D486";

  it.each<[string, readonly string[], readonly string[]]>([
    ["nothing", [], [`<${own}${reason}>;index=1`, `<${to}>;index=1.2;mp=1`]],
    [
      "whom it was for before, and that it came to us",
      [`<sip:x@y.example>;index=1, <${own}>;index=1.1;mp=1`],
      [`<${to}>;index=1.1.2;mp=1.1`],
    ],
    ["that it came to us, and why", [`<${own}${reason}>;index=1`], [`<${to}>;index=1.2;mp=1`]],
    ["only whom it was for before", ["<sip:x@y.example>;index=1"], [`<${own}${reason}>;index=1.0`, `<${to}>;index=1.0.2;mp=1.0`]],
    [
      "only the caller, in several",
      ["<sip:x@y.example>;index=1", "<sip:z@y.example>;index=1.1"],
      [`<${own}${reason}>;index=1.1.0`, `<${to}>;index=1.1.0.2;mp=1.1.0`],
    ],
    ["nothing that we can read", ["<sip:>;index=1"], [`<${own}${reason}>;index=1.0`, `<${to}>;index=1.0.2;mp=1.0`]],
  ])("and says %s gets what is missing, and the next entry behind it", (_what, entries, added) => {
    const request = invite(...entries.map((entry) => `History-Info: ${entry}`));
    const { append } = historyOf(request, { cause: "user-busy", status: 486, from: "sip:bob@example.com", to, count: 2 });
    expect(append).toEqual(added.map((value) => ["History-Info", value]));
  });
});
