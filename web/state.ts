/** What the phone is doing, and why: plain data, drawn by `view.ts`. */
export interface PhoneState {
  readonly connection: Connection;
  readonly call: Call | undefined;
  /** The last thing that went wrong, or ended, in a sentence. */
  readonly notice: string;
}

export type Connection =
  | { readonly kind: "offline"; readonly why: string }
  | { readonly kind: "connecting"; readonly why: string }
  | { readonly kind: "registered"; readonly address: string }
  | { readonly kind: "failed"; readonly why: string };

/**
 * An outgoing call is calling, then ringing (180), then talking; an incoming one is ringing, then answering (until its 200 has
 * gone out), then talking. It is ending if it was hung up while there was no connection to say so.
 */
export type Phase = "calling" | "ringing" | "answering" | "talking" | "ending";

export interface Call {
  readonly peer: string;
  readonly direction: "incoming" | "outgoing";
  readonly phase: Phase;
  /** Milliseconds since 1970 at which it was answered. */
  readonly since: number | undefined;
  readonly isMuted: boolean;
  readonly isHeld: boolean;
  readonly isHeldByPeer: boolean;
}

export const start: PhoneState = { connection: { kind: "offline", why: "Not connected" }, call: undefined, notice: "" };

export function describeConnection(connection: Connection): string {
  return connection.kind === "registered" ? `Registered as ${connection.address}` : connection.why;
}

export function describeCall(call: Call): string {
  if (call.phase === "ringing" && call.direction === "incoming") return "is calling you";
  if (call.phase !== "talking") return progress[call.phase];
  if (call.isHeld) return "On hold";
  return call.isHeldByPeer ? "The other side has put you on hold" : "In a call";
}

const progress = {
  calling: "Calling…",
  ringing: "Ringing…",
  answering: "Answering…",
  ending: "Hanging up as soon as the connection is back",
} as const;

/** Why a registration was refused, in a sentence. */
export function describeRefusal(status: number | undefined, reason: string): string {
  if (status === undefined) return `Registration failed: ${reason}`;
  if (status === 401) return "Registration failed: the address or the password is wrong (401)";
  if (status === 403) return "Registration failed: the server does not serve this address (403)";
  return `Registration failed: ${reason} (${status})`;
}

/** How a call ended, as JsSIP tells it. */
export interface CallEnd {
  readonly cause: string;
  readonly status: number | undefined;
  readonly reason: string;
  readonly isRemote: boolean;
}

/** Why a call ended, in a sentence a person understands. */
export function describeEnd(peer: string, { cause, status, reason, isRemote }: CallEnd): string {
  const known = status === undefined ? undefined : refusals[status];
  if (known !== undefined) return `${known.replace("PEER", peer)} (${status})`;
  if (status !== undefined && status >= 300) return `The call failed: ${reason} (${status})`;
  const [local, remote] = causes[cause] ?? [`The call ended: ${cause}`, `The call ended: ${cause}`];
  return (isRemote ? remote : local).replace("PEER", peer);
}

const refusals: Readonly<Record<number, string>> = {
  403: "The server does not allow a call to PEER",
  404: "There is no PEER",
  408: "PEER did not answer",
  480: "PEER is not reachable",
  486: "PEER is busy",
  487: "The call was cancelled",
  503: "The server cannot place the call now",
  603: "PEER declined",
};

/** JsSIP's causes, by whether we or the peer ended it. */
const causes: Readonly<Record<string, readonly [local: string, remote: string]>> = {
  Terminated: ["You hung up", "PEER hung up"],
  Canceled: ["You gave up", "PEER gave up"],
  Rejected: ["You declined", "PEER declined"],
  "No Answer": ["You did not answer PEER", "PEER did not answer"],
  "User Denied Media Access": ["The microphone cannot be used: allow it for this page", "PEER has no microphone"],
};
