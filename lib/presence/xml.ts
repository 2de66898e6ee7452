import { DOMParser, type Document, type Element, XMLSerializer } from "@xmldom/xmldom";
import { type Fault, fault } from "../syntax/fault.ts";

/** XML 1.0 §4.3.3: it is part of the encoding and not of the document. As a character, or as its octets of one character each. */
const byteOrderMark = /^(?:\ufeff|\u00ef\u00bb\u00bf)/;

/** Maximum elements of one document, against attacks: a list of 500 users (RFC 4826) has as many entries, some with a name, and two more. */
const maxElements = 1010;
/** Maximum characters of a declaration: written once, it is repeated with each element that is serialised by itself. */
const maxDeclaration = 300;

/**
 * The root of an XML document, which must have this name and namespace. Documents with a DOCTYPE are refused: entities could grow without
 * limit, or fetch other resources.
 */
export function parseXml(written: string, namespace: string, name: string): Element | Fault {
  const text = written.replace(byteOrderMark, "");
  if (/<!(?!--|\[CDATA\[)/.test(text)) return fault(400, "documents with a DOCTYPE are not accepted");
  if (!holdsCharactersOnly(text)) return fault(400, "the body has characters that XML does not allow");
  if (declarationLength(text) > maxDeclaration) return fault(400, `a namespace has more than ${maxDeclaration} characters`);
  if (countElements(text) > maxElements) return fault(400, `the body has more than ${maxElements} elements`);
  const root = documentOf(text)?.documentElement;
  if (root === null || root === undefined) return fault(400, "the body is not well-formed XML");
  return root.namespaceURI === namespace && root.localName === name ? root : fault(400, `the body is not a ${name} of ${namespace}`);
}

/** The characters of the longest declaration of a namespace: the name and its prefix. */
function declarationLength(text: string): number {
  const declarations = text.match(/\sxmlns(?::[^\s=]*)?\s*=\s*(?:"[^"]*"|'[^']*')/g) ?? [];
  return declarations.reduce((longest, { length }) => Math.max(longest, length), 0);
}

/** The number of start tags in a text, or of what looks like them. */
export function countElements(text: string): number {
  return (text.match(/<[^/!?]/g) ?? []).length;
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

/** An element as text, with declarations of the namespaces that it uses. */
export function serialise(element: Element): string {
  return new XMLSerializer().serializeToString(element);
}

/**
 * Elements as text, one after the other. Each declares its namespaces itself, so a short document may become a very long one.
 * @returns undefined if it is longer than this
 */
export function serialiseWithin(elements: readonly Element[], longest: number): string | undefined {
  let text = "";
  for (const element of elements) {
    text += serialise(element);
    if (text.length > longest) return undefined;
  }
  return text;
}

/** A text for content or an attribute's value. Characters that XML does not allow are replaced. */
export function escape(text: string): string {
  return text.replace(noCharacter, "\ufffd").replace(/[&<>"]/g, (character) => escapes[character] ?? character);
}

/** All but the characters of XML 1.0 §2.2. Halves of surrogate pairs would make frames that are not UTF-8, which end their connection. */
const noCharacter = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Whether a text has only allowed characters, also as character references (XML 1.0 §4.1), which the parser does not check. */
function holdsCharactersOnly(text: string): boolean {
  const numbers = [...text.matchAll(/&#(x[\da-f]+|\d+);/gi)].map(([, number = ""]) => Number(number.replace(/^x/i, "0x")));
  if (numbers.some((number) => number > 0x10_ffff)) return false;
  return !`${text}${numbers.map((number) => String.fromCodePoint(number)).join("")}`.match(noCharacter);
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

/** The parser's error for text that is not XML. */
function isParseError(error: unknown): boolean {
  return error instanceof Error && error.name === "ParseError";
}
