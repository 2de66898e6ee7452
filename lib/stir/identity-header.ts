import { Fault, fault, isFault } from "../syntax/fault.ts";
import { splitAt } from "../syntax/list.ts";
import { type Request, headerValues } from "../syntax/message.ts";
import { unquote } from "../syntax/parameters.ts";

/** An Identity header as it was read (RFC 8224 §4). */
export interface IdentityHeader {
  /** The three parts of the PASSporT in base64url; the first two are empty in the compact form. */
  readonly parts: readonly [header: string, claims: string, signature: string];
  /** Where the certificate is: the parameter `info`. */
  readonly info: string;
  /** The type of the PASSporT; absent for a plain one. */
  readonly ppt?: string;
}

/** Identity headers of a request, characters of one, and of the URL of its certificate: beyond them nothing is looked at. */
const [maxIdentities, maxLength, maxUrl] = [5, 8192, 1024] as const;

/** The types that this server verifies (RFC 8588, RFC 8946); undefined for the plain one. */
const supported: readonly (string | undefined)[] = [undefined, "shaken", "div"];

/**
 * The Identity headers that this server can verify; a type that it does not know is ignored (RFC 8224 §6.2 step 1).
 * @returns a fault with status 428 if there is none, otherwise one header or fault for each
 */
export function readIdentities(request: Request): readonly (IdentityHeader | Fault)[] | Fault {
  const written = headerValues(request, "identity");
  if (written.length === 0) return fault(428, "the call has no Identity header");
  if (written.length > maxIdentities) return fault(438, `the call has more than ${maxIdentities} Identity headers`);
  const read = written.map(readIdentity);
  const known = read.filter((one) => isFault(one) || supported.includes(one.ppt));
  const hasCaller = known.some((one) => isFault(one) || one.ppt !== "div");
  if (!hasCaller) return new Fault("no Identity header is of a supported type", 428, undefined, "Use Supported PASSporT Format");
  return known;
}

function readIdentity(value: string): IdentityHeader | Fault {
  if (value.length > maxLength) return fault(438, `an Identity header is longer than ${maxLength} characters`);
  const [token = "", ...written] = splitAt(value, 59);
  const [, ...parts] = /^([\w-]*)\.([\w-]*)\.([\w-]+)$/.exec(token) ?? [];
  const [header, claims, signature] = parts;
  if (header === undefined || claims === undefined || signature === undefined || (header === "") !== (claims === ""))
    return fault(438, "an Identity header has no PASSporT");
  const parameters = new Map(written.map(readParameter));
  const [, info] = /^<([^<>\s]+)>$/.exec(parameters.get("info") ?? "") ?? [];
  if (info === undefined || info.length > maxUrl) return fault(436, "an Identity header does not say where its certificate is");
  const alg = unquote(parameters.get("alg") ?? "ES256");
  if (alg !== "ES256") return fault(437, "an Identity header is not signed with ES256");
  const ppt = parameters.get("ppt");
  return { parts: [header, claims, signature], info, ...(ppt === undefined ? {} : { ppt: unquote(ppt).toLowerCase() }) };
}

function readParameter(part: string): [name: string, value: string] {
  const equals = part.indexOf("=");
  return equals < 0 ? [part.toLowerCase(), ""] : [part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim()];
}

/** The value of an Identity header in the full form (RFC 8224 §4.1.1). */
export function writeIdentity(passport: string, x5u: string, ppt: string): string {
  return `${passport};info=<${x5u}>;alg=ES256;ppt="${ppt}"`;
}
