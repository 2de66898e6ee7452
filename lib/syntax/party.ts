import { endOfRun, endsInToken, plainHost, plainParameters, plainUser } from "./characters.ts";
import { type Fault, isFault } from "./fault.ts";
import { type NameAddress, parseNameAddress, tagOf } from "./name-address.ts";
import { parseUri } from "./uri.ts";

/** The address of a From or To with its tag. */
export interface Party {
  readonly address: NameAddress;
  readonly tag: string | undefined;
}

const tagPrefix = ";tag=";

/** Reads and checks a From or To. What nearly all phones write is read in one pass; anything else by the general readers. */
export function readParty(value: string): Party | Fault {
  return readUsual(value) ?? readAny(value);
}

function readAny(value: string): Party | Fault {
  const address = parseNameAddress(value);
  if (isFault(address)) return address;
  const uri = parseUri(address.uri);
  return isFault(uri) ? uri : { address, tag: tagOf(address) };
}

/** `"Name" <sip:user@host;parameters>;tag=token` or a part of that; undefined for what needs a closer look. */
function readUsual(value: string): Party | undefined {
  const open = startOfUri(value);
  if (open < 0 || !value.startsWith("sip:", open + 1)) return undefined;
  const close = endOfUri(value, open + 5);
  if (close < 0) return undefined;
  const isTagged = value.startsWith(tagPrefix, close + 1);
  const tagAt = close + 1 + tagPrefix.length;
  if (isTagged ? !endsInToken(value, tagAt) : close + 1 !== value.length) return undefined;
  const tag = isTagged ? value.slice(tagAt) : undefined;
  const displayName = open === 0 ? undefined : value.slice(0, open).trimEnd();
  return { address: { displayName, uri: value.slice(open + 1, close), parameters: tag === undefined ? [] : [["tag", tag]] }, tag };
}

/** Where the `<` stands: first, or behind a quoted name without escapes. */
function startOfUri(value: string): number {
  if (value.charCodeAt(0) === 60) return 0;
  if (value.charCodeAt(0) !== 34 || value.includes("\\")) return -1;
  const end = value.indexOf('"', 1) + 1;
  const open = value.charCodeAt(end) === 32 ? end + 1 : end;
  return end > 1 && value.charCodeAt(open) === 60 ? open : -1;
}

/** Where the `>` stands behind `user@host` and plain parameters. */
function endOfUri(value: string, from: number): number {
  const at = endOfRun(value, from, plainUser);
  if (at === from || value.charCodeAt(at) !== 64) return -1;
  let end = endOfRun(value, at + 1, plainHost);
  if (!isPlainHost(value, at + 1, end)) return -1;
  if (value.charCodeAt(end) === 59) {
    const parameters = end;
    end = endOfRun(value, parameters, plainParameters);
    if (!arePlainParameters(value.slice(parameters, end))) return -1;
  }
  return value.charCodeAt(end) === 62 ? end : -1;
}

/** None is empty, begins or ends with its equals sign, or has two of them. */
function arePlainParameters(text: string): boolean {
  return !/;;|;=|=;|=[^;]*=|[;=]$/.test(text);
}

/** Ends with a letter, and has no empty label nor one that begins or ends with a hyphen. */
export function isPlainHost(value: string, from: number, to: number): boolean {
  if (to === from || value.charCodeAt(to - 1) < 65) return false;
  let before = 46;
  for (let at = from; at < to; at += 1) {
    const code = value.charCodeAt(at);
    if (code < 47 && (before === 46 || (code === 46 && before === 45))) return false;
    before = code;
  }
  return true;
}
