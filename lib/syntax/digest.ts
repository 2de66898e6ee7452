import { isToken } from "./characters.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { splitList } from "./list.ts";
import { type Request, hasHeader, headerValues } from "./message.ts";
import { unquote } from "./parameters.ts";

/** Digest credentials (RFC 7616 §3.4), the values without quotes. */
export interface DigestCredentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly algorithm: string | undefined;
  readonly qop: string | undefined;
  readonly nc: string | undefined;
  readonly cnonce: string | undefined;
  readonly opaque: string | undefined;
}

/** The Digest credentials of a request; other schemes and malformed ones are left out. */
export function readCredentials(request: Request, header: "authorization" | "proxy-authorization"): DigestCredentials[] {
  if (!hasHeader(request, header)) return [];
  return headerValues(request, header).flatMap((value) => {
    const parameters = parseDigest(value);
    return isFault(parameters) ? [] : (complete(parameters.values) ?? []);
  });
}

/** The parameters of a Digest challenge or of credentials, names in lower case, values without quotes. */
export function parseDigest(value: string): { readonly values: ReadonlyMap<string, string> } | Fault {
  const space = value.search(/[ \t]/);
  if (space < 0 || value.slice(0, space).toLowerCase() !== "digest") return fault(400, "not a Digest header");
  const values = new Map<string, string>();
  for (const part of splitList(value.slice(space).trim())) {
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(0, equals)).trim().toLowerCase();
    if (!isToken(name) || values.has(name)) return fault(400, "a Digest parameter is malformed or repeated");
    values.set(name, unquote(part.slice(equals + 1).trim()));
  }
  return { values };
}

function complete(values: ReadonlyMap<string, string>): DigestCredentials | undefined {
  const [username, realm, nonce, uri, response] = ["username", "realm", "nonce", "uri", "response"].map((name) => values.get(name));
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined || response === undefined) return undefined;
  return {
    ...{ username, realm, nonce, uri, response },
    algorithm: values.get("algorithm"),
    qop: values.get("qop"),
    nc: values.get("nc"),
    cnonce: values.get("cnonce"),
    opaque: values.get("opaque"),
  };
}
