/** The messages that are parsed: what JsSIP sends over WebSocket, and what comes back. */
export interface Sample {
  readonly name: string;
  /** The same message of many phones and calls: a parser may remember what it has seen, but not the whole message. */
  readonly texts: readonly string[];
}

const variants = 64;

const candidates = Array.from(
  { length: 8 },
  (_, index) =>
    `a=candidate:${2_882_000_000 + index * 977} 1 udp ${2_122_260_223 - index * 65_536} 192.168.1.${10 + index} ${50_000 + index * 7} typ host generation 0 ufrag 4ZcD network-id ${index + 1} network-cost 10`,
);

const codecs = [
  "a=rtpmap:111 opus/48000/2",
  "a=rtcp-fb:111 transport-cc",
  "a=fmtp:111 minptime=10;useinbandfec=1",
  "a=rtpmap:63 red/48000/2",
  "a=fmtp:63 111/111",
  "a=rtpmap:9 G722/8000",
  "a=rtpmap:0 PCMU/8000",
  "a=rtpmap:8 PCMA/8000",
  "a=rtpmap:13 CN/8000",
  "a=rtpmap:110 telephone-event/48000",
  "a=rtpmap:126 telephone-event/8000",
];

const extensions = [
  "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
  "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
  "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
];

/** One m-line as Chromium writes it. */
function media(kind: string, mid: number): string[] {
  return [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126`,
    "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0",
    ...candidates,
    "a=ice-ufrag:4ZcD",
    "a=ice-pwd:2/1muCWoOi3uLifh0NuRHlmA",
    "a=ice-options:trickle",
    "a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08",
    "a=setup:actpass",
    `a=mid:${mid}`,
    ...extensions,
    "a=sendrecv",
    "a=msid:stream0 track0",
    "a=rtcp-mux",
    "a=rtcp-rsize",
    ...codecs,
    `a=ssrc:${3_570_614_608 + mid} cname:4TOk42mSjXCkVIa6`,
    `a=ssrc:${3_570_614_608 + mid} msid:stream0 track0`,
  ];
}

const session = ["v=0", "o=- 4962303333179871722 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "a=msid-semantic: WMS stream0"];

/** A WebRTC offer of about 4 KB. */
export const offer = [...session, ...media("audio", 0), ...media("video", 1), ""].join("\r\n");

const parties = ["To: <sip:bob@example.com>", 'From: "Alice" <sip:alice@example.com>;tag=5hs0vdr7mt', "Call-ID: 5rj1l5ekqd2v0bb7q9gr"];
const via = "Via: SIP/2.0/WSS 2ub1rv9k2h0o.invalid;branch=z9hG4bK4486318";
const ownContact = "Contact: <sip:5q3kbj1o@2ub1rv9k2h0o.invalid;transport=ws;ob>";
const allow = "Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY";
const agent = "User-Agent: JsSIP 3.13.8";

export const register: Sample = sample("REGISTER", "REGISTER sip:example.com SIP/2.0", [
  via,
  "Max-Forwards: 69",
  "To: <sip:alice@example.com>",
  'From: "Alice" <sip:alice@example.com>;tag=5hs0vdr7mt',
  "Call-ID: 5rj1l5ekqd2v0bb7q9gr",
  "CSeq: 3 REGISTER",
  'Contact: <sip:5q3kbj1o@2ub1rv9k2h0o.invalid;transport=ws>;+sip.ice;reg-id=1;+sip.instance="<urn:uuid:8f1fa16a-1165-4a96-8341-785b1ef24f12>";expires=600',
  "Expires: 600",
  allow,
  "Supported: path,gruu,outbound",
  agent,
]);

export const invite: Sample = sample(
  "INVITE, 4 KB offer",
  "INVITE sip:bob@example.com SIP/2.0",
  [
    "Route: <sip:edge.example.com;transport=ws;lr>",
    via,
    "Max-Forwards: 69",
    ...parties,
    "CSeq: 8411 INVITE",
    ownContact,
    "Content-Type: application/sdp",
    "Session-Expires: 90",
    allow,
    "Supported: timer,gruu,ice,replaces,outbound",
    agent,
  ],
  offer,
);

export const ok: Sample = sample(
  "200, 4 KB answer",
  "SIP/2.0 200 OK",
  [
    "Via: SIP/2.0/WSS edge.example.com;branch=z9hG4bK7f3a19c2.0.1",
    via,
    "Record-Route: <sip:1f0c9a@edge.example.com;transport=ws;lr>",
    "To: <sip:bob@example.com>;tag=81d0e2",
    ...parties.slice(1),
    "CSeq: 8411 INVITE",
    "Contact: <sip:91kv2@9s8df7sdf98.invalid;transport=ws;ob>",
    "Session-Expires: 90;refresher=uas",
    "Content-Type: application/sdp",
    "Supported: timer,gruu,ice,replaces,outbound",
    agent,
  ],
  offer.replaceAll("actpass", "active"),
);

function sample(name: string, startLine: string, lines: readonly string[], body = ""): Sample {
  const text = [startLine, ...lines, `Content-Length: ${Buffer.byteLength(body)}`, "", body].join("\r\n");
  return { name, texts: Array.from({ length: variants }, (_, index) => vary(text, index.toString(36).padStart(2, "0"))) };
}

/** Other names, tags, Call-IDs and branches of the same length. */
function vary(text: string, variant: string): string {
  return text
    .replaceAll("2ub1rv9k2h0o", `2ub1rv9k2h${variant}`)
    .replaceAll("5hs0vdr7mt", `5hs0vdr7${variant}`)
    .replaceAll("5rj1l5ekqd2v0bb7q9gr", `5rj1l5ekqd2v0bb7q9${variant}`)
    .replaceAll("z9hG4bK4486318", `z9hG4bK44863${variant}`)
    .replaceAll("81d0e2", `81d0${variant}`)
    .replaceAll("alice@", `ali${variant}@`)
    .replaceAll("bob@", `b${variant}@`);
}
