import { describe, expect, it } from "vitest";
import { namedOnTcp } from "../../../../lib/transport/tcp-names.ts";

const place = "127.0.0.1:5060";
const named = (startLine: string, ...lines: readonly string[]) =>
  namedOnTcp(`${startLine}\r\n${lines.join("\r\n")}\r\n\r\nVia: SIP/2.0/WSS body;x`, place).split("\r\n");
const invite = "INVITE sip:desk@127.0.0.1:40000 SIP/2.0";

describe("what a client on TCP is told about where we are", () => {
  it.each([
    ["our Via of a request", invite, "Via: SIP/2.0/WSS localhost:8787;branch=z9hG4bKx", `Via: SIP/2.0/TCP ${place};branch=z9hG4bKx`],
    [
      "our Record-Route",
      invite,
      "Record-Route: <sip:route.t@localhost:8787;transport=ws;lr>",
      `Record-Route: <sip:route.t@${place};transport=tcp;lr>`,
    ],
    [
      "it, among others'",
      invite,
      "record-route: <sip:edge.invalid;lr>, <sip:route.t@h;lr>",
      `record-route: <sip:edge.invalid;lr>, <sip:route.t@${place};transport=tcp;lr>`,
    ],
    [
      "it, of a SIPS URI",
      invite,
      "Record-Route: <sips:route.t@h;transport=ws;lr>",
      `Record-Route: <sips:route.t@${place};transport=tcp;lr>`,
    ],
    [
      "it, in an answer (RFC 3261 §16.7 step 8)",
      "SIP/2.0 200 OK",
      "Record-Route: <sip:route.t@localhost:8787;transport=ws;lr>",
      `Record-Route: <sip:route.t@${place};transport=tcp;lr>`,
    ],
    [
      "Service-Route",
      "SIP/2.0 200 OK",
      "Service-Route: <sip:127.0.0.1:5060;transport=ws;lr>",
      `Service-Route: <sip:${place};transport=tcp;lr>`,
    ],
  ])("%s", (_what, startLine, line, expected) => {
    expect(named(startLine, line)).toEqual([startLine, expected, "", "Via: SIP/2.0/WSS body;x"]);
  });

  it.each([
    ["the client's own Via, in an answer", "SIP/2.0 200 OK", "Via: SIP/2.0/WSS x.invalid;branch=z9hG4bKx"],
    ["a Route that is not ours", invite, "Record-Route: <sip:route@edge.invalid;transport=ws;lr>"],
    ["a URI that looks so elsewhere", invite, "Subject: <sip:route.t@h;transport=ws;lr>"],
    ["a line without a name", invite, "nothing"],
  ])("%s stays", (_what, startLine, line) => {
    expect(named(startLine, line)).toEqual([startLine, line, "", "Via: SIP/2.0/WSS body;x"]);
  });

  it("the Vias behind ours stay", () => {
    const vias = ["Via: SIP/2.0/WSS h;branch=z9hG4bK1", "Via: SIP/2.0/WSS x.invalid;branch=z9hG4bK2"];
    expect(named(invite, ...vias).slice(1, 3)).toEqual([`Via: SIP/2.0/TCP ${place};branch=z9hG4bK1`, vias[1]]);
  });

  it.each(["\r\n", "\r\n\r\n", "", "rubbish"])("%j stays what it is", (octets) => {
    expect(namedOnTcp(octets, place)).toBe(octets);
  });
});
