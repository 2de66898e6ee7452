import type { Element } from "@xmldom/xmldom";
import { type Fault, fault, isFault } from "../syntax/fault.ts";
import { type Request, headerValue } from "../syntax/message.ts";
import { type ListEntry, maxName, maxUri, maxEntries } from "./resource-list.ts";
import { childrenOf, parseXml } from "./xml.ts";

const namespace = "urn:ietf:params:xml:ns:resource-lists";
/** RFC 4826 §3. */
export const recipientListType = "application/resource-lists+xml";

/** Characters that any URI may have (RFC 3986 §2): none of them breaks a line or a document. */
const isUriText = /^[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/;

/**
 * The resources in the body of a SUBSCRIBE (RFC 5367 §4, RFC 5363 §4). Nested lists are flattened, references to other documents are
 * ignored, and of resources that are named twice the first counts.
 * @param body as text
 */
export function readRecipientList(request: Request, body: string): readonly ListEntry[] | Fault {
  if (body === "") return fault(400, "the body with the list is missing");
  if (withoutParameters(headerValue(request, "content-disposition")) !== "recipient-list")
    return fault(400, "the Content-Disposition of the list is not recipient-list");
  const root = parseXml(body, namespace, "resource-lists");
  if (isFault(root)) return root;
  const entries = new Map<string, ListEntry>();
  for (const element of entriesIn(root)) {
    const uri = element.getAttribute("uri") ?? "";
    if (!isUriText.test(uri) || uri.length > maxUri) return fault(400, `an entry needs a URI of up to ${maxUri} characters`);
    const name = childrenOf(element, namespace, "display-name")[0]?.textContent?.trim().slice(0, maxName) ?? "";
    if (!entries.has(uri)) entries.set(uri, name === "" ? { uri } : { uri, name });
  }
  if (entries.size > maxEntries) return fault(413, `the list has more than ${maxEntries} resources`);
  return [...entries.values()];
}

function entriesIn(element: Element): Element[] {
  return childrenOf(element, namespace).flatMap((child) => {
    if (child.localName === "entry") return [child];
    return child.localName === "list" ? entriesIn(child) : [];
  });
}

function withoutParameters(value: string | undefined): string | undefined {
  return value?.split(";")[0]?.trim().toLowerCase();
}
