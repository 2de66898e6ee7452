import { decodedText, legible, toOctets } from "../syntax/octets.ts";
import type { Exchange } from "./exchange.ts";
import type { PressedKey } from "./key-in-info.ts";
import type { MediaService, TrunkMedia } from "./media-service.ts";

/** Who is to get a session description. */
export type Towards = "trunk" | "phone";

/** A command of the NG protocol of rtpengine. */
export type NgCommand = Readonly<Record<string, unknown>> & {
  readonly command: "offer" | "answer" | "delete" | "query" | "ping" | "play DTMF";
};

/** An answer of rtpengine. */
export interface NgAnswer {
  readonly isOk: boolean;
  /** The session description to pass on; "" if the answer has none. */
  readonly description: string;
  readonly why: string;
  /** The tags of the ends of a session, in the answer to a query. */
  readonly tags: readonly string[];
}

/** The suites of RFC 4568 that all support stay: AES_CM_128_HMAC_SHA1_80 and _32. Some that rtpengine would offer do not encrypt. */
const unwanted = ["AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_256_CM", "AES_192_CM", "F8_128", "NULL"].flatMap((suite) =>
  suite.startsWith("AEAD") ? [`no-${suite}`] : [`no-${suite}_HMAC_SHA1_80`, `no-${suite}_HMAC_SHA1_32`],
);

/** How a session description is made for plain RTP, for SRTP with keys in the description, and for browsers. */
const towards = {
  rtp: { ICE: "remove", DTLS: "off", SDES: ["off"], "transport-protocol": "RTP/AVP", "rtcp-mux": ["demux"] },
  "srtp-sdes": { ICE: "remove", DTLS: "off", SDES: unwanted, "transport-protocol": "RTP/SAVP", "rtcp-mux": ["demux"] },
  webrtc: {
    ...{ ICE: "force", DTLS: "passive", SDES: ["off"], "transport-protocol": "UDP/TLS/RTP/SAVPF" },
    ...{ "rtcp-mux": ["offer", "require"], flags: ["generate-mid"] },
  },
} as const;

/** In an answer the protocol is that of the offer. */
const answerTo = { trunk: { "rtcp-mux": ["demux"] }, phone: { "rtcp-mux": ["require"] } } as const;

/** The command that converts a session description. @param session the name of the session at rtpengine */
export function convertingCommand(
  { kind, offerer, answerer }: Exchange,
  description: string,
  to: Towards,
  { session, media, service }: { readonly session: string; readonly media: TrunkMedia; readonly service: MediaService },
): NgCommand {
  const { phoneInterface, trunkInterface } = service;
  const hasInterfaces = phoneInterface !== "" && trunkInterface !== "";
  const direction = to === "trunk" ? [phoneInterface, trunkInterface] : [trunkInterface, phoneInterface];
  const profile = to === "phone" ? "webrtc" : media.profile === "srtp-sdes" ? "srtp-sdes" : "rtp";
  const isForTrunk = to === "trunk" && kind === "offer" && media.codecs.length > 0;
  return {
    command: kind,
    "call-id": session,
    "from-tag": offerer,
    ...(answerer === "" ? {} : { "to-tag": answerer }),
    sdp: decodedText(description),
    replace: ["origin", "session-connection"],
    ...(kind === "offer" ? towards[profile] : answerTo[to]),
    ...(hasInterfaces && kind === "offer" ? { direction } : {}),
    ...(media.dtmf === "rfc4733" ? { flags: [...(kind === "offer" ? flagsOf(profile) : []), "inject-DTMF"] } : {}),
    ...(isForTrunk ? { codec: { strip: ["all"], transcode: [...media.codecs] } } : {}),
  };
}

function flagsOf(profile: keyof typeof towards): readonly string[] {
  return profile === "webrtc" ? towards.webrtc.flags : [];
}

/** Presses a key in the audio of one of the two. @param tag its tag in the dialog */
export function pressingCommand(session: string, tag: string, { code, duration }: PressedKey): NgCommand {
  return { command: "play DTMF", "call-id": session, "from-tag": tag, code, duration };
}

/** Ends a session at once. */
export function deletingCommand(session: string): NgCommand {
  return { command: "delete", "call-id": session, "delete-delay": 0 };
}

export function queryingCommand(session: string): NgCommand {
  return { command: "query", "call-id": session };
}

/** The text of a command. @param cookie names it: letters and digits */
export function writeNg(cookie: string, command: NgCommand): string {
  return `${cookie} ${JSON.stringify(command)}`;
}

/** Reads an answer; undefined if it is not one to the command with this cookie. */
export function readNg(text: string, cookie: string): NgAnswer | undefined {
  if (!text.startsWith(`${cookie} `)) return undefined;
  const { result, sdp, tags, "error-reason": why } = parsed(text.slice(cookie.length + 1));
  const description = typeof sdp === "string" ? toOctets(sdp) : "";
  const ends = typeof tags === "object" && tags !== null ? Object.keys(tags) : [];
  return { isOk: result === "ok", description, why: typeof why === "string" ? legible(why, 200) : "it gave no reason", tags: ends };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}
