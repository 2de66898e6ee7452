import { toOctets } from "../syntax/octets.ts";
import type { Subscription } from "./subscription.ts";

/** What a notification needs besides its dialog. */
export interface Notification {
  readonly cseq: number;
  /** The host of its Via. */
  readonly host: string;
  readonly branch: string;
  /** The Contact of this home: the user's address of record. */
  readonly contact: string;
  /** `active;expires=3600`, `terminated;reason=timeout`. */
  readonly state: string;
  /** The entity-tag of the state (RFC 5839 §6.1). */
  readonly tag: string | undefined;
  /** A document in Unicode, sent as UTF-8. */
  readonly body: { readonly type: string; readonly text: string } | undefined;
  /** An option tag that the watcher must support (RFC 4662 §4.1). */
  readonly requires?: string;
}

/** A NOTIFY (RFC 6665 §4.2.2), as the home of its watcher gets it, which puts its Via on top. */
export function composeNotify(subscription: Subscription, notification: Notification): string {
  const { cseq, host, branch, contact, state, tag, body, requires } = notification;
  const { target, local, remote, callId, event, eventId, routes } = subscription;
  const octets = toOctets(body?.text ?? "");
  const lines = [
    `NOTIFY ${target} SIP/2.0`,
    `Via: SIP/2.0/WSS ${host};branch=${branch}`,
    "Max-Forwards: 70",
    `From: ${local}`,
    `To: ${remote}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} NOTIFY`,
    ...routes.map((route) => `Route: ${route}`),
    `Contact: <${contact}>`,
    `Event: ${event}${eventId === undefined ? "" : `;id=${eventId}`}`,
    `Subscription-State: ${state}`,
    ...(requires === undefined ? [] : [`Require: ${requires}`]),
    ...(tag === undefined ? [] : [`SIP-ETag: ${tag}`]),
    ...(body === undefined ? [] : [`Content-Type: ${body.type}`]),
    `Content-Length: ${octets.length}`,
  ];
  return `${lines.join("\r\n")}\r\n\r\n${octets}`;
}
