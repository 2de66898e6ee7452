import { createHash } from "node:crypto";
import { isTokenForm } from "../lib/authentication/token-issuer.ts";
import type { Subscriber } from "../lib/location/subscriber.ts";
import type { TokenMark } from "../lib/transport/flow.ts";
import type { Opening } from "../lib/transport/opening.ts";
import { readConfiguration } from "../platform/configuration.ts";
import { directoryOf } from "../platform/directory/directory.ts";
import type { Environment } from "../platform/environment.ts";
import { isOf, userOfToken } from "../platform/tokens/token-user.ts";
import { TokenUseStore } from "../platform/directory/token-use-store.ts";
import { type VerifiedToken, authorizationServer, refused, tokenVerifierOf } from "../platform/tokens/token-verifier.ts";
import { keyringOf } from "../platform/crypto/keyring.ts";
import { type NonSubscriber, invites } from "../lib/transport/non-subscriber.ts";
import { type GuestToken, type MintedLimits, isGuestToken, readGuestToken } from "../platform/tokens/own-token.ts";
import { firstOpening } from "./first-opening.ts";
import { guestName } from "./guest-name.ts";
import { connectDedicated, openingOf } from "./home-socket.ts";
import { plain } from "./upgrade.ts";

/**
 * Where a page on this or an allowed origin may leave its token. The prefix lets no other host of the site do it, but needs https: there the
 * name without it does not count.
 */
const [cookieName, cookieNameWithoutTls] = ["__Host-offhook_access_token", "offhook_access_token"];

/** The token of an upgrade: in the query (RFC 6750 §2.3), as a second subprotocol, or in Authorization. */
export function tokenOf(request: Request): string | undefined {
  const { headers } = request;
  const fromQuery = new URL(request.url).searchParams.get("access_token");
  if (fromQuery !== null) return fromQuery;
  const protocols = (headers.get("Sec-WebSocket-Protocol") ?? "").split(",").map((name) => name.trim());
  const offered = protocols.find((name) => /^(?:eyJ|of[tg]_)/.test(name) && isTokenForm(name));
  const bearer = /^Bearer (\S+)$/i.exec(headers.get("Authorization") ?? "")?.[1];
  return offered ?? (bearer !== undefined && isTokenForm(bearer) ? bearer : undefined);
}

/**
 * The token of a cookie. A browser sends cookies for every page that asks: they count only for pages of this origin, or of an allowed one.
 * The phone that the page connects may have a password: a token that is not accepted refuses nothing.
 */
export function cookieTokenOf(request: Request, environment: Environment): string | undefined {
  const { headers, url } = request;
  if (!isFromOwnPage(headers.get("Origin"), new URL(url), environment)) return undefined;
  const pairs = (headers.get("Cookie") ?? "").split(";").map((pair) => pair.trim());
  const name = /^(?:https|wss):/.test(url) ? cookieName : cookieNameWithoutTls;
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return value !== undefined && isTokenForm(value) ? value : undefined;
}

/** Whether a page on this or an allowed origin connects, or no page. */
export function isFromOwnPage(origin: string | null, { protocol, host }: URL, environment: Environment): boolean {
  if (origin === null) return true;
  const { allowedOrigins = [] } = readConfiguration(environment);
  return origin === `${protocol.replace("ws", "http")}//${host}` || allowedOrigins.includes(origin);
}

/** A token as an upgrade has it. */
export interface OfferedToken {
  readonly text: string;
  /** Of the page. A client that is no browser may send any, or none. */
  readonly origin: string | null;
}

/**
 * Connects a phone whose upgrade has a token: it is authenticated from the beginning. Undefined if the token is not accepted.
 * @param named the user whom the URL names
 */
export async function connectByToken(
  environment: Environment,
  offered: OfferedToken,
  arrival: Pick<Opening, "way" | "host" | "address">,
  named: { readonly user: string; readonly domain: string } | undefined,
): Promise<Response | undefined> {
  const { text: token } = offered;
  // A guest is not the user whom the URL names.
  if (isGuestToken(token)) return named === undefined ? connectGuest(environment, offered, arrival) : undefined;
  const accepted = await verifyToken(environment, token, named, arrival.host.replace(/:\d+$/, ""));
  if (accepted === undefined) return undefined;
  const { subscriber, mark: byToken, authorizationServer: server, limits } = accepted;
  if (!(await isWithinLimits(environment, limits, offered, arrival.address, byToken.until))) return undefined;
  const opened = await firstOpening(environment, subscriber, accepted.isValid);
  if (opened === undefined) return undefined;
  const opening = { ...arrival, subscriber: { ...opened, opened: true }, isAuthenticated: true, byToken, ...rememberedLimits(limits) };
  return connectDedicated(environment, server === undefined ? opening : { ...opening, authorizationServer: server });
}

