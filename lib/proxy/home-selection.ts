import type { HomeName } from "../transport/identifiers.ts";
import type { Keyring } from "../authentication/keyring.ts";
import { addressOf } from "../location/address.ts";
import { hintIn } from "./branch.ts";
import { type DialogRoute, endsOf, openRoute } from "./route-token.ts";
import { readCredentials } from "../syntax/digest.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import { isFault } from "../syntax/fault.ts";
import { type Message, type Request, headerValue, headerValues } from "../syntax/message.ts";
import { parseNameAddress } from "../syntax/name-address.ts";
import { canonicalUser, parseUri } from "../syntax/uri.ts";

/** One account on a client's socket: a connection to its home. */
export interface HomeConnectionName {
  /** Canonical user part. */
  readonly user: string;
  readonly domain: string;
  readonly home: HomeName;
  /** The hints in the topmost Via of responses to this home's requests. */
  readonly hints: readonly string[];
}

/** The home connection that a message belongs to, or the home for which a connection must be opened. */
export type Choice<HomeConnection extends HomeConnectionName> =
  | { readonly kind: "connection"; readonly homeConnection: HomeConnection }
  | { readonly kind: "identity"; readonly user: string; readonly domain: string }
  | { readonly kind: "none" };

type Row = <HomeConnection extends HomeConnectionName>(
  message: Message,
  mandatory: MandatoryHeaders,
  homeConnections: readonly HomeConnection[],
  keyring: Keyring,
) => Choice<HomeConnection> | undefined;

const none = { kind: "none" } as const;

/** The rules, tried in this order; the first one with a result decides. */
export const homeSelection: Readonly<Record<string, Row>> = {
  "a response: the home hint at the start of our topmost Via": byResponse,
  "our Route token: the home on the sender's side": byRoute,
  "REGISTER: To": byRegister,
  "user and realm of the credentials": byCredentials,
  "P-Preferred-Identity where From is anonymous": byPreferredIdentity,
  "From, outside a dialog": byFrom,
  "the only home connection": byOnlyConnection,
};

/** Chooses the home connection of one message on a shared connection. */
export function selectHome<HomeConnection extends HomeConnectionName>(
  message: Message,
  mandatory: MandatoryHeaders,
  homeConnections: readonly HomeConnection[],
  keyring: Keyring,
): Choice<HomeConnection> {
  for (const row of Object.values(homeSelection)) {
    const choice = row(message, mandatory, homeConnections, keyring);
    if (choice !== undefined) return choice;
  }
  return none;
}

function byResponse<HomeConnection extends HomeConnectionName>(
  message: Message,
  mandatory: MandatoryHeaders,
  homeConnections: readonly HomeConnection[],
): Choice<HomeConnection> | undefined {
  if (message.kind !== "response") return undefined;
  const hint = hintIn(mandatory.via.branch) ?? "";
  const homeConnection = homeConnections.find((one) => one.hints.includes(hint));
  return homeConnection === undefined ? none : { kind: "connection", homeConnection };
}

function byRoute<HomeConnection extends HomeConnectionName>(
  message: Message,
  mandatory: MandatoryHeaders,
  homeConnections: readonly HomeConnection[],
  keyring: Keyring,
): Choice<HomeConnection> | undefined {
  if (mandatory.toTag === undefined) return undefined;
  const dialog = dialogIn(message, mandatory.callId, keyring);
  if (dialog === undefined) return undefined;
  const { sender } = endsOf(dialog, mandatory.fromTag);
  const homeConnection = homeConnections.find((one) => one.home === sender.home);
  if (homeConnection !== undefined) return { kind: "connection", homeConnection };
  // A phone that has just reconnected and is not registered yet: it is challenged, as on a dedicated connection.
  const named = /^sip:(.+)@([^@]+)#\d+$/.exec(sender.home);
  return named === null ? undefined : { kind: "identity", user: named[1] ?? "", domain: named[2] ?? "" };
}

/**
 * The dialog of the first Route that is our token for this call. Our own names may stand before it, as an outbound proxy's do. A strict
 * router before us has put the token into the Request-URI (RFC 3261 §16.4).
 */
