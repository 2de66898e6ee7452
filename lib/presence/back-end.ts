import { parseDeltaSeconds } from "../syntax/integers.ts";
import { type Message, headerValue, headerValues } from "../syntax/message.ts";
import { isFault } from "../syntax/fault.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { type EventPackage, traits } from "./event-package.ts";

/** The name of a home at its end of the dialogs for lists; no phone has this name. */
export const listServer = "lists";

/**
 * A back-end subscription (RFC 4662 §2) as stored in its row: one for each resource and package, however many lists of the user it is on.
 */
export interface BackEnd {
  readonly event: EventPackage;
  /** The canonical URI of the resource. */
  readonly resource: string;
  /** The name of its instance in notifications of lists, constant for the whole subscription. */
  readonly instance: string;
  readonly callId: string;
  readonly localTag: string;
  /** The other end of the dialog, after its first answer or notification. */
  readonly remote: Remote | undefined;
  /** Milliseconds: when the dialog was created; when the subscription ends, 0 if there is none; when the next action is due. */
  readonly created: number;
  readonly expires: number;
  readonly due: number;
  /** Failed attempts in a row. */
  readonly failures: number;
  /** The last CSeq number of a notification. */
  readonly notified: number;
  /** Undefined until something is known. */
  readonly state: "active" | "pending" | "terminated" | undefined;
  readonly reason: string | undefined;
  readonly body: { readonly type: string; readonly text: string } | undefined;
  /** The stamp of the last change. */
  readonly stamp: number;
  /** Milliseconds; when the present dialog was created. Absent if there is none, or in rows of older builds. */
  readonly since?: number | undefined;
}

export interface Remote {
  readonly tag: string;
  /** Its address with the tag: To of our requests. */
  readonly address: string;
  /** Its Contact. */
  readonly target: string;
  /** The route set, first hop first. */
  readonly routes: readonly string[];
}

/** No action is due until the list is subscribed to again. */
export const never = Number.MAX_SAFE_INTEGER;

/** Milliseconds between attempts: the first pause, and the maximum. */
const firstPause = 60_000;
const maxPause = 1_800_000;
const maxRetryAfter = 86_400_000;
/** Between two SUBSCRIBEs for the same resource that both succeeded. */
const minPause = 30_000;
/** Further failures are not counted. */
const maxFailures = 10;
/** The part of the granted time after which the subscription is refreshed. */
const shareBeforeRefresh = 0.85;
/** Maximum characters of a stored state. */
const maxBody = 65_536;

interface Names {
  readonly instance: string;
  readonly callId: string;
  readonly localTag: string;
}

export function newBackEnd(event: EventPackage, resource: string, { instance, callId, localTag }: Names, now: number): BackEnd {
  const nothing = { remote: undefined, expires: 0, due: now, failures: 0, notified: 0, state: undefined, reason: undefined };
  return { event, resource, instance, callId, localTag, created: now, ...nothing, body: undefined, stamp: 0 };
}

/** A new subscription instead of one that has ended: a new instance, because the versions of its documents start again (RFC 4662 §5.5). */
export function renewed(backEnd: BackEnd, names: Names, now: number): BackEnd {
  return { ...backEnd, ...names, created: now, notified: 0 };
}

export interface SubscribeLines {
  /** The owner of the list: `sip:alice@example.com`. */
  readonly watcher: string;
  readonly host: string;
  readonly branch: string;
  /** Seconds; 0 ends the subscription. */
  readonly expires: number;
  readonly now: number;
}

