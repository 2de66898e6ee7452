import { DOMParser, type Document, type Element, XMLSerializer } from "@xmldom/xmldom";
import { type Fault, fault } from "../syntax/fault.ts";

/** Elements of one document: more would be an attack and no presence. */
const mostElements = 500;

/**
 * The root of an XML document, which must be of this name and namespace. Documents with a DOCTYPE are refused: entities could grow
 * without end, or fetch what is none of theirs.
 */
export function parseXml(text: string, namespace: string, name: string): Element | Fault {
  if (/<!(?!--|\[CDATA\[)/.test(text)) return fault(400, "documents with a DOCTYPE are not taken");
  if ((text.match(/<[^/!?]/g) ?? []).length > mostElements) return fault(400, `more than ${mostElements} elements`);
  const root = documentOf(text)?.documentElement;
  if (root === null || root === undefined) return fault(400, "the body is not well-formed XML");
  return root.namespaceURI === namespace && root.localName === name ? root : fault(400, `the body is not a ${name} of ${namespace}`);
}

/** Child elements, in document order. */
export function childrenOf(element: Element, namespace?: string, name?: string): Element[] {
  const children: Element[] = [];
  for (let child = element.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeType !== elementNode) continue;
    const found = child as Element;
    if ((namespace === undefined || found.namespaceURI === namespace) && (name === undefined || found.localName === name))
      children.push(found);
  }
  return children;
}

/** An element as text, with the namespaces it uses declared on it. */
export function serialise(element: Element): string {
  return new XMLSerializer().serializeToString(element);
}

/** A text for content or an attribute's value. */
export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => escapes[character] ?? character);
}

const elementNode = 1;
const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function documentOf(text: string): Document | undefined {
  let isWellFormed = true;
  const onError = (level: string) => {
    if (level !== "warning") isWellFormed = false;
  };
  try {
    const document = new DOMParser({ onError }).parseFromString(text, "application/xml");
    return isWellFormed ? document : undefined;
  } catch (error) {
    if (!isParseError(error)) throw error;
    return undefined;
  }
}

/** What the parser throws at text that is no XML. */
function isParseError(error: unknown): boolean {
  return error instanceof Error && error.name === "ParseError";
}
