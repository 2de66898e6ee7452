import type { Attr, Element, Node } from "@xmldom/xmldom";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { childrenOf } from "./xml.ts";

/** The result of a selector: an element, one of its attributes, or a text in it. */
export type Located =
  | { readonly kind: "element"; readonly element: Element }
  | { readonly kind: "attribute"; readonly owner: Element; readonly attribute: Attr }
  | { readonly kind: "text"; readonly text: Node };

/** Characters. */
const maxSelector = 1000;
const maxConditions = 10;
const textNode = 3;
const name = String.raw`(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)`;
const value = String.raw`(?:'([^']*)'|"([^"]*)")`;
const stepPattern = new RegExp(String.raw`^(?:${name}|\*)((?:\[[^[\]]*\])*)$`);
const positionPattern = /^\[(\d{1,9})\]$/;
const attributePattern = new RegExp(`^\\[@${name}=${value}\\]$`);
const childPattern = new RegExp(`^\\[(?:${name}|\\.)=${value}\\]$`);

/**
 * The one node that a selector leads to from the root of a document (RFC 5261 §4.1): steps by name or `*`, with conditions on position,
 * attributes, children and content; at the end `text()` or an attribute. Comments, processing instructions and `id()` are not supported.
 * @param operation whose namespaces apply (§4.2.2)
 */
export function locate(root: Element, operation: Element, selector: string): Located | Fault {
  if (selector.length > maxSelector) return fault(400, `a selector is longer than ${maxSelector} characters`);
  const [first = "", ...steps] = stepsIn(selector.replace(/^\//, ""));
  const last = /^(?:text\(\)|@)/.test(steps.at(-1) ?? "") ? steps.pop() : undefined;
  let found: readonly Element[] | Fault = take([root], operation, first);
  for (const step of steps)
    if (!isFault(found))
      found = take(
        found.flatMap((element) => childrenOf(element)),
        operation,
        step,
      );
  if (isFault(found)) return found;
  const nodes = last === undefined ? found.map((element): Located => ({ kind: "element", element })) : leaves(found, operation, last);
  const [node] = nodes;
  return node !== undefined && nodes.length === 1 ? node : fault(400, `${selector} leads to ${nodes.length} nodes`);
}

/** The elements of one step; positions are counted among siblings. */
function take(elements: readonly Element[], operation: Element, step: string): Element[] | Fault {
  const [, prefix, local, conditions = ""] = stepPattern.exec(step) ?? [];
  if (local === undefined && !step.startsWith("*")) return fault(400, `a selector has an unknown step: ${step}`);
  const isNamed = (element: Element) => local === undefined || isOf(element, operation, prefix, local);
  let taken = elements.filter(isNamed);
  const written = conditions.match(/\[[^[\]]*\]/g) ?? [];
  if (written.length > maxConditions) return fault(400, `a selector has more than ${maxConditions} conditions on one step`);
  for (const condition of written) {
    const fits = fitting(condition, operation);
    if (fits === undefined) return fault(400, `a selector has an unknown condition: ${condition}`);
    const siblings = byParent(taken);
    taken = taken.filter((element) => fits(element, siblings.get(element.parentNode) ?? []));
  }
  return taken;
}

function byParent(elements: readonly Element[]): ReadonlyMap<Node | null, readonly Element[]> {
  const families = new Map<Node | null, Element[]>();
  for (const element of elements) {
    const family = families.get(element.parentNode);
    if (family === undefined) families.set(element.parentNode, [element]);
    else family.push(element);
  }
  return families;
}

function fitting(condition: string, operation: Element): ((element: Element, siblings: readonly Element[]) => boolean) | undefined {
  const [, position] = positionPattern.exec(condition) ?? [];
  if (position !== undefined) return (element, siblings) => siblings[Number(position) - 1] === element;
  const [ofAttribute, prefix, local = "", single, double] = attributePattern.exec(condition) ?? [];
  if (ofAttribute !== undefined) return (element) => attributeOf(element, operation, prefix, local)?.value === (single ?? double);
  const [ofChild, childPrefix, child, one, two] = childPattern.exec(condition) ?? [];
  if (ofChild === undefined) return undefined;
  const text = one ?? two;
  if (child === undefined) return (element) => element.textContent === text;
  return (element) => childrenOf(element).some((each) => isOf(each, operation, childPrefix, child) && each.textContent === text);
}

function leaves(elements: readonly Element[], operation: Element, step: string): Located[] {
  const [, prefix, local] = new RegExp(`^@${name}$`).exec(step) ?? [];
  if (local === undefined) {
    const texts = elements.flatMap((element) => [...element.childNodes].filter(({ nodeType }) => nodeType === textNode));
    const [, position] = /^text\(\)\[(\d{1,9})\]$/.exec(step) ?? [];
    const chosen = position === undefined ? texts : texts.slice(Number(position) - 1, Number(position));
    return step.startsWith("text()") ? chosen.map((text): Located => ({ kind: "text", text })) : [];
  }
  return elements.flatMap((owner): Located[] => {
    const attribute = attributeOf(owner, operation, prefix, local);
    return attribute === undefined ? [] : [{ kind: "attribute", owner, attribute }];
  });
}

/** A name without a prefix is in the default namespace of the patch document. */
function isOf(element: Element, operation: Element, prefix: string | undefined, local: string): boolean {
  return element.localName === local && (element.namespaceURI ?? "") === (operation.lookupNamespaceURI(prefix ?? "") ?? "");
}

/** An attribute without a prefix is in no namespace. */
function attributeOf(element: Element, operation: Element, prefix: string | undefined, local: string): Attr | undefined {
  const namespace = prefix === undefined ? null : operation.lookupNamespaceURI(prefix);
  return element.getAttributeNodeNS(namespace, local) ?? undefined;
}

/** The steps of a selector; a slash in a condition's value is not a separator. */
function stepsIn(selector: string): string[] {
  const steps: string[] = [];
  let from = 0;
  let quote = "";
  let isCondition = false;
  for (let at = 0; at <= selector.length; at += 1) {
    const character = selector.charAt(at);
    if (quote !== "") quote = character === quote ? "" : quote;
    else if (isCondition && (character === "'" || character === '"')) quote = character;
    else if (character === "[") isCondition = true;
    else if (character === "]") isCondition = false;
    if (at < selector.length && (character !== "/" || isCondition)) continue;
    if (at > from) steps.push(selector.slice(from, at));
    from = at + 1;
  }
  return steps;
}
