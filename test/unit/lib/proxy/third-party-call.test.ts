import { expect, it } from "vitest";
import { composeOwnInvite, inFirstDialog, inOtherDialog, refusedMedia } from "../../../../lib/proxy/third-party-call.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type Request, type Response, bodyOf, headerValue, headerValues, parseMessage } from "../../../../lib/syntax/message.ts";

const details = {
  callId: "other-call",
  localTag: "ours",
  remoteTag: "theirs",
  local: "sip:alice@example.com",
  remote: "sip:bob@example.com",
  target: "sip:bob@phone.invalid",
  routes: ["<sip:far.example;lr>"],
  isCaller: true,
};
const hop = { host: "example.com", user: "alice", branch: "b" };

function requestOf(text: string): Request {
  const message = parseMessage(text);
  if (isFault(message) || message.kind !== "request") throw new Error(text);
  return message;
}

function withinFirst(method: string, more: readonly string[] = []): Request {
  const lines = [
    `${method} sip:alice@example.com SIP/2.0`,
    "Via: SIP/2.0/WSS one;branch=z9hG4bK1, SIP/2.0/WSS two;branch=z9hG4bK2",
    "Route: <sip:own.example;lr>",
    "From: <sip:alice@example.com>;tag=a",
    "To: <sip:bob@example.com>;tag=x",
    "Call-ID: first-call",
    `CSeq: 7 ${method}`,
    "Contact: <sip:alice@one>",
    ...more,
  ];
  return requestOf(`${lines.join("\r\n")}\r\nContent-Length: 2\r\n\r\nhi`);
}

it("a request goes on in the other dialog with that one's identifiers, and nothing of its own", () => {
  const relayed = requestOf(inOtherDialog(withinFirst("INFO", ["X-Kept: yes"]), details, hop, { there: 10, here: 10 }));
  expect([relayed.requestUri, bodyOf(relayed), headerValue(relayed, "x-kept")]).toEqual(["sip:bob@phone.invalid", "hi", "yes"]);
  const values = ["via", "route", "from", "to", "call-id", "cseq", "contact"].map((name) => headerValues(relayed, name));
  expect(values).toEqual([
    ["SIP/2.0/WSS example.com;branch=z9hG4bKb"],
    ["<sip:far.example;lr>"],
    ["<sip:alice@example.com>;tag=ours"],
    ["<sip:bob@example.com>;tag=theirs"],
    ["other-call"],
    ["17 INFO"],
    ["<sip:alice@example.com>"],
  ]);
});

it("its response goes back with the identifiers of the request", () => {
  const request = withinFirst("UPDATE");
  const answer = [
    "SIP/2.0 200 OK",
    "Via: SIP/2.0/WSS example.com;branch=z9hG4bKb",
    "From: <sip:alice@example.com>;tag=ours",
    "To: <sip:bob@example.com>;tag=theirs",
    "Call-ID: other-call",
    "CSeq: 17 UPDATE",
    "Contact: <sip:bob@phone.invalid>",
    "Supported: timer",
  ];
  const response = parseMessage(`${answer.join("\r\n")}\r\nContent-Length: 2\r\n\r\nok`) as Response;
  const back = parseMessage(inFirstDialog(response, request, hop)) as Response;
  expect(headerValues(back, "via")).toEqual(headerValues(request, "via"));
  for (const name of ["from", "to", "call-id", "cseq"]) expect(headerValue(back, name)).toBe(headerValue(request, name));
  expect([back.status, bodyOf(back), headerValue(back, "supported"), headerValue(back, "contact")]).toEqual([
    200,
    "ok",
    "timer",
    "<sip:alice@example.com>",
  ]);
});

it.each([
  ["refer;id=17", "refer;id=7"],
  ["refer", "refer"],
  ["dialog;id=17", "dialog;id=17"],
])("a NOTIFY of %s is of the request that the other side knows (RFC 3515 §2.4.6): %s", (event, expected) => {
  const relayed = requestOf(inOtherDialog(withinFirst("NOTIFY", [`Event: ${event}`]), details, hop, { there: 10, here: 10 }));
  expect(headerValue(relayed, "event")).toBe(expected);
});

it("the INVITE to the user has no body, that to the other side the offer", () => {
  const invite = { requestUri: "sip:a@b.example", from: "tel:+49-30", to: "sip:a@b.example", tag: "t", callId: "c", ...hop };
  const first = requestOf(composeOwnInvite(invite));
  expect([bodyOf(first), headerValue(first, "content-type"), headerValue(first, "from")]).toEqual(["", undefined, "<tel:+49-30>;tag=t"]);
  const second = requestOf(composeOwnInvite({ ...invite, offer: "v=0\r\n" }));
  expect([bodyOf(second), headerValue(second, "content-length")]).toEqual(["v=0\r\n", "5"]);
});

it("an answer that takes no media has each stream with port 0, and its mid", () => {
  const offer = ["v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=-", "t=0 0", "a=group:BUNDLE 0 1"];
  const streams = ["m=audio 4000 UDP/TLS/RTP/SAVPF 111 0", "a=mid:0", "a=sendrecv", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1"];
  const answer = refusedMedia([...offer, ...streams, ""].join("\r\n")).split("\r\n");
  expect(answer.filter((line) => /^(?:m=|a=)/.test(line))).toEqual([
    "m=audio 0 UDP/TLS/RTP/SAVPF 111 0",
    "a=inactive",
    "a=mid:0",
    "m=video 0 UDP/TLS/RTP/SAVPF 96",
    "a=inactive",
    "a=mid:1",
  ]);
  expect(refusedMedia("").startsWith("v=0")).toBe(true);
});
