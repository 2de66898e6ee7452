/** The state of the phone, and why: plain data, drawn by `view.ts`. */
export interface PhoneState {
  readonly connection: Connection;
  readonly call: Call | undefined;
  readonly notice: Notice;
}

/** The last failure or end, in a sentence; "" for none. */
export interface Notice {
  readonly text: string;
  readonly isFailure: boolean;
}

export type Connection =
  | { readonly kind: "offline"; readonly why: string }
  | { readonly kind: "connecting"; readonly why: string; readonly isReconnecting: boolean }
  | { readonly kind: "registered"; readonly address: string }
  | { readonly kind: "failed"; readonly why: string };

/**
 * An outgoing call is calling, perhaps waiting for a phone that is away (182), then ringing (180), then talking; an incoming one is
 * ringing, then answering (until its 200 is sent), then talking. It is ending if it was hung up while there was no connection.
 */
export type Phase = "calling" | "waiting" | "ringing" | "answering" | "talking" | "ending";

export interface Call {
  readonly peer: string;
  readonly direction: "incoming" | "outgoing";
  readonly phase: Phase;
  /** Milliseconds since 1970 at which it was answered. */
  readonly since: number | undefined;
  readonly isMuted: boolean;
  readonly isHeld: boolean;
  readonly isHeldByPeer: boolean;
  /** Audio of the other side arrives before the answer: it contains its own ringing tone. */
  readonly hasEarlyMedia: boolean;
  /** The keys pressed in this call. */
  readonly pressed: string;
}

export const nothing: Notice = { text: "", isFailure: false };

export const start: PhoneState = { connection: { kind: "offline", why: "Not connected" }, call: undefined, notice: nothing };

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
  waiting: "Waiting for the phone to come back…",
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

/** What became of a call from before the page was reloaded. */
export function describeLostCall({ peer, direction, phase }: Pick<Call, "peer" | "direction" | "phase">): string {
  if (phase === "talking" || phase === "ending") return `Your call with ${peer} ended when this page was left or reloaded`;
  if (direction === "outgoing") return `Your call to ${peer} was given up when this page was left or reloaded`;
  return `${peer} was calling when this page was left or reloaded: it rings again if they still wait`;
}
