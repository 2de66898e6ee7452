import { URI } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import { internalsOf } from "./session-internals.ts";

/** Gets what becomes of a transfer. */
export interface TransferWatch {
  done(): void;
  /** @param reason of the server or the phone; "" if it is not known */
  failed(reason: string): void;
}

interface Fragment {
  readonly status_line: { readonly status_code: number; readonly reason_phrase: string };
}

/** Transfers a call (REFER, RFC 3515, RFC 5589 §6). @param target an address, or a user name of our own domain */
export function refer(session: RTCSession, target: string | URI, watch: TransferWatch): void {
  session.refer(target, {
    eventHandlers: {
      requestFailed: ({ response }: { readonly response: { readonly status_code: number; readonly reason_phrase: string } | null }) =>
        watch.failed(response === null ? "" : `${response.reason_phrase} (${response.status_code})`),
      accepted: () => watch.done(),
      failed: ({ status_line: { status_code: status, reason_phrase: reason } }: Fragment) => watch.failed(`${reason} (${status})`),
    },
  });
}

/**
 * The address that takes the place of ours in a call (RFC 3891, RFC 5589 §7): the very phone at its other end if that has an address of
 * its own (GRUU), otherwise its user.
 */
export function replacementFor(session: RTCSession): URI {
  const { _dialog: dialog, _request: request, _from_tag: fromTag, _to_tag: toTag } = internalsOf(session);
  const [ours, theirs] = session.direction === "outgoing" ? [fromTag, toTag] : [toTag, fromTag];
  const contact = URI.parse(String(dialog?._remote_target ?? ""));
  const address = contact?.hasParam("gr") === true ? contact : session.remote_identity.uri;
  const target = address.clone() as URI;
  target.setHeader("Replaces", encodeURIComponent(`${request.call_id};to-tag=${theirs};from-tag=${ours}`));
  return target;
}
