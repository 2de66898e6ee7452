import type { Element } from "@xmldom/xmldom";
import { isFault } from "../syntax/fault.ts";
import { pidf } from "./pidf-elements.ts";
import { childrenOf, escape, parseXml, serialise } from "./xml.ts";

const pidfDiff = "urn:ietf:params:xml:ns:pidf-diff";
const xmlns = "http://www.w3.org/2000/xmlns/";
/** Text, and CDATA sections. */
const [textNode, cdataNode] = [3, 4];

/** Prefixes of the other namespaces in selectors; names in the namespace of PIDF have none (RFC 5261 §4.2.2). */
type Prefixes = Map<string, string>;

/** The changes from one presence document to another: patch operations (RFC 5261 §4.3 to §4.5), and the prefixes that they use. */
export interface PidfChanges {
  readonly operations: string;
  readonly prefixes: ReadonlyMap<string, string>;
}

/** RFC 5262 §3: the full state of a presence document that we composed. */
export function fullPidf(document: string, version: number): string {
  const [start, end] = [document.indexOf("<presence "), document.lastIndexOf("</presence>")];
  const tagEnd = document.indexOf(">", start);
  if (start < 0 || tagEnd < 0 || end < tagEnd) throw new Error("this is no presence document of ours");
  const [attributes, children] = [document.slice(start + "<presence ".length, tagEnd), document.slice(tagEnd + 1, end)];
  return `${declaration}<p:pidf-full xmlns:p="${pidfDiff}" version="${version}" ${attributes}>${children}</p:pidf-full>\r\n`;
}

/** RFC 5262 §3: the changes since the document of the previous version. */
export function partialPidf(entity: string, { operations, prefixes }: PidfChanges, version: number): string {
  const namespaces = [...prefixes].map(([namespace, prefix]) => ` xmlns:${prefix}="${escape(namespace)}"`).join("");
  const attributes = `xmlns:p="${pidfDiff}" xmlns="${pidf}"${namespaces} entity="${escape(entity)}" version="${version}"`;
  return `${declaration}<p:pidf-diff ${attributes}>${operations}</p:pidf-diff>\r\n`;
}

/**
 * The operations that change one presence document into another, in order; undefined if operations cannot express it, or are longer than
 * the full state.
 */
