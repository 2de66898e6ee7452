import type { Context } from "hono";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import { readConfiguration } from "../../platform/configuration.ts";
import { isSameText } from "../../platform/crypto/same-text.ts";
import { nameOf } from "../../platform/directory/store.ts";
import type { Actor, ApiEnvironment } from "./actor.ts";
import { identify, isUserPath } from "./identity.ts";
import { authenticateKey } from "./key-authentication.ts";
import { pathInApi } from "./path.ts";
import { Problem } from "./problem.ts";
import { bearerOfWebSocket } from "./web-socket-bearer.ts";
import { authenticateByPassword } from "./user-password.ts";

type ApiContext = Context<ApiEnvironment>;

/** Paths that subscribers may use themselves: …/domains/{domain}/subscribers/{username}/watchers and …/lists. */
const ownPath = /\/domains\/([^/]+)\/subscribers\/([^/]+)\/(?:watchers|lists)(?:\/[^/]+)?$/;

/** Paths for pages without credentials. */
const publicPath = /^\/domains\/[^/]+\/turnstile\/tokens$/;

/**
 * Who sends a request: an administrator by the token, a script by its key, or a user, on their own paths, by their password or as
 * `identify` says. Throws 401 for all others, the same whatever is wrong with a token or key. What a key may do, `accessTo` says.
 */
export async function authorise(context: ApiContext): Promise<Actor> {
  const header = context.req.header("Authorization") ?? "";
  if (header === "" && context.req.method === "POST" && publicPath.test(pathInApi(context.req.url))) return { kind: "anyone" };
  const credentials = /^Basic (\S+)$/i.exec(header)?.[1];
  const own = ownPath.exec(new URL(context.req.url).pathname);
  if (credentials !== undefined && own !== null) return authoriseOwner(context, credentials, own[1] ?? "", own[2] ?? "");
  const isOfUsers = isUserPath(pathInApi(context.req.url));
  const identity = isOfUsers ? await identify(context) : undefined;
  if (identity !== undefined) return { kind: "subscriber", name: `${identity.user}@${identity.domain}`, identity };
  const bearer = await bearerOf(context, /^Bearer (.+)$/i.exec(header)?.[1] ?? bearerOfWebSocket(context.req.raw));
  if (bearer !== undefined) return bearer;
  const challenge = own === null && !isOfUsers ? "Bearer" : "Bearer, Basic";
  throw new Problem(401, "the bearer token is missing, wrong or expired", { "WWW-Authenticate": challenge });
}

/** Whose token it is; undefined if it is not valid. */
async function bearerOf(context: ApiContext, given: string | undefined): Promise<Actor | undefined> {
  const { adminToken } = readConfiguration(context.env);
  if (adminToken === undefined) throw new Problem(503, "the API is closed: no ADMIN_TOKEN is configured");
  if (given === undefined) return undefined;
  if (isSameText(given, adminToken)) return { kind: "administrator" };
  const key = await authenticateKey(context, given, Date.now());
  return key === undefined ? undefined : { kind: "key", key };
}

/** The user of the path, by their password. */
async function authoriseOwner(context: ApiContext, credentials: string, domain: string, username: string): Promise<Actor> {
  const account = await authenticateByPassword(context, credentials, (given) => {
    const user = canonicalUser(decoded(username));
    return { user, domain: decoded(domain).toLowerCase(), isNamed: isSameText(canonicalUser(given), user) };
  });
  return { kind: "subscriber", name: `${nameOf(account.user)}@${account.domain}` };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new Problem(400, "the path is malformed");
  }
}
