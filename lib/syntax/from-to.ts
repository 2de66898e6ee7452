import { type Fault, fault, isFault } from "./fault.ts";
import { type NameAddress, parseNameAddress, tagOf } from "./name-address.ts";
import type { Parameters } from "./parameters.ts";
import { parseUri } from "./uri.ts";
import { fits, fastFromToValue } from "./fast-path.ts";

/** The address of a From or To with its tag. */
export interface FromToHeader {
  readonly address: NameAddress;
  readonly tag: string | undefined;
}

const tagPrefix = ";tag=";
const noParameters: Parameters = [];

/** Parses and checks any From or To. */
export function parseFromTo(value: string): FromToHeader | Fault {
  const address = parseNameAddress(value);
  if (isFault(address)) return address;
  const uri = parseUri(address.uri);
  if (isFault(uri)) return uri;
  if (!hasClearTag(address.parameters)) return fault(400, "a tag has no value, or is repeated");
  const tag = tagOf(address);
  return tag !== undefined && beyondAscii.test(tag) ? fault(400, "a tag has characters that are not ASCII") : { address, tag };
}

/** No token has them (RFC 3261 §25.1). What ends a call later has to write the tag as it is. */
const beyondAscii = /[^ -~]/;

/**
 * The From or To between two places of a text, if it is `"Name" <sip:user@host;parameters>;tag=token` or a part of that, the usual
 * spelling; undefined if the general reader is needed.
 */
export function fastFromTo(text: string, from: number, to: number): FromToHeader | undefined {
  if (!fits(fastFromToValue, text, from, to)) return undefined;
  const open = text.indexOf("<", from);
  const close = text.indexOf(">", open);
  const uri = text.slice(open + 1, close);
  const displayName = open === from ? undefined : text.slice(from, text.charCodeAt(open - 1) === 32 ? open - 1 : open);
  if (close + 1 === to) return { address: { displayName, uri, parameters: noParameters }, tag: undefined };
  const tag = text.slice(close + 1 + tagPrefix.length, to);
  return { address: { displayName, uri, parameters: [["tag", tag]] }, tag };
}

/** Phones parse other tags differently: some would see a request as outside a dialog that we see inside one, or the reverse. */
function hasClearTag(parameters: Parameters): boolean {
  const [tag, ...more] = parameters.filter(([name]) => name.toLowerCase() === "tag");
  return more.length === 0 && (tag === undefined || tag[1] !== undefined);
}