export function changesOfPidf(before: string, after: string): PidfChanges | undefined {
  const [old, next] = [parseXml(before, pidf, "presence"), parseXml(after, pidf, "presence")];
  if (isFault(old) || isFault(next)) return undefined;
  const known: Prefixes = new Map();
  const operations = changesOf(old, next, "*", known)?.join("");
  if (operations === undefined) return undefined;
  const changes = { operations, prefixes: new Map([...known].filter(([, prefix]) => operations.includes(`${prefix}:`))) };
  const entity = next.getAttribute("entity") ?? "";
  return partialPidf(entity, changes, 0).length < fullPidf(after, 0).length ? changes : undefined;
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\r\n';

/** Undefined: an element must be replaced as a whole. */
function changesOf(old: Element, next: Element, path: string, prefixes: Prefixes): string[] | undefined {
  if (serialise(old) === serialise(next)) return [];
  if (nameOf(old) !== nameOf(next) || attributesOf(old) !== attributesOf(next)) return undefined;
  const [oldChildren, nextChildren] = [childrenOf(old), childrenOf(next)];
  if (oldChildren.length + nextChildren.length === 0) return changedText(old, next, path);
  if (hasText(old) || hasText(next)) return undefined;
  const [oldSteps, nextSteps] = [stepsOf(oldChildren, prefixes), stepsOf(nextChildren, prefixes)];
  if (oldSteps === undefined || nextSteps === undefined) return undefined;
  const stayed = [...oldSteps.keys()].filter((step) => nextSteps.has(step));
  if (stayed.join() !== [...nextSteps.keys()].filter((step) => oldSteps.has(step)).join()) return undefined;
  const removed = [...oldSteps.keys()].filter((step) => !nextSteps.has(step));
  return [
    ...removed.map((step) => `<p:remove sel="${escape(`${path}/${step}`)}"/>`),
    ...stayed.flatMap((step) => changedChild(oldSteps.get(step) as Element, nextSteps.get(step) as Element, `${path}/${step}`, prefixes)),
    ...added(oldSteps, nextSteps, path),
  ];
}

/** In parts or as a whole, the shorter one. */
function changedChild(old: Element, next: Element, path: string, prefixes: Prefixes): string {
  const parts = changesOf(old, next, path, prefixes)?.join("");
  const whole = `<p:replace sel="${escape(path)}">${withinDiff(next)}</p:replace>`;
  return parts !== undefined && parts.length <= whole.length ? parts : whole;
}

/** Each is added after its predecessor in the new document, which exists by then. */
function added(oldSteps: ReadonlyMap<string, Element>, nextSteps: ReadonlyMap<string, Element>, path: string): string[] {
  const steps = [...nextSteps];
  return steps.flatMap(([step, child], index) => {
    if (oldSteps.has(step)) return [];
    const before = steps[index - 1]?.[0];
    const place = before === undefined ? `sel="${escape(path)}" pos="prepend"` : `sel="${escape(`${path}/${before}`)}" pos="after"`;
    return [`<p:add ${place}>${withinDiff(child)}</p:add>`];
  });
}

function changedText(old: Element, next: Element, path: string): string[] | undefined {
  const text = next.textContent ?? "";
  const isOne = old.childNodes.length === 1 && old.firstChild?.nodeType === textNode;
  if (!isOne || text === "") return undefined;
  return [`<p:replace sel="${escape(`${path}/text()`)}">${escape(text)}</p:replace>`];
}

/** An element as text, without the declaration of the diff's default namespace. */
function withinDiff(element: Element): string {
  const text = serialise(element);
  return element.prefix === null || element.prefix === "" ? text.replace(/^<[^>]*/, (tag) => tag.replace(` xmlns="${pidf}"`, "")) : text;
}

/** Children by selector steps (RFC 5261 §4.1) that each lead to one child only; undefined if there are no such steps. */
function stepsOf(children: readonly Element[], prefixes: Prefixes): Map<string, Element> | undefined {
  const steps = new Map<string, Element>();
  for (const child of children) {
    const step = stepTo(child, children, prefixes);
    if (step === undefined || steps.has(step)) return undefined;
    steps.set(step, child);
  }
  return steps;
}

function stepTo(child: Element, siblings: readonly Element[], prefixes: Prefixes): string | undefined {
  const { namespaceURI: namespace, localName } = child;
  if (namespace === null || namespace === "" || localName === null) return undefined;
  const name = namespace === pidf ? localName : `${prefixOf(namespace, prefixes)}:${localName}`;
  const id = child.getAttribute("id");
  if (id !== null) return /^[\w.-]+$/.test(id) ? `${name}[@id='${id}']` : undefined;
  return siblings.filter((sibling) => nameOf(sibling) === nameOf(child)).length === 1 ? name : undefined;
}

function prefixOf(namespace: string, prefixes: Prefixes): string {
  const prefix = prefixes.get(namespace) ?? `n${prefixes.size + 1}`;
  prefixes.set(namespace, prefix);
  return prefix;
}

function nameOf({ namespaceURI, localName }: Element): string {
  return `{${namespaceURI}}${localName}`;
}

/** Attributes that are not namespace declarations, in a fixed order. */
function attributesOf(element: Element): string {
  const attributes = [...element.attributes].filter(({ namespaceURI }) => namespaceURI !== xmlns);
  return JSON.stringify(attributes.map(({ namespaceURI, localName, value }) => [namespaceURI ?? "", localName, value]).sort());
}

/** Whether there is text that is not white space beside the elements. */
function hasText(element: Element): boolean {
  for (let child = element.firstChild; child !== null; child = child.nextSibling) {
    if ((child.nodeType === textNode || child.nodeType === cdataNode) && (child.nodeValue ?? "").trim() !== "") return true;
  }
  return false;
}
