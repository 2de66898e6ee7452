/** What a session description offers or answers: as browsers, in plain RTP, or with keys in the description (RFC 4568). */
export type MediaProfile = "webrtc" | "rtp" | "srtp-sdes";

export const mediaProfiles = ["webrtc", "rtp", "srtp-sdes"] as const satisfies readonly MediaProfile[];

/** The transport protocols of a session description (RFC 8866 §5.14), each once, at most ten. */
export function protocolsIn(description: string): string[] {
  const found = description.matchAll(/^m=[\w-]+ \d+(?:\/\d+)? ([\w/]+) /gm);
  return [...new Set([...found].slice(0, 10).map(([, protocol = ""]) => protocol.toUpperCase()))];
}

/** The profile of a session description; undefined if it has no media, or others. */
export function profileOf(description: string): MediaProfile | undefined {
  const protocols = protocolsIn(description);
  if (protocols.some((protocol) => /^(?:UDP|TCP)\/TLS\/RTP\/SAVPF?$/.test(protocol))) return "webrtc";
  const hasFingerprint = /^a=fingerprint:/m.test(description);
  if (protocols.some((protocol) => /^RTP\/SAVPF?$/.test(protocol))) return hasFingerprint ? "webrtc" : "srtp-sdes";
  if (protocols.some((protocol) => /^RTP\/AVPF?$/.test(protocol))) return hasFingerprint ? "webrtc" : "rtp";
  return undefined;
}