/** A SUBSCRIBE as one of the user's phones would send it (RFC 6665 §4.1.2): in its dialog, if there is one. */
export function composeSubscribe(backEnd: BackEnd, { watcher, host, branch, expires, now }: SubscribeLines): string {
  const { event, resource, callId, localTag, remote, created } = backEnd;
  const lines = [
    `SUBSCRIBE ${remote?.target ?? resource} SIP/2.0`,
    `Via: SIP/2.0/WSS ${host};branch=${branch}`,
    "Max-Forwards: 70",
    ...(remote?.routes ?? []).map((route) => `Route: ${route}`),
    `From: <${watcher}>;tag=${localTag}`,
    `To: ${remote?.address ?? `<${resource}>`}`,
    `Call-ID: ${callId}`,
    // Grows with time, so it needs no stored counter.
    `CSeq: ${Math.floor((now - created) / 10) + 1} SUBSCRIBE`,
    `Contact: <${watcher}>`,
    `Event: ${event}`,
    `Accept: ${traits[event].type}`,
    `Expires: ${expires}`,
    "Content-Length: 0",
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** The answer to a SUBSCRIBE. */
export interface Answer {
  readonly status: number;
  /** Undefined if no request could be sent. */
  readonly response: Message | undefined;
}

/** A back-end subscription after an answer. The state of the resource comes with notifications; a refusal ends it. */
export function answered(backEnd: BackEnd, { status, response }: Answer, now: number): BackEnd {
  if (status >= 200 && status < 300) {
    const expires = parseDeltaSeconds(response === undefined ? undefined : headerValue(response, "expires")) ?? 0;
    const remote = backEnd.remote ?? (response === undefined ? undefined : remoteOf(response, "to"));
    const times = extended(backEnd, { expires }, now);
    const since = sinceOf(backEnd, now);
    // A subscription that lives long enough to be refreshed counts as working.
    const isRefreshed = backEnd.expires > now && times.expires !== backEnd.expires && now - (since ?? 0) >= firstPause;
    return { ...backEnd, remote, since, failures: isRefreshed ? 0 : backEnd.failures, ...times };
  }
  // The other side no longer knows this dialog: a new one is created.
  if (status === 481 && backEnd.remote !== undefined) return begunAgain(backEnd, now);
  // There is no notification of the first registration of a user, so this is polled.
  if (status === 480 && !isLimit(response)) return { ...ended(backEnd, "noresource"), due: now + maxPause };
  const reason = refusals[status];
  return reason === undefined ? failed(backEnd, "probation", 0, now) : ended(backEnd, reason);
}

function sinceOf({ remote, since }: BackEnd, now: number): number | undefined {
  return remote === undefined ? now : since;
}

/** The resource has its maximum of watchers: the answer says when to try again. */
function isLimit(response: Message | undefined): boolean {
  return response !== undefined && headerValue(response, "retry-after") !== undefined;
}

/** Answers that do not change on a retry, and the reason for the resource's termination (RFC 6665 §4.1.3). */
const refusals: Readonly<Record<number, string>> = {
  ...{ 400: "rejected", 401: "rejected", 402: "rejected", 403: "rejected", 405: "rejected", 406: "rejected", 407: "rejected" },
  ...{ 404: "noresource", 410: "noresource", 414: "noresource", 416: "noresource", 484: "noresource" },
  ...{ 415: "rejected", 420: "rejected", 421: "rejected", 423: "rejected", 482: "noresource", 485: "noresource", 488: "rejected" },
  ...{ 489: "rejected", 493: "rejected", 501: "rejected", 604: "noresource", 603: "rejected", 606: "rejected" },
  ...{ 300: "noresource", 301: "noresource", 302: "noresource", 305: "noresource", 380: "noresource" },
};

/** The content of a NOTIFY about a resource. */
export interface Notified {
  readonly cseq: number;
  readonly remote: Remote | undefined;
  readonly state: string;
  readonly reason: string | undefined;
  /** Seconds. */
  readonly expires: number | undefined;
  readonly retryAfter: number | undefined;
  readonly body: { readonly type: string; readonly text: string } | undefined;
  /** A list with such a state would be refused: the state is treated as unknown. */
  readonly isTooLong: boolean;
}

/**
 * Reads a NOTIFY (RFC 6665 §4.1.3).
 * @param text of the body
 * @param ownRoute our Record-Route, which is stored beside the message
 */
export function readNotified(notify: Message, cseq: number, text: string, ownRoute: string | undefined): Notified {
  const [state = "", ...parameters] = (headerValue(notify, "subscription-state") ?? "").split(";").map((part) => part.trim());
  const valueOf = (name: string) => parameters.find((one) => one.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
  const type = headerValue(notify, "content-type");
  const remote = remoteOf(notify, "from");
  return {
    cseq,
    remote: remote === undefined || ownRoute === undefined ? remote : { ...remote, routes: [ownRoute, ...remote.routes] },
    state: state.toLowerCase(),
    reason: valueOf("reason")?.toLowerCase(),
    expires: parseDeltaSeconds(valueOf("expires")),
    retryAfter: parseDeltaSeconds(valueOf("retry-after")),
    body: text === "" || type === undefined || text.length > maxBody ? undefined : { type, text },
    isTooLong: text.length > maxBody,
  };
}

/** A back-end subscription after a notification. Notifications may arrive out of order. */
export function notified(backEnd: BackEnd, told: Notified, now: number): BackEnd {
  const heard = { ...backEnd, remote: told.remote ?? backEnd.remote, notified: told.cseq, since: sinceOf(backEnd, now) };
  switch (told.state) {
    case "active": {
      const body = told.isTooLong ? undefined : (told.body ?? backEnd.body);
      return { ...heard, state: "active", reason: undefined, body, ...extended(backEnd, told, now) };
    }
    case "pending":
      return { ...heard, state: "pending", reason: undefined, body: told.body, ...extended(backEnd, told, now) };
    default:
      return terminated({ ...heard, remote: undefined, expires: 0 }, told, now);
  }
}

/** RFC 6665 §4.1.3: whether and when the reason allows a new attempt. */
function terminated(backEnd: BackEnd, { reason = "", retryAfter = 0 }: Notified, now: number): BackEnd {
  switch (reason) {
    case "deactivated":
    case "timeout":
      return begunAgain(backEnd, now);
    case "rejected":
    case "noresource":
    case "invariant":
      return ended(backEnd, reason);
    default:
      return failed(backEnd, reason === "" ? "giveup" : reason, retryAfter, now);
  }
}

/** At once, but not repeatedly: the other side may end each subscription as soon as it is made. */
function begunAgain(backEnd: BackEnd, now: number): BackEnd {
  const { failures } = backEnd;
  const due = now + (failures === 0 ? 0 : pauseAfter(failures));
  return { ...backEnd, remote: undefined, expires: 0, due, failures: Math.min(failures + 1, maxFailures) };
}

function ended(backEnd: BackEnd, reason: string): BackEnd {
  return { ...backEnd, remote: undefined, expires: 0, due: never, failures: 0, state: "terminated", reason, body: undefined };
}

function failed(backEnd: BackEnd, reason: string, retryAfter: number, now: number): BackEnd {
  const failures = Math.min(backEnd.failures + 1, maxFailures);
  const due = now + Math.max(pauseAfter(failures), Math.min(retryAfter * 1000, maxRetryAfter));
  // The known state is valid until the subscription has ended.
  if (backEnd.expires > now && backEnd.remote !== undefined) return { ...backEnd, due: Math.min(due, backEnd.expires), failures };
  return { ...backEnd, remote: undefined, expires: 0, due, failures, state: "terminated", reason, body: undefined };
}

function pauseAfter(failures: number): number {
  return Math.min(firstPause * 2 ** (failures - 1), maxPause);
}

/** Times that differ only slightly are left as they are, so that nothing is written. */
function extended({ expires: known, due }: BackEnd, { expires }: Pick<Notified, "expires">, now: number): Pick<BackEnd, "expires" | "due"> {
  const isNear = expires === undefined || Math.abs(now + expires * 1000 - known) < 5000;
  return isNear ? { expires: known, due } : until(now, expires);
}

function until(now: number, seconds: number): Pick<BackEnd, "expires" | "due"> {
  return { expires: now + seconds * 1000, due: now + Math.max(Math.floor(seconds * shareBeforeRefresh) * 1000, minPause) };
}

/** Whether watchers of lists must be notified. */
export function isNews(before: BackEnd, after: BackEnd): boolean {
  return (
    before.state !== after.state ||
    before.reason !== after.reason ||
    before.body?.text !== after.body?.text ||
    before.body?.type !== after.body?.type
  );
}

/** The other end of a dialog: in a response its route set is in reverse order (RFC 3261 §12.1.2). */
function remoteOf(message: Message, name: "from" | "to"): Remote | undefined {
  const address = headerValue(message, name) ?? "";
  const tag = /;\s*tag\s*=\s*([^;\s]+)/i.exec(address.slice(address.lastIndexOf(">") + 1))?.[1];
  const contact = parseNameAddress(headerValues(message, "contact")[0] ?? "");
  if (tag === undefined || isFault(contact)) return undefined;
  const routes = headerValues(message, "record-route");
  return { tag, address, target: contact.uri, routes: message.kind === "response" ? routes.reverse() : routes };
}
