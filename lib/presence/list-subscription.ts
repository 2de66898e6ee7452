import type { NotificationState } from "../transport/flow.ts";
import type { ListEntry, ListName } from "./resource-list.ts";
import type { InstanceView, ResourceView } from "./rlmi.ts";
import type { Subscription } from "./subscription.ts";

/** A resource of a list that is watched. */
export interface WatchedEntry extends ListEntry {
  /** The canonical URI, which identifies back-end subscriptions. */
  readonly resource: string;
  /** The home's stamp when it was added to the list or renamed; 0: it was there from the start. */
  readonly stamp: number;
}

/** A resource that was removed from the list, stored until its watcher certainly knows. */
export interface RemovedEntry extends ListEntry {
  readonly instance: string;
  readonly stamp: number;
}

/** A subscription to a list as stored in its row (RFC 4662 §4), at the home of its watcher. */
export interface ListSubscription extends Subscription {
  readonly listUri: string;
  /** Undefined for a list that came in its SUBSCRIBE (RFC 5367). */
  readonly list: ListName | undefined;
  /** The version of the list in the directory. */
  readonly version: number;
  readonly entries: readonly WatchedEntry[];
  readonly removed: readonly RemovedEntry[];
  /** The stamp of the last change of the list; 0: there was none. */
  readonly stamp: number;
  /** It asks for the state once: its only notification is the last one. */
  readonly isFetch?: boolean;
}

/** The known state of a resource, with the home's stamp of that change: each change has its own stamp. */
export interface KnownState {
  readonly instance: InstanceView | undefined;
  readonly stamp: number;
}

export interface ListNotification {
  readonly isFull: boolean;
  readonly version: number;
  readonly resources: readonly ResourceView[];
  readonly told: NotificationState;
}

/** Characters of states in one notification; the others follow in the next. */
const maxStates = 150_000;

/**
 * The next notification, if one is due (RFC 4662 §4.5, §5.2): the full state first, after each SUBSCRIBE, and if it is unknown what the
 * watcher has received; otherwise the resources that have changed since. States that would make the notification too long are left to the
 * next one, and their resources count as unknown until then.
 * @param told undefined if there was no notification on the phone's present socket
 * @param version of this notification, if the home knows
 */
export function dueNotification(
  subscription: ListSubscription,
  told: NotificationState | undefined,
  stateOf: (entry: WatchedEntry) => KnownState,
  now: number,
  version: number | undefined,
): ListNotification | undefined {
  if (told === undefined || told.cseq !== subscription.cseq)
    return fullNotification(subscription, stateOf, now, told === undefined ? version : told.version + 1);
  const fitting = fitted(changesSince(subscription, told.stamp, stateOf));
  const stamp = fitting.at(-1)?.stamp;
  if (stamp === undefined) return undefined;
  const next = told.version + 1;
  const resources = fitting.map(({ shown }) => shown);
  return { isFull: false, version: next, resources, told: { version: next, stamp, cseq: told.cseq, at: now } };
}

/** All that is known, whatever the watcher has received. */
export function fullNotification(
  subscription: ListSubscription,
  stateOf: (entry: WatchedEntry) => KnownState,
  now: number,
  version = versionAt(subscription, now),
): ListNotification {
  const changes = changesSince(subscription, -1, stateOf);
  const fitting = fitted(changes);
  const stamp = fitting.at(-1)?.stamp ?? 0;
  return {
    isFull: true,
    version,
    resources: allOf(subscription, changes, fitting),
    told: { version, stamp, cseq: subscription.cseq, at: now },
  };
}

/**
 * Above every version that may have been sent: at least 200 ms pass before the first, whose version is 0, and between any two.
 * DEVIATION(RFC 4662 §5.2): if both the home's memory and the phone's socket are lost the version may grow by more than one; the state is
 * full then, and a watcher that follows §5.6.1 accepts it.
 */
function versionAt({ created }: ListSubscription, now: number): number {
  return Math.max(0, Math.floor((now - created) / 100) - 2);
}

interface Change {
  readonly shown: ResourceView;
  readonly stamp: number;
}

/** Oldest first, so that a watcher that got some of them knows all up to one stamp. */
function changesSince(
  { entries, removed }: ListSubscription,
  since: number,
  stateOf: (entry: WatchedEntry) => KnownState,
): readonly Change[] {
  const changes: Change[] = [];
  for (const entry of entries) {
    const known = stateOf(entry);
    const stamp = Math.max(known.stamp, entry.stamp);
    if (stamp > since) changes.push({ stamp, shown: { uri: entry.uri, name: entry.name, instance: known.instance } });
  }
  for (const { uri, name, instance, stamp } of removed)
    if (stamp > since) changes.push({ stamp, shown: removedResource(uri, name, instance) });
  return changes.sort((one, other) => one.stamp - other.stamp);
}

/** RFC 4662 §4.5: a resource that was there before is reported as terminated. */
function removedResource(uri: string, name: string | undefined, id: string): ResourceView {
  return { uri, name, instance: { id, state: "terminated", reason: "deactivated", body: undefined } };
}

/** As many changes as fit into one notification, but at least one; those of one stamp stay together. */
function fitted(changes: readonly Change[]): readonly Change[] {
  let length = 0;
  const end = changes.findIndex(({ shown, stamp }, index) => {
    length += shown.instance?.body?.text.length ?? 0;
    return index > 0 && length > maxStates && stamp !== changes[index - 1]?.stamp;
  });
  return end < 0 ? changes : changes.slice(0, end);
}

/** All resources in the order of the list, then the removed ones; without the states that have to wait. */
function allOf({ entries }: ListSubscription, changes: readonly Change[], fitting: readonly Change[]): readonly ResourceView[] {
  const told = new Map(fitting.map(({ shown }) => [shown.uri, shown]));
  const present = new Set(entries.map(({ uri }) => uri));
  const listed = entries.map(({ uri, name }) => told.get(uri) ?? { uri, name, instance: undefined });
  return [...listed, ...changes.flatMap(({ shown }) => (present.has(shown.uri) ? [] : [shown]))];
}

/**
 * The subscription with a changed list: new resources are added, missing ones are reported as removed.
 * @param instanceOf the name of a resource's instance, if it was in a notification
 * @param stamp of the change
 */
export function withList(
  subscription: ListSubscription,
  list: { readonly version: number; readonly entries: readonly (ListEntry & { readonly resource: string })[] },
  instanceOf: (entry: WatchedEntry) => string | undefined,
  stamp: number,
): ListSubscription {
  const before = new Map(subscription.entries.map((entry) => [entry.uri, entry]));
  const entries = list.entries.map((entry) => {
    const known = before.get(entry.uri);
    return known !== undefined && known.name === entry.name ? known : { ...entry, stamp };
  });
  const present = new Set(entries.map(({ uri }) => uri));
  const gone = subscription.entries.flatMap((entry): RemovedEntry[] => {
    if (present.has(entry.uri)) return [];
    const { uri, name } = entry;
    return [{ uri, ...(name === undefined ? {} : { name }), instance: instanceOf(entry) ?? "none", stamp }];
  });
  const removed = [...subscription.removed.filter(({ uri }) => !present.has(uri)), ...gone].slice(-maxRemoved);
  return { ...subscription, version: list.version, entries, removed, stamp };
}

/** Maximum of removed resources that are stored: it keeps the subscription small if a list is changed again and again. */
const maxRemoved = 500;
