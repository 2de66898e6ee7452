import { describe, expect, it } from "vitest";
import { exchangeOf } from "../../../../lib/media/exchange.ts";
import { readNg, writeNg } from "../../../../lib/media/ng.ts";
import { profileOf } from "../../../../lib/media/profile.ts";
import { type Message, parseMessage } from "../../../../lib/syntax/message.ts";
import { type MandatoryHeaders, readMandatoryHeaders } from "../../../../lib/syntax/mandatory-headers.ts";
import { browserSdp, telephoneSdp } from "../../../support/session-descriptions.ts";

describe("what a session description offers", () => {
  it.each([
    ["a browser", browserSdp, "webrtc"],
    ["a telephone", telephoneSdp(), "rtp"],
    ["a telephone with feedback", telephoneSdp().replace("RTP/AVP", "RTP/AVPF"), "rtp"],
    ["one with keys in it", telephoneSdp().replace("RTP/AVP", "RTP/SAVP"), "srtp-sdes"],
    ["an old WebRTC client", browserSdp.replace("UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), "webrtc"],
    ["one with audio and a data channel", `${telephoneSdp()}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n`, "rtp"],
    ["one with lines that end in LF", telephoneSdp().replaceAll("\r\n", "\n"), "rtp"],
    ["one without media", "v=0\r\n", undefined],
    ["a fax", telephoneSdp().replace("m=audio 40000 RTP/AVP 0 101", "m=image 40000 udptl t38"), undefined],
  ])("%s", (_who, description, profile) => {
    expect(profileOf(description)).toBe(profile);
  });
});

function message(start: string, toTag = ""): readonly [Message, MandatoryHeaders] {
  const lines = [
    "Via: SIP/2.0/TCP a;branch=z9hG4bKx",
    "From: <sip:a@b>;tag=f",
    `To: <sip:c@d>${toTag}`,
    "Call-ID: call",
    "Max-Forwards: 70",
  ];
  const method = start.startsWith("SIP") ? "INVITE" : start.split(" ")[0];
  const parsed = parseMessage([start, ...lines, `CSeq: 1 ${method}`, "Content-Length: 0", "", ""].join("\r\n")) as Message;
  return [parsed, readMandatoryHeaders(parsed) as MandatoryHeaders];
}

describe("RFC 3264: what the session description of a message is", () => {
  it.each([
    ["an INVITE", message("INVITE sip:c@d SIP/2.0"), true, { kind: "offer", offerer: "f", answerer: "" }],
    ["a re-INVITE", message("INVITE sip:c@d SIP/2.0", ";tag=t"), true, { kind: "offer", offerer: "f", answerer: "t" }],
    ["an UPDATE", message("UPDATE sip:c@d SIP/2.0", ";tag=t"), true, { kind: "offer", offerer: "f", answerer: "t" }],
    ["the response to an offer", message("SIP/2.0 200 OK", ";tag=t"), true, { kind: "answer", offerer: "f", answerer: "t" }],
    ["an offer in a response", message("SIP/2.0 200 OK", ";tag=t"), false, { kind: "offer", offerer: "t", answerer: "f" }],
    ["its answer in the ACK", message("ACK sip:c@d SIP/2.0", ";tag=t"), true, { kind: "answer", offerer: "t", answerer: "f" }],
  ])("%s", (_what, [parsed, mandatory], hadOffer, exchange) => {
    expect(exchangeOf(parsed, mandatory, hadOffer)).toEqual({ callId: "call", ...exchange });
  });
});

describe("the NG protocol", () => {
  it("has a cookie before each command and answer", () => {
    expect(writeNg("c1", { command: "ping" })).toBe('c1 {"command":"ping"}');
    expect(readNg('c1 {"result":"ok","sdp":"s=ü"}', "c1")).toMatchObject({ isOk: true, description: "s=\u00c3\u00bc", tags: [] });
    expect(readNg('c1 {"result":"ok","tags":{"a":{},"b":{}}}', "c1")).toMatchObject({ isOk: true, tags: ["a", "b"] });
    expect(readNg('c1 {"result":"error","error-reason":"Unknown call-id"}', "c1")).toMatchObject({ isOk: false, why: "Unknown call-id" });
  });

  it.each(['c2 {"result":"ok"}', "", "<html>"])("no answer to it: %s", (text) => {
    expect(readNg(text, "c1")).toBeUndefined();
  });

  it.each(["c1 ", "c1 x", "c1 null", "c1 []", 'c1 {"result":5}'])("a broken answer is no success: %s", (text) => {
    expect(readNg(text, "c1")?.isOk).toBe(false);
  });
});
