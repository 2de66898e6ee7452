import type { URI } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";

/** A received INVITE, with its server transaction. */
interface ReceivedInvite {
  readonly server_transaction: { onTransportError(): void };
  reply(status: number, reason: null, lines: readonly string[], body: string): void;
}

/** Parts of a JsSIP session that have no public names. */
interface SessionInternals {
  readonly _from_tag: string;
  readonly _to_tag: string;
  readonly _request: { readonly call_id: string };
  readonly _dialog?: { readonly _remote_target: URI | string };
  readonly _contact: string;
  /** Begins to repeat a 2xx. @param body of the 2xx */
  _setInvite2xxTimer(request: ReceivedInvite, body: string): void;
  /** Constraints of the next answer within the call. */
  _rtcAnswerConstraints: { readonly iceRestart: boolean } | null;
  /** As `renegotiate`, which ends the call if the offer is refused. */
  _sendReinvite(options: {
    readonly rtcOfferConstraints: RTCOfferOptions;
    readonly eventHandlers: { succeeded(): void; failed(): void };
  }): void;
}

export function internalsOf(session: RTCSession): SessionInternals {
  return session as unknown as SessionInternals;
}

/** Undefined until the call has its media. */
export function connectionOf(session: RTCSession): RTCPeerConnection | undefined {
  const connection = session.connection as RTCPeerConnection | null;
  return connection === null || connection.signalingState === "closed" ? undefined : connection;
}
