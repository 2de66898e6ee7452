import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { canonicalUser, isHost } from "../../lib/syntax/uri.ts";
import { readConfiguration } from "../../platform/configuration.ts";
import { isSameText } from "../../platform/crypto/same-text.ts";
import { Brakes } from "../../platform/connection/brakes.ts";
import type { Actor, ApiEnvironment } from "./actor.ts";
import { refuseFrequent, refuseWithoutTls } from "./attempts.ts";
import { authenticateKey } from "./key-authentication.ts";
import { Problem } from "./problem.ts";
import { Store, nameOf } from "../../platform/directory/store.ts";

type ApiContext = Context<ApiEnvironment>;

/** In memory of the isolate, as in the edge proxy. */
const brakes = new Brakes();

/** Paths that subscribers may use themselves: …/domains/{domain}/subscribers/{username}/watchers and …/lists. */
const ownPath = /\/domains\/([^/]+)\/subscribers\/([^/]+)\/(?:watchers|lists)(?:\/[^/]+)?$/;

/**
 * Who sends a request: an administrator by the token, a script by its key, or a subscriber, on their own paths, by their password. Throws
 * 401 for all others, the same whatever is wrong with a token or key. What a key may do, `accessTo` says.
 */
export async function authorise(context: ApiContext): Promise<Actor> {
  const header = context.req.header("Authorization") ?? "";
  const credentials = /^Basic (\S+)$/i.exec(header)?.[1];
  const own = ownPath.exec(new URL(context.req.url).pathname);
  if (credentials !== undefined && own !== null) return authoriseOwner(context, credentials, own[1] ?? "", own[2] ?? "");
  const { adminToken } = readConfiguration(context.env);
  if (adminToken === undefined) throw new Problem(503, "the API is closed: no ADMIN_TOKEN is configured");
  const given = /^Bearer (.+)$/i.exec(header)?.[1];
  if (given !== undefined && isSameText(given, adminToken)) return { kind: "administrator" };
  const key = given === undefined ? undefined : await authenticateKey(context, given, Date.now());
  if (key !== undefined) return { kind: "key", key };
  const challenge = own === null ? "Bearer" : "Bearer, Basic";
  throw new Problem(401, "the bearer token is missing, wrong or expired", { "WWW-Authenticate": challenge });
}

/** RFC 7617: name and password of the subscriber, compared by their hash. Over TLS only, as for phones. */
async function authoriseOwner(context: ApiContext, credentials: string, domain: string, username: string): Promise<Actor> {
  refuseWithoutTls(context, "passwords");
  await refuseFrequent(context);
  const [name, user] = [decoded(domain).toLowerCase(), canonicalUser(decoded(username))];
  // It is repeated in a header.
  if (!isHost(name)) throw new Problem(400, "domain: is not a domain name");
  const subscriber = await new Store(context.env.DIRECTORY).subscriber(name, nameOf(user));
  const [given = "", password = ""] = split(Buffer.from(credentials, "base64").toString("utf8"));
  const account = `${user}@${name}`;
  await brakes.waiting(account, Date.now());
  if (isSameText(canonicalUser(given), user) && hasPassword(subscriber, { user, domain: name, password }))
    return { kind: "subscriber", name: `${nameOf(user)}@${name}` };
  brakes.wrong(account, 1, Date.now());
  throw new Problem(401, "the name or the password is wrong", { "WWW-Authenticate": `Basic realm="${name}"` });
}

/** By any of the hashes: an imported account may have only one, and one of older versions only that of the escaped name. */
function hasPassword(
  subscriber: Subscriber | undefined,
  { user, domain, password }: { readonly user: string; readonly domain: string; readonly password: string },
): boolean {
  const made = (algorithm: "md5" | "sha256", name: string) => createHash(algorithm).update(`${name}:${domain}:${password}`).digest("hex");
  const { sha256 = "", md5 = "", escaped = { md5: "", sha256: "" } } = subscriber ?? {};
  const known = [
    [made("sha256", nameOf(user)), sha256],
    [made("md5", nameOf(user)), sha256 === "" ? md5 : ""],
    [made("sha256", user), escaped.sha256],
  ] as const;
  return known.filter(([hash, stored]) => isSameText(hash, stored)).length > 0;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new Problem(400, "the path is malformed");
  }
}

function split(text: string): readonly string[] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}
