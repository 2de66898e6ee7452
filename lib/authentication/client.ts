import { toOctets } from "../syntax/octets.ts";
import { parseDigest } from "../syntax/digest.ts";
import { isFault } from "../syntax/fault.ts";
import type { Keyring } from "./keyring.ts";

/** The account that authenticates a request. */
export interface Account {
  readonly username: string;
  readonly password: string;
}

/**
 * The credentials that answer a challenge to our request (RFC 7616 §3.4, RFC 8760): SHA-256 where it is offered, else MD5; undefined if no
 * challenge can be answered.
 * @param challenges values of WWW-Authenticate or Proxy-Authenticate
 * @param cnonce random text
 */
export function credentialsFor(
  keyring: Pick<Keyring, "hash">,
  challenges: readonly string[],
  request: { readonly method: string; readonly uri: string },
  account: Account,
  cnonce: string,
): string | undefined {
  const known = challenges.flatMap((value) => {
    const parsed = parseDigest(value);
    if (isFault(parsed)) return [];
    const algorithm = (parsed.values.get("algorithm") ?? "MD5").toUpperCase();
    return algorithm === "MD5" || algorithm === "SHA-256" ? [{ values: parsed.values, algorithm }] : [];
  });
  const chosen = known.find(({ algorithm }) => algorithm === "SHA-256") ?? known[0];
  if (chosen === undefined) return undefined;
  const { values, algorithm } = chosen;
  const [username, password] = [toOctets(account.username), toOctets(account.password)];
  const hash = (text: string) => keyring.hash(algorithm === "MD5" ? "md5" : "sha256", text);
  const [realm, nonce] = [values.get("realm") ?? "", values.get("nonce") ?? ""];
  const first = hash(`${username}:${realm}:${password}`);
  const second = hash(`${request.method}:${request.uri}`);
  const offers = (values.get("qop") ?? "").split(",").map((offer) => offer.trim());
  if (values.has("qop") && !offers.includes("auth")) return undefined;
  const isCounted = values.has("qop");
  const response = isCounted ? hash(`${first}:${nonce}:00000001:${cnonce}:auth:${second}`) : hash(`${first}:${nonce}:${second}`);
  const quoted = {
    username,
    realm,
    nonce,
    uri: request.uri,
    response,
    ...(values.has("opaque") ? { opaque: values.get("opaque") ?? "" } : {}),
  };
  const texts = Object.entries(quoted).map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`);
  const tokens = [`algorithm=${algorithm}`, ...(isCounted ? ["qop=auth", "nc=00000001", `cnonce="${cnonce}"`] : [])];
  return `Digest ${[...texts, ...tokens].join(", ")}`;
}
