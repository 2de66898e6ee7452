import { describe, expect, it } from "vitest";
import { asAsked, asReferred, hasCSeqOffset, shift, offsetBranch, offsetEnd, offsetRoutes } from "../../../../lib/proxy/cseq-offset.ts";
import { openRoute, recordRoute } from "../../../../lib/proxy/route-token.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type Request, type Response, parseMessage } from "../../../../lib/syntax/message.ts";
import { keyring } from "../support/sip.ts";

function message(startLine: string, ...lines: readonly string[]): Request | Response {
  const found = parseMessage(`${[startLine, ...lines].join("\r\n")}\r\n\r\n`);
  if (isFault(found)) throw new Error(found.fault);
  return found;
}
const request = (...lines: readonly string[]): Request => message("NOTIFY sip:bob@example.com SIP/2.0", ...lines) as Request;

describe("a request that goes again with a higher CSeq (RFC 3261 §22.2)", () => {
  it.each([
    ["CSeq: 7 INVITE", ["cseq"], [["CSeq", "8 INVITE"]]],
    [
      "CSeq: 8 PRACK\r\nRAck: 3 7 INVITE",
      ["cseq", "rack"],
      [
        ["CSeq", "9 PRACK"],
        ["RAck", "3 8 INVITE"],
      ],
    ],
  ])("%j", (lines, remove, append) => {
    expect(shift(request(lines), 1)).toEqual({ remove, append });
  });

  it("is told by its branch, so that its sender hears his own number", () => {
    const response = message("SIP/2.0 200 OK", "Via: SIP/2.0/TCP us", "Via: SIP/2.0/WSS him", "CSeq: 8 BYE") as Response;
    const branch = offsetBranch("z9hG4bKx.1");
    expect([hasCSeqOffset(branch), hasCSeqOffset(`${branch}-a`), hasCSeqOffset("z9hG4bKx.1-a"), hasCSeqOffset("z9hG4bKx.1")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(asAsked(response, branch)).toBe("SIP/2.0 200 OK\r\nVia: SIP/2.0/WSS him\r\nCSeq: 7 BYE\r\n\r\n");
    expect(asAsked(response, "z9hG4bKx.1")).toBe("SIP/2.0 200 OK\r\nVia: SIP/2.0/WSS him\r\nCSeq: 8 BYE\r\n\r\n");
  });

  it("makes a dialog that says so in our Record-Route, and leaves those of others", () => {
    const route = { caller: { home: "a", phone: "one" }, callee: { home: "b", phone: "" }, callerTag: "t" };
    const own = recordRoute(keyring, route, "call", "192.0.2.1:5;transport=tcp");
    const [shifted = "", other] = offsetRoutes(keyring, request("Call-ID: call", `Record-Route: ${own}`, "Record-Route: <sip:other;lr>"));
    expect([other, shifted.endsWith("@192.0.2.1:5;transport=tcp;lr>")]).toEqual(["<sip:other;lr>", true]);
    expect(openRoute(keyring, /^<sip:([^@]+)@/.exec(shifted)?.[1], "call")).toEqual({ ...route, callee: { home: "b", phone: offsetEnd } });
    expect(offsetRoutes(keyring, request("Call-ID: call", "Record-Route: <sip:other;lr>"))).toEqual(["<sip:other;lr>"]);
  });
});

describe("a NOTIFY that names its REFER by the number (RFC 3515 §2.4.6)", () => {
  it.each([
    ["refer;id=8", "refer;id=7"],
    ["refer ; a=b ; id = 8", "refer;id=7"],
    ["refer", undefined],
    ["presence;id=8", undefined],
  ])("%j becomes %j", (event, becomes) => {
    expect(asReferred(request(`Event: ${event}`)).append).toEqual(becomes === undefined ? undefined : [["Event", becomes]]);
  });
});
