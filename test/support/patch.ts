import { DOMParser, type Document, type Element, type Node, XMLSerializer } from "@xmldom/xmldom";

/**
 * Applies a pidf-diff document to a presence document as a watcher would (RFC 5262 §4, RFC 5261 §4): the little of XPath that selectors
 * need here, which are steps with or without an id, `*`, and `text()`.
 */
export function applyPidfDiff(document: string, diff: string): string {
  const target = new DOMParser().parseFromString(document, "application/xml");
  const root = rootOf(new DOMParser().parseFromString(diff, "application/xml"));
  for (const operation of elementsIn(root)) apply(target, operation);
  return new XMLSerializer().serializeToString(target);
}

/** A document as one text for all that mean the same: without prefixes, declarations, and the white space between elements. */
export function canonical(document: string): string {
  return JSON.stringify(shape(rootOf(new DOMParser().parseFromString(document, "application/xml"))));
}

function apply(target: Document, operation: Element): void {
  const selector = operation.getAttribute("sel") ?? "";
  const found = select(target, operation, selector);
  const content = [...operation.childNodes].map((node) => target.importNode(node, true));
  switch (operation.localName) {
    case "remove":
      found.parentNode?.removeChild(found);
      return;
    case "replace":
      if (selector.endsWith("text()")) found.nodeValue = operation.textContent;
      else for (const node of content) found.parentNode?.replaceChild(node, found);
      return;
    case "add": {
      const pos = operation.getAttribute("pos");
      for (const node of content) {
        if (pos === "prepend") found.insertBefore(node, found.firstChild);
        else if (pos === "after") found.parentNode?.insertBefore(node, found.nextSibling);
        else found.appendChild(node);
      }
      return;
    }
    default:
      throw new Error(`no patch operation: ${operation.localName}`);
  }
}

/** RFC 5261 §4.1: exactly one node, or it is an error. */
function select(target: Document, operation: Element, selector: string): Node {
  let nodes: Node[] = [target];
  for (const step of selector.split("/")) nodes = nodes.flatMap((node) => taken(node, operation, step));
  const [node, another] = nodes;
  if (node === undefined || another !== undefined) throw new Error(`${selector} selects ${nodes.length} nodes`);
  return node;
}

function taken(node: Node, operation: Element, step: string): Node[] {
  if (step === "text()") return [...(node.childNodes ?? [])].filter(({ nodeType }) => nodeType === 3);
  if (step === "*") return elementsIn(node);
  const [, prefix, name, id] = /^(?:([\w-]+):)?([\w-]+)(?:\[@id='([^']*)'\])?$/.exec(step) ?? [];
  if (name === undefined) throw new Error(`a step that this applier does not know: ${step}`);
  // RFC 5261 §4.2.2: a name without a prefix is in the default namespace of the diff.
  const namespace = operation.lookupNamespaceURI(prefix ?? "");
  return elementsIn(node).filter(
    (child) => child.localName === name && child.namespaceURI === namespace && (id === undefined || child.getAttribute("id") === id),
  );
}

function shape(element: Element): unknown {
  const children = elementsIn(element);
  const attributes = [...element.attributes]
    .filter(({ namespaceURI }) => namespaceURI !== "http://www.w3.org/2000/xmlns/")
    .map(({ namespaceURI, localName, value }) => [namespaceURI ?? "", localName, value])
    .sort();
  return [element.namespaceURI, element.localName, attributes, children.length > 0 ? children.map(shape) : element.textContent];
}

function elementsIn(node: Node): Element[] {
  return [...(node.childNodes ?? [])].filter(({ nodeType }) => nodeType === 1) as Element[];
}

function rootOf(document: Document): Element {
  if (document.documentElement === null) throw new Error("a document without a root");
  return document.documentElement;
}
