/** A session description as Chromium writes it, shortened. */
export const browserSdp = `${[
  "v=0",
  "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE 0",
  "m=audio 52000 UDP/TLS/RTP/SAVPF 111 0 8 126",
  "c=IN IP4 127.0.0.1",
  "a=rtcp:52000 IN IP4 127.0.0.1",
  "a=ice-ufrag:EsAw",
  "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
  "a=fingerprint:sha-256 D1:2C:BE:AD:C4:F6:64:5C:25:16:11:9C:AF:E7:0F:73:79:36:4E:9C:1E:15:54:39:0C:06:8B:ED:96:86:00:39",
  "a=setup:actpass",
  "a=mid:0",
  "a=sendrecv",
  "a=rtcp-mux",
  "a=rtpmap:111 opus/48000/2",
  "a=rtpmap:0 PCMU/8000",
  "a=rtpmap:8 PCMA/8000",
  "a=rtpmap:126 telephone-event/8000",
  "a=candidate:1 1 udp 2113937151 127.0.0.1 52000 typ host generation 0",
].join("\r\n")}\r\n`;

/** The same as an answer. */
export const browserAnswer = browserSdp.replace("a=setup:actpass", "a=setup:active");

/** Of a telephone that speaks plain RTP. @param port where it hears @param offer that it answers */
export function telephoneSdp(port = 40_000, offer = ""): string {
  const events = /a=rtpmap:(\d+) telephone-event\/8000/.exec(offer)?.[1] ?? "101";
  const lines = ["v=0", "o=- 7 7 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", `m=audio ${port} RTP/AVP 0 ${events}`];
  return `${[...lines, "a=rtpmap:0 PCMU/8000", `a=rtpmap:${events} telephone-event/8000`, "a=sendrecv"].join("\r\n")}\r\n`;
}
