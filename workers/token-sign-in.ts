import { createHash } from "node:crypto";
import { isTokenForm } from "../lib/authentication/token-issuer.ts";
import type { Subscriber } from "../lib/location/subscriber.ts";
import type { TokenMark } from "../lib/transport/flow.ts";
import type { Opening } from "../lib/transport/opening.ts";
import { readConfiguration } from "../platform/configuration.ts";
import { directoryOf } from "../platform/directory/directory.ts";
import type { Environment } from "../platform/environment.ts";
import { userOfToken } from "../platform/tokens/token-user.ts";
import { tokenVerifierOf } from "../platform/tokens/token-verifier.ts";
import { connectDedicated } from "./home-socket.ts";
import { plain } from "./upgrade.ts";

/** Where a page on this or an allowed origin may leave its token. */
const cookieName = "offhook_access_token";

/**
 * The token of an upgrade: in the query (RFC 6750 §2.3), as a second subprotocol, as a cookie, or in Authorization. A browser sends cookies
 * for every page that asks: they count only for pages of this host, or of an allowed origin.
 */
export function tokenOf(request: Request, environment: Environment): string | undefined {
  const { searchParams, host } = new URL(request.url);
  const { headers } = request;
  const fromQuery = searchParams.get("access_token");
  if (fromQuery !== null) return fromQuery;
  const protocols = (headers.get("Sec-WebSocket-Protocol") ?? "").split(",").map((name) => name.trim());
  const offered = protocols.find((name) => isTokenForm(name));
  const bearer = /^Bearer (\S+)$/i.exec(headers.get("Authorization") ?? "")?.[1];
  if (offered !== undefined) return offered;
  if (bearer !== undefined && isTokenForm(bearer)) return bearer;
  return isFromOwnPage(headers.get("Origin"), host, environment) ? cookieIn(headers.get("Cookie") ?? "") : undefined;
}

function isFromOwnPage(origin: string | null, host: string, environment: Environment): boolean {
  if (origin === null) return true;
  const { allowedOrigins = [] } = readConfiguration(environment);
  return URL.parse(origin)?.host === host || allowedOrigins.includes(origin);
}

function cookieIn(header: string): string | undefined {
  const pairs = header.split(";").map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}

/**
 * Connects a phone whose upgrade has a token: it is authenticated from the beginning. A token that is not accepted gets 401, the same for
 * whatever is wrong with it.
 * @param named the user whom the URL names
 */
export async function connectByToken(
  environment: Environment,
  token: string,
  arrival: Pick<Opening, "way" | "host" | "address">,
  named: { readonly user: string; readonly domain: string } | undefined,
): Promise<Response> {
  const accepted = await verifyToken(environment, token, named, arrival.host.replace(/:\d+$/, ""));
  if (accepted === undefined) return refusal();
  const { subscriber, mark: byToken, authorizationServer } = accepted;
  await directoryOf(environment).markOpened(subscriber);
  const opening = { ...arrival, subscriber: { ...subscriber, opened: true }, isAuthenticated: true, authorizationServer, byToken };
  return connectDedicated(environment, opening);
}

/**
 * The user of a token; made now, if the issuer may do that. Undefined if the token is not accepted.
 * @param named the user whom it has to be for; undefined: any
 * @param preferred the domain, if several accept it
 */
export async function verifyToken(
  environment: Environment,
  token: string,
  named: { readonly user: string; readonly domain: string } | undefined,
  preferred = "",
): Promise<{ readonly subscriber: Subscriber; readonly mark: TokenMark; readonly authorizationServer: string } | undefined> {
  const now = Date.now();
  const verified = await tokenVerifierOf(environment).verify(token, named === undefined ? { preferred } : { only: named.domain }, now);
  if (verified === undefined || (named !== undefined && named.user !== verified.user)) return undefined;
  const subscriber = await userOfToken(environment, verified, now);
  if (subscriber === undefined) return undefined;
  return { subscriber, mark: tokenMark(token, verified.until), authorizationServer: verified.issuer.issuer };
}

/** As homes make it. */
function tokenMark(token: string, until: number): TokenMark {
  return { until, hash: createHash("sha256").update(token).digest("hex").slice(0, 22) };
}

function refusal(): Response {
  return plain(401, "The access token is not accepted.", { "WWW-Authenticate": 'Bearer error="invalid_token"' });
}
