import type { Alterations } from "../syntax/alter.ts";
import { isFault } from "../syntax/fault.ts";
import type { Request } from "../syntax/message.ts";
import { type NameAddress, parseNameAddress } from "../syntax/name-address.ts";
import { toOctets } from "../syntax/octets.ts";
import { parseUri, serialiseUri } from "../syntax/uri.ts";
import { type Trunk, type TrunkHeader, isTrunkIdentity } from "./trunk.ts";

/**
 * From as the servers of a trunk get it: with the user and the host that the trunk wants (dialogs are matched by tags, RFC 3261 §12). A
 * caller who wants to be anonymous stays so (RFC 3323 §4.1.1.3).
 * @returns undefined if it stays as it is
 */
export function fromForTrunk(
  from: string,
  { from_user: user, from_domain: host }: Pick<Trunk, "from_user" | "from_domain">,
): string | undefined {
  if (user === undefined && host === undefined) return undefined;
  const address = parseNameAddress(from);
  const uri = isFault(address) ? address : parseUri(address.uri);
  if (isFault(address) || isFault(uri) || uri.kind === "other") return undefined;
  if (uri.kind === "tel") return host === undefined ? undefined : written(address, `sip:${user ?? uri.number}@${host}`);
  if (uri.host.toLowerCase() === "anonymous.invalid") return undefined;
  const changed = {
    ...uri,
    password: undefined,
    ...(user === undefined ? {} : { user }),
    ...(host === undefined ? {} : { host, port: undefined }),
  };
  return written(address, serialiseUri(changed));
}

function written({ displayName, parameters }: NameAddress, uri: string): string {
  const marks = parameters.map(([name, value]) => (value === undefined ? `;${name}` : `;${name}=${value}`)).join("");
  return `${displayName === undefined ? "" : `${displayName} `}<${uri}>${marks}`;
}

/**
 * The header lines of a trunk's INVITE, in place of those of the same names.
 * @param identity `name@domain` of the caller
 */
export function linesForTrunk(request: Request, headers: readonly TrunkHeader[], identity: string): Pick<Alterations, "remove" | "append"> {
  const uri = parseUri(request.requestUri);
  const at = identity.lastIndexOf("@");
  const values: Readonly<Record<string, string>> = {
    user: isTrunkIdentity(identity) ? "" : identity.slice(0, Math.max(0, at)),
    domain: identity.slice(at + 1),
    number: isFault(uri) || uri.kind !== "sip" ? "" : (uri.user ?? ""),
  };
  const filled = (text: string): string => text.replace(/\{(user|domain|number)\}/g, (_all, name: string) => values[name] ?? "");
  return {
    remove: headers.map(({ name }) => name.toLowerCase()),
    append: headers.map(({ name, value }): [string, string] => [name, toOctets(filled(value).replace(/\p{Cc}/gu, ""))]),
  };
}
