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

export interface Call {
  readonly peer: string;
  readonly direction: "incoming" | "outgoing";
  readonly phase: "ringing" | "confirmed";
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
  if (call.phase === "ringing") return call.direction === "incoming" ? "is calling you" : "Ringing…";
  if (call.isHeld) return "On hold";
  return call.isHeldByPeer ? "The other side has put you on hold" : "In a call";
}

/** Why a call ended, in a sentence a person understands. */
export function describeEnd(peer: string, cause: string, status: number | undefined, isRemote: boolean): string {
  const sentences: Readonly<Record<number, string>> = {
    403: `The server does not allow a call to ${peer} (403)`,
    404: `There is no ${peer} (404)`,
    408: `${peer} did not answer (408)`,
    480: `${peer} is not reachable (480)`,
    486: `${peer} is busy (486)`,
    487: "The call was cancelled",
    503: "The server cannot place the call now (503)",
    603: `${peer} declined (603)`,
  };
  const known = status === undefined ? undefined : sentences[status];
  if (known !== undefined) return known;
  if (cause === "Terminated") return isRemote ? `${peer} hung up` : "You hung up";
  if (cause === "Canceled") return isRemote ? `${peer} gave up` : "You gave up";
  if (cause === "Connection Error") return "The connection was lost before the call was answered";
  if (cause === "User Denied Media Access") return "The microphone cannot be used: allow it for this page";
  return `The call ended: ${cause}${status === undefined ? "" : ` (${status})`}`;
}
