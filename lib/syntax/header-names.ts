import { isToken } from "./characters.ts";
import { copyOf } from "./memoise.ts";

/** Compact forms (RFC 3261 §7.3.3 and the IANA registry). */
const compactForms: Readonly<Record<string, string>> = {
  a: "accept-contact",
  b: "referred-by",
  c: "content-type",
  d: "request-disposition",
  e: "content-encoding",
  f: "from",
  i: "call-id",
  j: "reject-contact",
  k: "supported",
  l: "content-length",
  m: "contact",
  n: "identity-info",
  o: "event",
  r: "refer-to",
  s: "subject",
  t: "to",
  u: "allow-events",
  v: "via",
  x: "session-expires",
  y: "identity",
};

/** Header fields whose value is a comma-separated list: only these are split (RFC 3261 §7.3.1). */
const lists = new Set([
  "accept",
  "accept-contact",
  "accept-encoding",
  "accept-language",
  "alert-info",
  "allow",
  "allow-events",
  "call-info",
  "contact",
  "content-encoding",
  "content-language",
  "diversion",
  "error-info",
  "history-info",
  "in-reply-to",
  "p-asserted-identity",
  "p-preferred-identity",
  "path",
  "privacy",
  "proxy-require",
  "reason",
  "record-route",
  "reject-contact",
  "request-disposition",
  "require",
  "route",
  "security-client",
  "security-server",
  "security-verify",
  "service-route",
  "supported",
  "unsupported",
  "via",
  "warning",
]);

const others = [
  "authorization",
  "content-disposition",
  "content-length",
  "content-type",
  "cseq",
  "date",
  "expires",
  "max-forwards",
  "mime-version",
  "min-expires",
  "min-se",
  "organization",
  "priority",
  "proxy-authenticate",
  "proxy-authorization",
  "rack",
  "rseq",
  "retry-after",
  "server",
  "sip-etag",
  "sip-if-match",
  "subscription-state",
  "timestamp",
  "user-agent",
  "www-authenticate",
];

/** A name that was read: its long form, and the number of characters as written. */
export interface KnownName {
  readonly name: string;
  readonly length: number;
  readonly role: Role;
  /** The name that followed this one the last time, as written. */
  next: { readonly known: KnownName; readonly written: string } | undefined;
}

/** The headers that every element reads in every message, as numbers, for fast lookup. */
export const roles = { none: 0, via: 1, from: 2, to: 3, callId: 4, cseq: 5, maxForwards: 6, contentLength: 7 } as const;
export type Role = (typeof roles)[keyof typeof roles];

const rolesByName: Readonly<Record<string, Role>> = {
  via: roles.via,
  from: roles.from,
  to: roles.to,
  "call-id": roles.callId,
  cseq: roles.cseq,
  "max-forwards": roles.maxForwards,
  "content-length": roles.contentLength,
};

export function roleOf(name: string): Role {
  return Object.hasOwn(rolesByName, name) ? (rolesByName[name] as Role) : roles.none;
}

/** The known names as a tree: 32 columns for each node, one for each letter in either case and one for the hyphen. */
let nodes = 2;
const leaves: (KnownName | undefined)[] = [undefined, undefined];
const columns = new Uint8Array(128);
for (let message = 1; message <= 26; message += 1) columns[message + 64] = columns[message + 96] = message;
columns[45] = 27;
const spellings: (readonly [written: string, name: string])[] = [...lists, ...others].map((name) => [name, name]);
for (const [written, name] of Object.entries(compactForms)) spellings.push([written, name], [name, name]);
const tree = new Uint16Array(32 * spellings.reduce((sum, [written]) => sum + written.length, nodes));
for (const [written, name] of spellings) plant(written, name);

function plant(written: string, name: string): void {
  let node = 1;
  for (let at = 0; at < written.length; at += 1) {
    const branch = (node << 5) | (columns[written.charCodeAt(at)] as number);
    if (tree[branch] === 0) {
      tree[branch] = nodes;
      leaves[nodes] = undefined;
      nodes += 1;
    }
    node = tree[branch] as number;
  }
  leaves[node] = { name, length: written.length, role: roleOf(name), next: undefined };
}

/** The known header name that ends with a colon, in one walk and without a substring; undefined for any other text. */
function knownNameAt(text: string, from: number): KnownName | undefined {
  let node = 1;
  for (let at = from; node !== 0; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 58) return leaves[node];
    node = code < 128 ? (tree[(node << 5) | (columns[code] as number)] as number) : 0;
  }
  return undefined;
}

/** What comes before the first header line. */
export const startLine: KnownName = { name: "", length: 0, role: roles.none, next: undefined };

/**
 * The same, on the line after another. Phones write their lines always in the same order, so the first guess is the name that came after
 * `before` the last time: a comparison is cheaper than a walk.
 */
export function knownNameBehind(before: KnownName, text: string, from: number): KnownName | undefined {
  const { next } = before;
  if (next !== undefined && text.startsWith(next.written, from)) return next.known;
  const known = knownNameAt(text, from);
  if (known !== undefined) before.next = { known, written: copyOf(text.slice(from, from + known.length + 1)) };
  return known;
}

/** The long form in lower case of a header name; undefined if it is not a token. */
export function canonicalName(written: string): string | undefined {
  if (!isToken(written)) return undefined;
  const lower = written.toLowerCase();
  return interned((lower.length === 1 ? compactForms[lower] : undefined) ?? lower);
}

/** The text as a property key: engines compare such strings by address, and names are compared very often. */
function interned(text: string): string {
  return Object.keys({ [text]: 0 })[0] ?? text;
}

export function isList(name: string): boolean {
  return lists.has(name);
}