/** A guest whom an application has given a token. */
async function connectGuest(
  environment: Environment,
  offered: OfferedToken,
  arrival: Pick<Opening, "way" | "host" | "address">,
): Promise<Response | undefined> {
  const keyring = keyringOf(readConfiguration(environment).sealKeys);
  const token = readGuestToken(keyring, offered.text, Date.now());
  if (token === undefined) return refused("it is not of this server, or has expired");
  if (!(await hasHost(environment, token))) return refused("the users whom it names are gone");
  const { domain, id, users, generations, until, limits, userToUser } = token;
  if (!(await isWithinLimits(environment, limits, offered, arrival.address, until))) return undefined;
  const name = guestName(keyring, arrival.address, id);
  const invitation = {
    ...{ users, until },
    ...(generations === undefined ? {} : { generations }),
    ...(userToUser === undefined ? {} : { userToUser }),
  };
  const guest: NonSubscriber = { kind: "guest", domain, name, domains: [], isTrusted: false, invitation };
  return connectDedicated(environment, { ...openingOf(guest, arrival), ...rememberedLimits(limits) });
}

/** Whether a token is used by a page that may use it; and, if it is for one connection, from the address that has used it first. */
async function isWithinLimits(
  environment: Environment,
  limits: MintedLimits | undefined,
  { text, origin }: OfferedToken,
  address: string,
  until: number,
): Promise<boolean> {
  const { id = "", origins, isSingleUse } = limits ?? {};
  if (origins !== undefined && (origin === null || !origins.includes(origin))) {
    refused(`it is not for pages of ${origin}`);
    return false;
  }
  if (isSingleUse !== true) return true;
  // The token itself is secret: the database does not tell the address.
  const holder = createHash("sha256").update(`${text} ${address}`).digest("base64url");
  const isOwn = await new TokenUseStore(environment.DIRECTORY).isHeldBy(id, holder, until);
  if (!isOwn) refused("it is for one connection, and was used from another address");
  return isOwn;
}

/** What the home has to know of the limits. */
function rememberedLimits(limits: MintedLimits | undefined): Pick<Opening, "tokenLimits"> {
  if (limits === undefined) return {};
  const { origins: _checked, ...tokenLimits } = limits;
  return { tokenLimits };
}

export interface AcceptedToken {
  readonly subscriber: Subscriber;
  readonly mark: TokenMark;
  readonly authorizationServer: string | undefined;
  readonly limits: MintedLimits | undefined;
  /** Whether the token counts for a newer row of the user. */
  readonly isValid: (newest: Subscriber) => boolean;
}

/** Whether one of the users is still there whom the guest may call. */
async function hasHost(environment: Environment, token: GuestToken): Promise<boolean> {
  for (const user of token.users) {
    const answer = await directoryOf(environment).fresh(user, token.domain);
    if (answer.kind === "subscriber" && invites(token, answer.subscriber)) return true;
  }
  return false;
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
): Promise<AcceptedToken | undefined> {
  const now = Date.now();
  const verified = await tokenVerifierOf(environment).verify(token, named === undefined ? { preferred } : { only: named.domain }, now);
  if (verified === undefined || (named !== undefined && named.user !== verified.user)) return undefined;
  const subscriber = await userOfToken(environment, verified, now);
  if (subscriber === undefined) return undefined;
  return {
    subscriber,
    mark: tokenMark(token, verified),
    limits: verified.limits,
    isValid: (newest) => isOf(verified, newest),
    authorizationServer: verified.issuer && authorizationServer(verified.issuer),
  };
}

/** The same for the token in a request of a phone: one with limits is not accepted there, because it counts for the connection that it opens. */
export async function verifyTokenInRequest(
  ...[environment, token, named]: Parameters<typeof verifyToken>
): Promise<AcceptedToken | undefined> {
  const accepted = await verifyToken(environment, token, named);
  return accepted?.limits === undefined ? accepted : refused("it has limits, and was not given in the upgrade");
}

/** As homes make it. */
function tokenMark(token: string, { until, issued }: VerifiedToken): TokenMark {
  return { until, issued, hash: createHash("sha256").update(token).digest("hex").slice(0, 22) };
}

/** The same for whatever is wrong with a token. */
export function tokenRefusal(): Response {
  return plain(401, "The access token is not accepted.", { "WWW-Authenticate": 'Bearer error="invalid_token"' });
}