function dialogIn(message: Message, callId: string, keyring: Keyring): DialogRoute | undefined {
  const routes = headerValues(message, "route").map((value) => parseNameAddress(value));
  const uris = routes.flatMap((route) => (isFault(route) ? [] : [route.uri]));
  for (const written of message.kind === "request" ? [message.requestUri, ...uris] : uris) {
    const uri = parseUri(written);
    const dialog = isFault(uri) || uri.kind !== "sip" ? undefined : openRoute(keyring, uri.user, callId);
    if (dialog !== undefined) return dialog;
  }
  return undefined;
}

function byRegister<HomeConnection extends HomeConnectionName>(
  message: Message,
  mandatory: MandatoryHeaders,
  homeConnections: readonly HomeConnection[],
  keyring: Keyring,
): Choice<HomeConnection> | undefined {
  if (message.kind !== "request" || message.method !== "REGISTER") return undefined;
  return ofUri(mandatory.to.uri, homeConnections, keyring) ?? none;
}

function byCredentials<HomeConnection extends HomeConnectionName>(
  message: Message,
  mandatory: MandatoryHeaders,
  homeConnections: readonly HomeConnection[],
  keyring: Keyring,
): Choice<HomeConnection> | undefined {
  const header = (message as Request).method === "REGISTER" ? "authorization" : "proxy-authorization";
  const named = readCredentials(message as Request, header).map(({ username, realm }) => of(username, realm, homeConnections));
  const known = named.find(({ kind }) => kind === "connection") ?? named[0];
  if (known?.kind !== "identity" || homeConnections.some(({ domain }) => domain === known.domain)) return known;
  // An account that is already connected may have credentials for another server (RFC 3261 §22.3).
  const from = byFrom(message, mandatory, homeConnections, keyring);
  const isHere = from?.kind === "connection" || (from?.kind === "identity" && homeConnections.some(({ domain }) => domain === from.domain));
  return isHere ? undefined : known;
}

function byPreferredIdentity<HomeConnection extends HomeConnectionName>(
  message: Message,
  mandatory: MandatoryHeaders,
  homeConnections: readonly HomeConnection[],
  keyring: Keyring,
): Choice<HomeConnection> | undefined {
  const preferred = headerValue(message, "p-preferred-identity");
  if (preferred === undefined || !isAnonymous(mandatory.from.uri)) return undefined;
  const address = parseNameAddress(preferred);
  return isFault(address) ? undefined : ofUri(address.uri, homeConnections, keyring);
}

function byFrom<HomeConnection extends HomeConnectionName>(
  _message: Message,
  mandatory: MandatoryHeaders,
  homeConnections: readonly HomeConnection[],
  keyring: Keyring,
): Choice<HomeConnection> | undefined {
  // Within a dialog From may be any URI that the other side once dialled.
  if (mandatory.toTag !== undefined || isAnonymous(mandatory.from.uri)) return undefined;
  return ofUri(mandatory.from.uri, homeConnections, keyring);
}

function byOnlyConnection<HomeConnection extends HomeConnectionName>(
  _message: Message,
  _essentials: MandatoryHeaders,
  homeConnections: readonly HomeConnection[],
): Choice<HomeConnection> | undefined {
  return homeConnections.length === 1 && homeConnections[0] !== undefined
    ? { kind: "connection", homeConnection: homeConnections[0] }
    : undefined;
}

function ofUri<HomeConnection extends HomeConnectionName>(
  text: string,
  homeConnections: readonly HomeConnection[],
  keyring: Keyring,
): Choice<HomeConnection> | undefined {
  const uri = parseUri(text);
  if (isFault(uri) || uri.kind !== "sip") return undefined;
  const address = addressOf(keyring, uri);
  return address === undefined ? undefined : of(address.user, address.domain, homeConnections);
}

function of<HomeConnection extends HomeConnectionName>(
  user: string,
  domain: string,
  homeConnections: readonly HomeConnection[],
): Choice<HomeConnection> {
  const canonical = canonicalUser(user);
  const homeConnection = homeConnections.find((one) => one.user === canonical && one.domain === domain.toLowerCase());
  return homeConnection === undefined
    ? { kind: "identity", user: canonical, domain: domain.toLowerCase() }
    : { kind: "connection", homeConnection };
}

function isAnonymous(text: string): boolean {
  const uri = parseUri(text);
  return !isFault(uri) && uri.kind === "sip" && uri.host.toLowerCase() === "anonymous.invalid";
}
