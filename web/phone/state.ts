import { type Texts, fill } from "./texts.ts";

/** The state of the phone, and why: plain data, drawn by a view. */
export interface PhoneState {
  readonly connection: Connection;
  /** The calls, the oldest first. */
  readonly calls: readonly Call[];
  /** The id of the call that the user deals with. */
  readonly selected: string | undefined;
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

/** What of a call goes as video. */
export type Picture = "none" | "camera" | "screen";

export interface Call {
  readonly id: string;
  readonly peer: string;
  /** What an application tells of the caller (User-to-User, RFC 7433); undefined if there is nothing, or it is no text. */
  readonly userToUser: string | undefined;
  readonly direction: "incoming" | "outgoing";
  readonly phase: Phase;
  /** Milliseconds since 1970 at which it was answered. */
  readonly since: number | undefined;
  readonly isMuted: boolean;
  readonly isHeld: boolean;
  readonly isHeldByPeer: boolean;
  /** Audio of the other side arrives before the answer: it contains its own ringing tone. */
  readonly hasEarlyMedia: boolean;
  /** The media were interrupted, and another path is looked for. */
  readonly isRestoring: boolean;
  /** Where it is being transferred to. */
  readonly transferTarget: string | undefined;
  /** The caller offers video. */
  readonly isVideoOffered: boolean;
  readonly sends: Picture;
  readonly receivesVideo: boolean;
  /** The keys pressed in this call. */
  readonly pressed: string;
}

/** A call at the time when the page closed. */
export type LostCall = Pick<Call, "peer" | "direction" | "phase">;

export const nothing: Notice = { text: "", isFailure: false };

export function initialState(texts: Texts): PhoneState {
  return { connection: { kind: "offline", why: texts.connection.offline }, calls: [], selected: undefined, notice: nothing };
}

/** It rings here, and is not answered. */
export function isOffered({ direction, phase }: Call): boolean {
  return direction === "incoming" && (phase === "ringing" || phase === "answering");
}

export function describeConnection(connection: Connection, texts: Texts): string {
  return connection.kind === "registered" ? fill(texts.connection.registered, { address: connection.address }) : connection.why;
}

export function describeCall(call: Call, texts: Texts): string {
  const { phase } = call;
  if (phase === "ringing" && call.direction === "incoming") return texts.call.offered;
  if (phase !== "talking") return texts.call[phase];
  if (call.transferTarget !== undefined) return fill(texts.call.transferring, { target: call.transferTarget });
  if (call.isRestoring) return texts.call.restoring;
  if (call.isHeld) return texts.call.held;
  return call.isHeldByPeer ? texts.call.heldByPeer : texts.call.talking;
}

/** Why a registration was refused, in a sentence. */
export function describeRefusal(status: number | undefined, reason: string, texts: Texts): string {
  const { refused, wrongPassword, wrongAddress } = texts.connection;
  if (status === 401) return wrongPassword;
  if (status === 403) return wrongAddress;
  return fill(refused, { reason }) + (status === undefined ? "" : ` (${status})`);
}

/** What became of a call from before the page was reloaded. */
export function describeLostCall({ peer, direction, phase }: LostCall, texts: Texts): string {
  const { reloadedWhileTalking, reloadedWhileCalling, reloadedWhileRinging } = texts.call;
  const isCalling = direction === "outgoing";
  const text = phase === "talking" || phase === "ending" ? reloadedWhileTalking : isCalling ? reloadedWhileCalling : reloadedWhileRinging;
  return fill(text, { peer });
}
