import { endOfPlainHost, endOfRun, isTokenBetween, plainParameters, plainUser } from "./characters.ts";
import { type Fault, isFault } from "./fault.ts";
import { type NameAddress, parseNameAddress, tagOf } from "./name-address.ts";
import type { Parameters } from "./parameters.ts";
import { parseUri } from "./uri.ts";

/** The address of a From or To with its tag. */
export interface Party {
  readonly address: NameAddress;
  readonly tag: string | undefined;
}

const tagPrefix = ";tag=";
const noParameters: Parameters = [];

/** Reads and checks any From or To. */
export function parseParty(value: string): Party | Fault {
  const address = parseNameAddress(value);
  if (isFault(address)) return address;
  const uri = parseUri(address.uri);
  return isFault(uri) ? uri : { address, tag: tagOf(address) };
}

/**
 * The From or To between two places of a text, if it is `"Name" <sip:user@host;parameters>;tag=token` or a part of that, as
 * nearly all phones write it; undefined for what needs a closer look.
 */
export function usualParty(text: string, from: number, to: number): Party | undefined {
  const open = startOfUri(text, from);
  if (open < 0 || !text.startsWith("sip:", open + 1)) return undefined;
  const close = endOfUri(text, open + 5);
  if (close < 0) return undefined;
  const uri = text.slice(open + 1, close);
  const displayName = open === from ? undefined : text.slice(from, text.charCodeAt(open - 1) === 32 ? open - 1 : open);
  if (close + 1 === to) return { address: { displayName, uri, parameters: noParameters }, tag: undefined };
  const tagAt = close + 1 + tagPrefix.length;
  if (!text.startsWith(tagPrefix, close + 1) || !isTokenBetween(text, tagAt, to)) return undefined;
  const tag = text.slice(tagAt, to);
  return { address: { displayName, uri, parameters: [["tag", tag]] }, tag };
}

/** Where the `<` stands: first, or behind a quoted name without escapes; -1 otherwise. */
function startOfUri(text: string, from: number): number {
  if (text.charCodeAt(from) === 60) return from;
  if (text.charCodeAt(from) !== 34) return -1;
  let at = from + 1;
  for (let code = text.charCodeAt(at); code !== 34; code = text.charCodeAt(at)) {
    if (code < 32 || code === 92 || at >= text.length) return -1;
    at += 1;
  }
  at += text.charCodeAt(at + 1) === 32 ? 2 : 1;
  return text.charCodeAt(at) === 60 ? at : -1;
}

/** Where the `>` stands behind `user@host` and plain parameters; -1 if anything else does. */
function endOfUri(text: string, from: number): number {
  const at = endOfRun(text, from, plainUser);
  if (at === from || text.charCodeAt(at) !== 64) return -1;
  const host = endOfPlainHost(text, at + 1);
  if (host < 0 || text.charCodeAt(host) === 62) return host;
  const end = endOfRun(text, host, plainParameters);
  return text.charCodeAt(end) === 62 && arePlainParameters(text.slice(host, end)) ? end : -1;
}

/** Each begins with a semicolon; none is empty, begins or ends with its equals sign, or has two of them. */
function arePlainParameters(text: string): boolean {
  return text.startsWith(";") && !/;;|;=|=;|=[^;]*=|[;=]$/.test(text);
}
