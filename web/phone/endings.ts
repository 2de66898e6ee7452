import { type Texts, byStatus, english, fill } from "./texts.ts";
import type { Tone } from "./tones.ts";

/** How a call ended, as JsSIP reports it. */
export interface CallEnd {
  readonly cause: string;
  readonly status: number | undefined;
  readonly reason: string;
  readonly isRemote: boolean;
  /** The header Warning of the response. */
  readonly warning?: string | undefined;
  /** The header Reason of the CANCEL or BYE (RFC 3326). */
  readonly reasonHeader?: string | undefined;
  /** The name of the exception with which the browser refused the microphone. */
  readonly mediaFault?: string | undefined;
}

/** The text and the tone for a call that has ended. */
export interface Ending {
  readonly text: string;
  readonly isFailure: boolean;
  readonly tone?: Tone;
}

/** @param peer the address at the other end, or a name for it */
export function describeEnd(peer: string, end: CallEnd, texts: Texts = english): Ending {
  const { cause, status, reason, isRemote } = end;
  const inWords = (text: string) => fill(text, { peer, reason });
  if (end.mediaFault !== undefined) return describeMediaFault(end.mediaFault, texts);
  const byServer = isRemote ? describeEndByServer(end, inWords, texts) : undefined;
  if (byServer !== undefined) return byServer;
  if (cause === "Canceled" && isRemote) return { text: inWords(texts.ending[whyCancelled(end.reasonHeader)]), isFailure: false };
  if (status === 487) return { text: texts.ending.cancelled, isFailure: false };
  if (status !== undefined && status >= 300) {
    const known = byWarning(end, texts) ?? byStatus(texts.refusal, status);
    return { text: `${inWords(known ?? texts.ending.failed)} (${status})`, isFailure: true, tone: toneOf(status) };
  }
  const wish = wished[cause]?.[isRemote ? 1 : 0];
  if (wish !== undefined)
    return { text: inWords(texts.ending[wish]), isFailure: false, ...(isRemote && cause === "Terminated" ? { tone: "ended" } : {}) };
  return { text: inFault(peer, cause, texts), isFailure: true, tone: "failed" };
}

/** A BYE or CANCEL of the server itself; undefined if it is of the other side. */
function describeEndByServer({ cause, reasonHeader = "" }: CallEnd, inWords: (text: string) => string, texts: Texts): Ending | undefined {
  const known = byServers.find(([why]) => reasonHeader.includes(`text="${why}"`));
  if (known !== undefined)
    return { text: inWords(texts.ending[known[1]]), isFailure: false, ...(cause === "Terminated" ? { tone: "ended" } : {}) };
  const refused = statusOfOther(reasonHeader);
  if (refused === undefined) return undefined;
  const text = inWords(byStatus(texts.refusal, refused) ?? texts.ending.failed);
  return { text: `${text} (${refused})`, isFailure: true, tone: toneOf(refused) };
}

/** The Warning of our server says more than the status. */
function byWarning({ status, warning = "" }: CallEnd, texts: Texts): string | undefined {
  if (status === 404 && warning.includes("no such user")) return texts.ending.noSuchUser;
  // RFC 3261 §20.43: an incompatible transport protocol.
  return status === 488 && warning.startsWith("302 offhook") ? texts.ending.noCommonMedia : undefined;
}

function inFault(peer: string, cause: string, texts: Texts): string {
  const fault = faults[cause];
  return fault === undefined ? fill(texts.ending.failed, { reason: cause }) : fill(texts.ending[fault], { peer });
}

/** Why the browser gives no microphone, by the name of its exception. */
export function describeMediaFault(name: string, texts: Texts = english): Ending {
  const known = (texts.media as Readonly<Record<string, string>>)[name];
  return { text: known ?? fill(texts.media.other, { name }), isFailure: true, tone: "failed" };
}

/** Pages over http have no microphone to ask for, so no exception: this name stands for it. */
export const noSecureContext = "InsecureContext";

type EndingText = keyof Texts["ending"];

/** The reasons of this server's own BYEs and CANCELs, and what they mean. */
const byServers = [
  ["an administrator has ended the call", "byAdministrator"],
  ["the other side has lost its connection", "peerLost"],
] as const;

/** The status by which the other one has refused a call of an application (docs/api.md); undefined if the call has ended in another way. */
function statusOfOther(reason: string): number | undefined {
  if (reason.includes('text="the other side did not answer"')) return 408;
  const status = /text="the other side answered with ([3-6]\d\d)"/.exec(reason)?.[1];
  return status === undefined ? undefined : Number(status);
}

/** RFC 3326: why a proxy cancels a call that its caller did not cancel. */
function whyCancelled(reason: string | undefined): EndingText {
  const status = causeOf(reason ?? "");
  if (status === 200) return "answeredElsewhere";
  if (status === 486 || status >= 600) return "declinedElsewhere";
  return status >= 300 ? "wentOn" : "peerGaveUp";
}

/** The SIP status in a Reason header, which may have a value for each protocol; 0 if there is none. */
function causeOf(reason: string): number {
  const values = reason.toLowerCase().split(/,(?=\s*sip\b)/);
  const parameters = values.find((value) => value.trim().startsWith("sip"))?.split(";") ?? [];
  const cause = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("cause="));
  return Number(cause?.slice("cause=".length) ?? 0);
}

function toneOf(status: number): Tone {
  return busy.has(status) ? "busy" : "failed";
}

const busy = new Set([486, 600, 603]);

/** JsSIP's causes of a normal end, caused by us or by the peer. */
const wished: Readonly<Record<string, readonly [local: EndingText, remote: EndingText]>> = {
  // The other side knows no such call any more: its BYE has crossed a request of ours (RFC 3261 §12.2.1.2).
  "Dialog Error": ["peerHungUp", "peerHungUp"],
  Terminated: ["youHungUp", "peerHungUp"],
  Canceled: ["youGaveUp", "peerGaveUp"],
  Rejected: ["youDeclined", "peerDeclined"],
  "No Answer": ["youDidNotAnswer", "peerDidNotAnswer"],
  Expires: ["youDidNotAnswer", "peerDidNotAnswer"],
};

/** The other causes, which are failures. */
const faults: Readonly<Record<string, EndingText>> = {
  "Connection Error": "connectionLost",
  "Request Timeout": "serverSilent",
  "Internal Error": "browserFailed",
  "WebRTC Error": "noAudio",
  "Bad Media Description": "noAudio",
  "Incompatible SDP": "otherKind",
  "Missing SDP": "otherKind",
  "RTP Timeout": "audioLost",
  "No ACK": "lostWhenAnswered",
};
