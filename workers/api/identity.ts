import type { Context } from "hono";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import { nameOf } from "../../platform/directory/store.ts";
import type { ApiEnvironment, Identity } from "./actor.ts";
import { isTokenForm } from "../../lib/authentication/token-issuer.ts";
import type { MintedLimits } from "../../platform/tokens/own-token.ts";
import { tokenVerifierOf } from "../../platform/tokens/token-verifier.ts";
import { userOfToken } from "../../platform/tokens/token-user.ts";
import { pathInApi } from "./path.ts";
import { refuseFrequent, refuseWithoutTls } from "./attempts.ts";
import { Problem } from "./problem.ts";
import { type Account, authenticateByPassword } from "./user-password.ts";

/** Paths that are for each user, without a name in the path. */
export function isUserPath(path: string): boolean {
  return isPhonePath(path) || path === "/me" || path.startsWith("/me/");
}

/** Those that a phone needs to make calls. */
function isPhonePath(path: string): boolean {
  return path === "/ice-servers" || path === "/push-services";
}

/**
 * The user whose credentials a request has; undefined if it has none of a user. Each kind of credentials that users have is asked here, and
 * nowhere else. Throws 401 if they are wrong.
 */
export async function identify(context: Context<ApiEnvironment>): Promise<Identity | undefined> {
  const header = context.req.header("Authorization") ?? "";
  const credentials = /^Basic (\S+)$/i.exec(header)?.[1];
  if (credentials === undefined) return identifyByToken(context, /^Bearer (\S+)$/i.exec(header)?.[1] ?? "");
  const { user, domain } = await authenticateByPassword(context, credentials, (given) => accountNamed(given, context.req.query("domain")));
  return { user: nameOf(user), domain };
}

/** By the token of an issuer, or of this server. An API key is none, and the ADMIN_TOKEN may look like one. */
async function identifyByToken(context: Context<ApiEnvironment>, token: string): Promise<Identity | undefined> {
  if (!isTokenForm(token)) return undefined;
  refuseWithoutTls(context, "tokens");
  await refuseFrequent(context);
  const now = Date.now();
  const domain = context.req.query("domain")?.toLowerCase();
  const verified = await tokenVerifierOf(context.env).verify(
    token,
    domain === undefined ? { preferred: new URL(context.req.url).hostname } : { only: domain },
    now,
  );
  if (verified?.limits !== undefined) refuseLimited(verified.limits, context);
  const subscriber = verified === undefined ? undefined : await userOfToken(context.env, verified, now);
  return subscriber === undefined ? undefined : { user: nameOf(subscriber.username), domain: subscriber.domain };
}

/** A token with limits is for a phone: it opens what a phone needs, on the pages that may use it. */
function refuseLimited({ origins }: MintedLimits, { req }: Context<ApiEnvironment>): void {
  if (origins?.includes(req.header("Origin") ?? "") === false) throw new Problem(403, "the token is not for pages of this origin");
  if (!isPhonePath(pathInApi(req.url))) throw new Problem(403, "a token with limits is for connections of phones and their servers only");
}

/** @param given the address of the user, or their name if the query has the domain */
function accountNamed(given: string, wanted: string | undefined): Account {
  const at = given.lastIndexOf("@");
  const domain = (at < 0 ? wanted : given.slice(at + 1))?.toLowerCase();
  if (domain === undefined) throw new Problem(400, "domain: is missing, and the name is not an address as alice@example.com");
  if (wanted !== undefined && wanted.toLowerCase() !== domain) throw new Problem(400, "domain: is not that of the address");
  return { user: canonicalUser(at < 0 ? given : given.slice(0, at)), domain, isNamed: true };
}
