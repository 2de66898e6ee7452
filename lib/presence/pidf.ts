import type { Element } from "@xmldom/xmldom";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { dataModel, inOrder, isUsableId, newest, newestDevices, newestOthers, pidf, rpid, withUniqueIds } from "./pidf-elements.ts";
import { childrenOf, escape, parseXml, serialise } from "./xml.ts";

/** One published state of a user. */
export interface PublishedState {
  readonly body: string;
  /** Whether its publisher can be reached: the services of a phone that is away are not available. */
  readonly isPresent: boolean;
}

/** The sources of a user's presence. */
export interface PresenceSources {
  /** The presentity: `sip:bob@example.com`. */
  readonly entity: string;
  /** Oldest first. */
  readonly published: readonly PublishedState[];
  /** Whether a phone of the user can be reached. */
  readonly isReachable: boolean;
  /** Whether the user is in a call. */
  readonly isOnThePhone: boolean;
}

/** Refuses a published body that is not a presence document, or cannot be composed with others. */
export function refusePidf(body: string): Fault | undefined {
  const root = parseXml(body, pidf, "presence");
  if (isFault(root)) return root;
  for (const tuple of childrenOf(root, pidf, "tuple")) {
    const statuses = childrenOf(tuple, pidf, "status");
    const basics = statuses.flatMap((status) => childrenOf(status, pidf, "basic")).map(({ textContent }) => textContent);
    if (!isUsableId(tuple.getAttribute("id") ?? "")) return fault(400, "a tuple has no valid id");
    if (statuses.length !== 1 || basics.length > 1) return fault(400, "a tuple must have exactly one status");
    if (basics.some((basic) => basic !== "open" && basic !== "closed")) return fault(400, "a basic status is neither open nor closed");
  }
  return undefined;
}

/**
 * The presence document (RFC 3863) of all sources, by the data model of RFC 4479 §3: the services (tuples) and devices of all reachable
 * publishers, and the person of the newest document that has one. Without a published service, registration decides whether the user can be
 * reached; a call in progress is an activity (RFC 4480 §3.2). Unknown elements stay as published.
 */
export function composePidf({ entity, published, isReachable, isOnThePhone }: PresenceSources): string {
  const roots = published.flatMap(({ body, isPresent }) => rootOf(body).map((root) => ({ root, isPresent })));
  const present = roots.filter(({ isPresent }) => isPresent).map(({ root }) => root);
  const all = roots.map(({ root }) => root);
  const ids = new Map<string, number>();
  const prepared = (element: Element) => withUniqueIds(inOrder(element), ids);
  const tuples = present.flatMap((root) => childrenOf(root, pidf, "tuple")).map(prepared);
  const devices = newestDevices(present).map(prepared);
  const persons = newest(all, (root) => childrenOf(root, dataModel, "person")).map(prepared);
  const notes = newest(all, (root) => childrenOf(root, pidf, "note"));
  const others = newestOthers(all);
  const services = tuples.length > 0 ? tuples.map(serialise) : [ownTuple(entity, isReachable)];
  const people = isOnThePhone ? onThePhone(persons, ids) : persons.map(serialise);
  return document(entity, [...services, ...notes.map(serialise), ...people, ...devices.map(serialise), ...others.map(serialise)]);
}

/** A user's presence as an application sets it. */
export interface ApplicationPresence {
  /** Undefined: decided by registration. */
  readonly open?: boolean | undefined;
  /** An element of RFC 4480 §3.2. */
  readonly activity?: string | undefined;
  readonly note?: string | undefined;
}

export function applicationPidf(entity: string, { open, activity, note }: ApplicationPresence): string {
  const basic = `<tuple id="application"><status><basic>${open === true ? "open" : "closed"}</basic></status></tuple>`;
  const tuple = open === undefined ? [] : [basic];
  const notes = note === undefined ? [] : [`<note>${escape(note)}</note>`];
  const activities = `<activities xmlns="${rpid}"><${activity}/></activities>`;
  const person = activity === undefined ? [] : [`<person xmlns="${dataModel}" id="application-person">${activities}</person>`];
  return document(entity, [...tuple, ...notes, ...person]);
}

/** For a watcher who must not see the state, nor that it is hidden (RFC 5025 §3.2.1 polite-block). */
export function closedPidf(entity: string): string {
  return document(entity, [ownTuple(entity, false)]);
}

function rootOf(body: string): Element[] {
  const root = parseXml(body, pidf, "presence");
  return isFault(root) ? [] : [root];
}

function document(entity: string, parts: readonly string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="${pidf}" entity="${escape(entity)}">${parts.join("")}</presence>\r\n`;
}

function ownTuple(entity: string, isOpen: boolean): string {
  const contact = isOpen ? `<contact>${escape(entity)}</contact>` : "";
  return `<tuple id="registration"><status><basic>${isOpen ? "open" : "closed"}</basic></status>${contact}</tuple>`;
}

/** The person, with on-the-phone among the activities. */
function onThePhone([person, ...others]: readonly Element[], ids: ReadonlyMap<string, unknown>): string[] {
  const activity = `<activities xmlns="${rpid}"><on-the-phone/></activities>`;
  if (person === undefined) return [`<person xmlns="${dataModel}" id="${ids.has("caller") ? "caller-2" : "caller"}">${activity}</person>`];
  const [activities] = childrenOf(person, rpid, "activities");
  const owner = person.ownerDocument;
  if (owner === null) return [serialise(person)];
  const list = activities ?? owner.createElementNS(rpid, "activities");
  if (activities === undefined) person.insertBefore(list, person.firstChild);
  if (childrenOf(list, rpid, "on-the-phone").length === 0) {
    for (const unknown of childrenOf(list, rpid, "unknown")) list.removeChild(unknown);
    list.appendChild(owner.createElementNS(rpid, "on-the-phone"));
  }
  return [person, ...others].map(serialise);
}
