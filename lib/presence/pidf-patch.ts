import type { Element, Node } from "@xmldom/xmldom";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { partialType } from "./event-package.ts";
import { pidf } from "./pidf-elements.ts";
import { refusePidf } from "./pidf.ts";
import { type Located, locate } from "./selector.ts";
import { childrenOf, escape, parseXml, serialise, serialiseWithin } from "./xml.ts";

const pidfDiff = "urn:ietf:params:xml:ns:pidf-diff";

/**
 * The presence document in a published body, or why there is none: the body itself, or a partial one (RFC 5264 §4.3).
 * @param stored the document that the publication had before
 * @param longest maximum characters of the document
 */
export function readPublished(type: string, body: string, stored: string | undefined, longest = Number.POSITIVE_INFINITY): string | Fault {
  if (type !== partialType) return refusePidf(body) ?? body;
  const full = parseXml(body, pidfDiff, "pidf-full");
  const patched = () => (stored === undefined ? fault(400, "a partial document needs an earlier full one") : patchPidf(stored, body));
  const text = isFault(full) ? patched() : documentOf(full, longest);
  return isFault(text) ? text : (refusePidf(text) ?? text);
}

/**
 * The document as it is stored. Each child declares its namespaces itself, as in the document that watchers get: so it is as long here as it
 * will be there, and limits hold for both.
 */
export function storedPidf(document: string, longest: number): string | Fault {
  const root = parseXml(document, pidf, "presence");
  return isFault(root) ? root : documentOf(root, longest);
}

/** A presence document with the children of this element: of another one, or of a full state in the partial format (RFC 5262 §3). */
function documentOf(root: Element, longest: number): string | Fault {
  const children = serialiseWithin(childrenOf(root), longest);
  if (children === undefined) return fault(413, `event state may have at most ${longest} characters, with the namespaces of each element`);
  return `<presence xmlns="${pidf}" entity="${escape(root.getAttribute("entity") ?? "")}">${children}</presence>`;
}

/** A presence document with all operations of a pidf-diff applied in order (RFC 5262 §4, RFC 5261 §4.3 to §4.5), or none of them. */
function patchPidf(document: string, body: string): string | Fault {
  const diff = parseXml(body, pidfDiff, "pidf-diff");
  if (isFault(diff)) return diff;
  const root = parseXml(document, pidf, "presence");
  if (isFault(root)) throw new Error(`a document that was taken before is at fault: ${root.fault}`);
  for (const operation of childrenOf(diff)) {
    const refusal = apply(root, operation);
    if (refusal !== undefined) return refusal;
  }
  return serialise(root);
}

function apply(root: Element, operation: Element): Fault | undefined {
  if (operation.namespaceURI !== pidfDiff) return fault(400, `${operation.nodeName} is not a patch operation`);
  const found = locate(root, operation, operation.getAttribute("sel") ?? "");
  if (isFault(found)) return found;
  switch (operation.localName) {
    case "add":
      return add(found, operation, root);
    case "replace":
      return replace(found, operation, root);
    case "remove":
      return remove(found, root);
    default:
      return fault(400, `${operation.nodeName} is not a patch operation`);
  }
}

/** RFC 5261 §4.3. */
function add(found: Located, operation: Element, root: Element): Fault | undefined {
  if (found.kind !== "element") return fault(400, "only an element can be the target of add");
  const { element } = found;
  const [pos, type] = [operation.getAttribute("pos"), operation.getAttribute("type")];
  if (type !== null) {
    const [, name] = /^@([A-Za-z_][\w.-]*)$/.exec(type) ?? [];
    if (name === undefined || name.startsWith("xml")) return fault(400, `unknown type of addition: ${type}`);
    element.setAttribute(name, operation.textContent ?? "");
    return undefined;
  }
  if (pos !== null && !["before", "after", "prepend"].includes(pos)) return fault(400, `unknown position: ${pos}`);
  const isBeside = pos === "before" || pos === "after";
  if (isBeside && element === root) return fault(400, "a document has only one root");
  const parent = isBeside ? element.parentNode : element;
  const places: Readonly<Record<string, Node | null>> = { before: element, after: element.nextSibling, prepend: element.firstChild };
  for (const node of contentOf(operation, root)) parent?.insertBefore(node, places[pos ?? ""] ?? null);
  return undefined;
}

/** RFC 5261 §4.4. */
function replace(found: Located, operation: Element, root: Element): Fault | undefined {
  if (found.kind === "attribute") found.attribute.value = operation.textContent ?? "";
  else if (found.kind === "text") found.text.nodeValue = operation.textContent ?? "";
  else {
    const [next, another] = childrenOf(operation);
    if (next === undefined || another !== undefined) return fault(400, "one element can only be replaced by one element");
    if (found.element === root) return fault(400, "the root cannot be replaced");
    found.element.parentNode?.replaceChild(ownedBy(next, root), found.element);
  }
  return undefined;
}

/** RFC 5261 §4.5; white space beside the removed node stays, which has no meaning here. */
function remove(found: Located, root: Element): Fault | undefined {
  if (found.kind === "attribute") found.owner.removeAttributeNode(found.attribute);
  else if (found.kind === "text") found.text.parentNode?.removeChild(found.text);
  else if (found.element === root) return fault(400, "the root cannot be removed");
  else found.element.parentNode?.removeChild(found.element);
  return undefined;
}

function contentOf(operation: Element, root: Element): Node[] {
  return [...operation.childNodes].map((node) => ownedBy(node, root));
}

function ownedBy(node: Node, { ownerDocument }: Element): Node {
  return ownerDocument === null ? node : ownerDocument.importNode(node, true);
}
