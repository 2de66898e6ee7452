import { isToken } from "./characters.ts";

/** Compact forms (RFC 3261 §7.3.3 and the IANA registry). */
const compactForms: Readonly<Record<string, string | undefined>> = {
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

/** Spellings that were seen before; only those of known names are kept, so that a peer cannot fill it. */
const seen = new Map<string, string>();
const known = new Set([
  ...lists,
  ...Object.values(compactForms).filter((name) => name !== undefined),
  "authorization",
  "content-disposition",
  "cseq",
  "date",
  "expires",
  "max-forwards",
  "mime-version",
  "min-expires",
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
]);
const spellingsKept = 1000;

/** Names as most clients write them, by length and first character, so that they are known without being cut out. */
const usual: (readonly (readonly [written: string, name: string])[])[] = [];
for (const written of [
  "Via",
  "From",
  "To",
  "Call-ID",
  "CSeq",
  "Max-Forwards",
  "Contact",
  "Content-Length",
  "Content-Type",
  "Route",
  "Record-Route",
  "Allow",
  "Supported",
  "User-Agent",
  "Expires",
  "Authorization",
  "Proxy-Authorization",
  "Session-Expires",
  "Require",
  "Event",
  "Accept",
  "Server",
  "Date",
  "Reason",
  "Min-SE",
  "Subject",
]) {
  const shape = shapeOf(written.length, written.charCodeAt(0));
  usual[shape] = [...(usual[shape] ?? []), [written, interned(written.toLowerCase())]];
}

function shapeOf(length: number, first: number): number {
  return (length << 5) | (first & 31);
}

/** The long form in lower case of the header name at a place of a text; undefined if it is not a token. */
export function nameAt(text: string, from: number, to: number): string | undefined {
  const candidates = usual[shapeOf(to - from, text.charCodeAt(from))];
  if (candidates !== undefined) {
    for (const [written, name] of candidates) if (text.startsWith(written, from)) return name;
  }
  return canonicalName(text.slice(from, to));
}

/** The same text as a property key is: engines compare such strings by address, and names are compared all the time. */
function interned(text: string): string {
  return Object.keys({ [text]: 0 })[0] ?? text;
}

function canonicalName(written: string): string | undefined {
  const name = seen.get(written);
  if (name !== undefined) return name;
  if (!isToken(written)) return undefined;
  const lower = written.toLowerCase();
  const long = interned(compactForms[lower] ?? lower);
  if (known.has(long) && seen.size < spellingsKept) seen.set(written, long);
  return long;
}

export function isList(name: string): boolean {
  return lists.has(name);
}
