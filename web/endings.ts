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
export function describeEnd(peer: string, end: CallEnd): Ending {
  const { cause, status, reason, isRemote } = end;
  const inWords = (text: string) => text.replaceAll("PEER", peer);
  if (end.mediaFault !== undefined) return describeMediaFault(end.mediaFault);
  const byServer = isRemote ? byServers.find(([why]) => end.reasonHeader?.includes(`text="${why}"`)) : undefined;
  if (byServer !== undefined) return { text: inWords(byServer[1]), isFailure: false, ...(cause === "Terminated" ? { tone: "ended" } : {}) };
  if (cause === "Canceled" && isRemote) return { text: inWords(whyCancelled(end.reasonHeader)), isFailure: false };
  if (status === 487) return { text: "The call was cancelled", isFailure: false };
  if (status !== undefined && status >= 300) {
    const known = status === 404 && end.warning?.includes("no such user") ? "PEER does not exist" : refusals[status];
    return { text: inWords(`${known ?? `The call failed: ${reason}`} (${status})`), isFailure: true, tone: toneOf(status) };
  }
  const wish = wished[cause]?.[isRemote ? 1 : 0];
  if (wish === undefined) return { text: inWords(faults[cause] ?? `The call failed: ${cause}`), isFailure: true, tone: "failed" };
  return { text: inWords(wish), isFailure: false, ...(isRemote && cause === "Terminated" ? { tone: "ended" } : {}) };
}

/** Why the browser gives no microphone, by the name of its exception. */
export function describeMediaFault(name: string): Ending {
  return { text: mediaFaults[name] ?? `The microphone cannot be used (${name})`, isFailure: true, tone: "failed" };
}

/** Pages over http have no microphone to ask for, so no exception: this name stands for it. */
export const noSecureContext = "InsecureContext";

const mediaFaults: Readonly<Record<string, string>> = {
  NotAllowedError: "The microphone is blocked: allow it for this page in the browser, and try again",
  SecurityError: "The microphone is blocked: this page may not use it",
  NotFoundError: "No microphone was found: connect one, and try again",
  NotReadableError: "The microphone cannot be opened: another program may be using it",
  [noSecureContext]: "Browsers allow the microphone only on https pages",
};

/** The reasons of this server's own BYEs and CANCELs, and what they mean. */
const byServers = [
  ["an administrator has ended the call", "An administrator ended the call with PEER"],
  ["the other side has lost its connection", "PEER lost the connection, so the call was ended"],
] as const;

/** RFC 3326: why a proxy cancels a call that its caller did not cancel. */
function whyCancelled(reason: string | undefined): string {
  const status = causeOf(reason ?? "");
  if (status === 200) return "PEER's call was answered on another of your phones";
  if (status === 486 || status >= 600) return "PEER's call was declined on another of your phones";
  if (status >= 300) return "PEER's call went on to another phone";
  return "PEER gave up";
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

const refusals: Readonly<Record<number, string>> = {
  401: "The call failed: the server does not accept the password",
  403: "The server does not allow a call to PEER, or to where PEER forwards calls",
  404: "PEER does not exist, or forwards calls to an address that does not exist",
  407: "The call failed: the server does not accept the password",
  408: "PEER did not answer",
  410: "PEER does not exist any more",
  480: "PEER is not reachable",
  482: "The call was forwarded in a circle: PEER forwards calls to an address that forwards them back",
  483: "The call was forwarded too often",
  484: "PEER is not a complete number",
  486: "PEER is busy",
  488: "PEER's phone does not support this kind of call",
  500: "The server failed",
  502: "The call failed at another server",
  503: "The server cannot place the call now",
  504: "Another server did not answer",
  600: "PEER is busy on all phones",
  603: "PEER declined",
  604: "PEER does not exist anywhere",
  606: "PEER's phone does not support this kind of call",
};

/** JsSIP's causes of a normal end, caused by us or by the peer. */
const wished: Readonly<Record<string, readonly [local: string, remote: string]>> = {
  Terminated: ["You hung up", "PEER hung up"],
  Canceled: ["You gave up", "PEER gave up"],
  Rejected: ["You declined", "PEER declined"],
  "No Answer": ["You did not answer PEER", "PEER did not answer"],
  Expires: ["You did not answer PEER", "PEER did not answer"],
};

/** The other causes, which are failures. */
const faults: Readonly<Record<string, string>> = {
  "Connection Error": "The connection was lost before PEER answered",
  "Request Timeout": "The server did not answer",
  "Internal Error": "The call failed in this browser",
  "WebRTC Error": "The browser could not set up the audio of the call",
  "Bad Media Description": "The browser could not set up the audio of the call",
  "Incompatible SDP": "PEER's phone does not support this kind of call",
  "Missing SDP": "PEER's phone does not support this kind of call",
  "RTP Timeout": "The audio of the call was lost",
  "No ACK": "The call was lost when you answered it",
};
