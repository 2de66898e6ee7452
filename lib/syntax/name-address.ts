import { isToken } from "./characters.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { type Parameters, parameter, parseParameters } from "./parameters.ts";

/** A name-addr or addr-spec with the parameters of its header (RFC 3261 §20.10). */
export interface NameAddress {
  /** As written, quotes kept. */
  readonly displayName: string | undefined;
  /** As written, without angle brackets. */
  readonly uri: string;
  /** Of the header, not of the URI. */
  readonly parameters: Parameters;
}

/** Parses From, To, Contact, Route and similar headers. Without angle brackets, `;` and `?` end the URI (RFC 3261 §20). */
export function parseNameAddress(text: string): NameAddress | Fault {
  const open = openingAngle(text);
  if (open < -1) return fault(400, "a quoted string is not closed");
  if (open === -1) return parseAddressSpec(text);
  const displayName = text.slice(0, open).trim();
  if (!isDisplayName(displayName)) return fault(400, "a display name is malformed");
  const close = text.indexOf(">", open);
  if (close < 0) return fault(400, "an angle bracket is not closed");
  const parameters = parseParameters(text.slice(close + 1).trim());
  if (isFault(parameters)) return parameters;
  const uri = text.slice(open + 1, close);
  if (uri === "" || /[\s<"]/.test(uri)) return fault(400, "a URI in angle brackets is malformed");
  return { displayName: displayName === "" ? undefined : displayName, uri, parameters };
}

export function tagOf(address: NameAddress): string | undefined {
  return parameter(address.parameters, "tag");
}

/** The position of `<` outside quotes; -1 if there is none, -2 if a quote stays open. */
function openingAngle(text: string): number {
  if (text.charCodeAt(0) !== 34) return text.indexOf("<");
  for (let at = 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 92) at += 1;
    else if (code === 34) return text.indexOf("<", at);
  }
  return -2;
}

function parseAddressSpec(text: string): NameAddress | Fault {
  const semicolon = text.indexOf(";");
  const uri = (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
  if (uri === "" || /[\s<>",?]/.test(uri)) return fault(400, "an address is malformed");
  const parameters = semicolon < 0 ? [] : parseParameters(text.slice(semicolon).trim());
  return isFault(parameters) ? parameters : { displayName: undefined, uri, parameters };
}

/** A quoted string, or tokens with white space between them (RFC 3261 §25.1; other characters of UTF-8 are accepted). */
function isDisplayName(name: string): boolean {
  if (name === "" || (name.startsWith('"') && name.endsWith('"') && name.length > 1)) return true;
  return !name.includes('"') && name.split(/[ \t]+/).every((word) => isToken(word) || [...word].some((character) => character > "\u007f"));
}
