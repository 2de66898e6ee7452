import type { Element } from "@xmldom/xmldom";
import { childrenOf } from "./xml.ts";

export const pidf = "urn:ietf:params:xml:ns:pidf";
export const dataModel = "urn:ietf:params:xml:ns:pidf:data-model";
export const rpid = "urn:ietf:params:xml:ns:pidf:rpid";

/** The elements of the newest document that has any of this kind. */
export function newest(roots: readonly Element[], parts: (root: Element) => Element[]): Element[] {
  return roots.map(parts).findLast((found) => found.length > 0) ?? [];
}

/** A device in the documents of two phones is one device (RFC 4479 §3.4): that of the newest document. */
export function newestDevices(roots: readonly Element[]): Element[] {
  const devices = new Map<string | Element, Element>();
  for (const device of roots.flatMap((root) => childrenOf(root, dataModel, "device"))) {
    const [id] = childrenOf(device, dataModel, "deviceID");
    devices.set(id?.textContent?.trim() ?? device, device);
  }
  return [...devices.values()];
}

/** Unknown elements beside services, persons and devices: those of one name are taken from the newest document that has them. */
export function newestOthers(roots: readonly Element[]): Element[] {
  const others = new Map<string, Element[]>();
  for (const root of roots) {
    const found = new Map<string, Element[]>();
    for (const child of childrenOf(root)) {
      const { namespaceURI, localName } = child;
      if (namespaceURI === pidf || (namespaceURI === dataModel && (localName === "person" || localName === "device"))) continue;
      const name = `{${namespaceURI}}${localName}`;
      found.set(name, [...(found.get(name) ?? []), child]);
    }
    for (const [name, children] of found) others.set(name, children);
  }
  return [...others.values()].flat();
}

/** RFC 3863 §4.4, RFC 4479 §5.1.2. */
const ranks: Readonly<Record<string, number>> = { status: 0, contact: 2, deviceID: 2, note: 3, timestamp: 4 };

/** A service, person or device with its children in the order of the schemas, which not every phone keeps. */
export function inOrder(element: Element): Element {
  const rankOf = (child: Element) => (child.namespaceURI === element.namespaceURI ? ranks[child.localName ?? ""] : undefined) ?? 1;
  const children = childrenOf(element);
  const sorted = [...children].sort((one, other) => rankOf(one) - rankOf(other));
  if (sorted.some((child, index) => child !== children[index])) for (const child of sorted) element.appendChild(child);
  return element;
}

/** Makes ids unique (RFC 3863 §4.1.2) when documents are merged; every tuple, person and device has one. */
export function withUniqueIds(element: Element, ids: Map<string, number>, isWithin = false): Element {
  const written = element.getAttribute("id");
  if (!isWithin || written !== null) {
    const id = written !== null && isUsableId(written) ? written : "element";
    const unique = takeId(ids, id);
    if (unique !== written) element.setAttribute("id", unique);
  }
  // In an unknown namespace it is not known what an id refers to.
  for (const child of childrenOf(element, rpid)) withUniqueIds(child, ids, true);
  return element;
}

/**
 * The id itself, or with a number after it if it is already used.
 * @param ids how often each has been requested
 */
function takeId(ids: Map<string, number>, id: string): string {
  let count = ids.get(id) ?? 0;
  let unique = id;
  do {
    count += 1;
    unique = count === 1 ? id : `${id}-${count}`;
  } while (count > 1 && ids.has(unique));
  ids.set(id, count);
  if (unique !== id) ids.set(unique, 1);
  return unique;
}

/** Whether it is a valid xs:ID, and not too long. */
export function isUsableId(id: string): boolean {
  return /^[A-Za-z_][\w.-]{0,100}$/.test(id);
}
