import type { Element } from "@xmldom/xmldom";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { childrenOf, escape, parseXml, serialise } from "./xml.ts";

const pidf = "urn:ietf:params:xml:ns:pidf";
const dataModel = "urn:ietf:params:xml:ns:pidf:data-model";
const rpid = "urn:ietf:params:xml:ns:pidf:rpid";

/** All that a user's presence is composed of. */
export interface PresenceSources {
  /** The presentity: `sip:bob@example.com`. */
  readonly entity: string;
  /** Published documents, oldest first. */
  readonly published: readonly string[];
  /** Whether a phone of the user can be reached. */
  readonly isReachable: boolean;
  /** Whether he is in a call. */
  readonly isOnThePhone: boolean;
}

/** Whether a published body is a presence document that can be composed with others; or why not. */
export function refusePidf(body: string): Fault | undefined {
  const root = parseXml(body, pidf, "presence");
  if (isFault(root)) return root;
  const hasIds = childrenOf(root, pidf, "tuple").every((tuple) => /^[A-Za-z_][\w.-]{0,100}$/.test(tuple.getAttribute("id") ?? ""));
  return hasIds ? undefined : fault(400, "a tuple without a usable id");
}

/**
 * The presence document (RFC 3863) of all sources, by the data model of RFC 4479: services (tuples) and devices of every publication,
 * the person of the newest. Where nobody has published a service, registration tells whether the user can be reached; a call in
 * progress is an activity (RFC 4480 §3.2). What is not known stays as it was published.
 */
export function composePidf({ entity, published, isReachable, isOnThePhone }: PresenceSources): string {
  const roots = published.flatMap((body) => rootOf(body));
  const ids = new Set<string>();
  const tuples = roots.flatMap((root) => childrenOf(root, pidf, "tuple")).map((tuple) => withUniqueId(tuple, ids));
  const devices = roots.flatMap((root) => childrenOf(root, dataModel, "device")).map((device) => withUniqueId(device, ids));
  const persons = newest(roots, (root) => childrenOf(root, dataModel, "person")).map((person) => withUniqueId(person, ids));
  const notes = newest(roots, (root) => childrenOf(root, pidf, "note"));
  const services = tuples.length > 0 ? tuples.map(serialise) : [ownTuple(entity, isReachable)];
  const people = isOnThePhone ? onThePhone(persons, ids) : persons.map(serialise);
  return document(entity, [...services, ...notes.map(serialise), ...people, ...devices.map(serialise)]);
}

/** What an application says of a user. */
export interface ApplicationPresence {
  readonly open: boolean;
  /** An element of RFC 4480 §3.2. */
  readonly activity?: string | undefined;
  readonly note?: string | undefined;
}

export function applicationPidf(entity: string, { open, activity, note }: ApplicationPresence): string {
  const tuple = `<tuple id="application"><status><basic>${open ? "open" : "closed"}</basic></status></tuple>`;
  const notes = note === undefined ? [] : [`<note>${escape(note)}</note>`];
  const activities = `<activities xmlns="${rpid}"><${activity}/></activities>`;
  const person = activity === undefined ? [] : [`<person xmlns="${dataModel}" id="application-person">${activities}</person>`];
  return document(entity, [tuple, ...notes, ...person]);
}

/** What a watcher is told who shall not see anything, nor that he shall not (RFC 5025 §3.2.1 polite-block). */
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

function newest(roots: readonly Element[], parts: (root: Element) => Element[]): Element[] {
  return roots.map(parts).findLast((found) => found.length > 0) ?? [];
}

/** Ids of several documents may meet in one (RFC 3863 §4.1.2 wants them unique). */
function withUniqueId(element: Element, ids: Set<string>): Element {
  const id = element.getAttribute("id") ?? "element";
  let unique = id;
  for (let count = 2; ids.has(unique); count += 1) unique = `${id}-${count}`;
  ids.add(unique);
  if (unique !== id || !element.hasAttribute("id")) element.setAttribute("id", unique);
  return element;
}

/** The person, with on-the-phone among the activities. */
function onThePhone([person, ...others]: readonly Element[], ids: ReadonlySet<string>): string[] {
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
