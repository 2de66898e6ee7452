import { returnInReceipt } from "../lib/transport/return-address.ts";
import { authenticate, guessesIn, nobody } from "../lib/authentication/authenticate.ts";
import type { NonceCounts } from "../lib/authentication/digest.ts";
import type { Keyring } from "../lib/authentication/keyring.ts";
import { type Address, addressOf } from "../lib/location/address.ts";
import { replyTo } from "../lib/syntax/compose.ts";
import { readCredentials } from "../lib/syntax/digest.ts";
import { awayFrom } from "../lib/redirect/redirection.ts";
import { serverContacts } from "../lib/redirect/servers.ts";
import { resolveEnum } from "../lib/routing/enum.ts";
import { readHopName } from "../lib/routing/hop-name.ts";
import { type MandatoryHeaders } from "../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../lib/syntax/fault.ts";
import { type Message as SipMessage, type Request as SipRequest } from "../lib/syntax/message.ts";
import { copyOf } from "../lib/syntax/memoise.ts";
import { allowed, capabilities } from "../lib/server/capabilities.ts";
import { inspectRequest } from "../lib/uas/inspect-request.ts";
import { type SipUri, type TelUri, type Uri, canonicalUser, dialledNumber, parseUri, serialiseUri } from "../lib/syntax/uri.ts";
import type { RequestEnvelope } from "../lib/transport/envelope.ts";
import { mayCall } from "../lib/routing/destinations.ts";
import { notAllowed } from "../durable-objects/shared/trunk-destinations.ts";
import { dialledAddress } from "../durable-objects/shared/dialled-address.ts";
import { forwardOfUnregistered, routeOf } from "../durable-objects/shared/target-selection.ts";
import { Brakes } from "../platform/connection/brakes.ts";
import { closing } from "../platform/connection/close-reasons.ts";
import { keyringOf } from "../platform/crypto/keyring.ts";
import { resolverOf } from "../platform/dns/shared-resolver.ts";
import { randomText } from "../platform/crypto/random.ts";
import { hopsOf } from "../durable-objects/shared/trunk-hops.ts";
import { type Configuration, readConfiguration } from "../platform/configuration.ts";
import { type Answer, directoryOf, homeName } from "../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../platform/directory/errors.ts";
import { ClientSocket, type Served, acceptClient } from "./client-socket.ts";
import type { Environment } from "../platform/environment.ts";

const brakes = new Brakes();

interface Requester {
  readonly user: string;
  readonly domain: string;
}

/** The host that the client connected to, and the account in the path. */
export interface Arrival {
  readonly host: string;
  readonly account: Requester | undefined;
}

const invitesKept = 100;

/** Serves a socket of the redirect server (RFC 3261 §8.3): it returns addresses, and never forwards a request. */
export function serveRedirects(environment: Environment, arrival: Arrival): Response {
  return acceptClient((socket) => void new RedirectServer(environment, arrival, socket));
}

/** An unauthenticated client has caused too many queries to D1. */
class TooOften extends Error {}

/** The redirect server of one client's socket. No object holds the socket, and nothing is written. */
class RedirectServer implements Served {
  readonly #environment: Environment;
  readonly #configuration: Configuration;
  readonly #keyring: Keyring;
  readonly #arrival: Arrival;
  readonly #client: ClientSocket;
  readonly #id = randomText();
  /** Branches of answered INVITEs, for their CANCELs. */
  readonly #invites = new Set<string>();
  /** For each `user@domain` that has authenticated here, the version of the row at that time. */
  readonly #known = new Map<string, number>();
  #counts: NonceCounts = [];

  constructor(environment: Environment, arrival: Arrival, socket: WebSocket) {
    this.#environment = environment;
    this.#configuration = readConfiguration(environment);
    this.#keyring = keyringOf(this.#configuration.sealKeys);
    this.#arrival = arrival;
    this.#client = new ClientSocket(socket, this.#configuration, this);
  }

  isKnown(): boolean {
    return this.#known.size > 0;
  }

  /** The directory's answer. @throws TooOften if an unauthenticated client has asked for too many */
  async #find(user: string, domain: string): Promise<Answer> {
    const directory = directoryOf(this.#environment);
    if (!directory.knows(user, domain) && !this.#client.mayAsk()) throw new TooOften();
    return directory.find(user, domain);
  }

  message(message: SipMessage, mandatory: MandatoryHeaders): void | Promise<void> {
    if (message.kind === "response") return;
    if (message.method === "ACK") return;
    if (message.method === "CANCEL") return this.#cancel(message, mandatory);
    if (message.method === "INVITE") this.#remember(mandatory);
    return this.#answer(message, mandatory);
  }

  /** RFC 3261 §8.3: the final response was already sent, so a CANCEL changes nothing (§9.2). */
  #cancel(request: SipRequest, mandatory: MandatoryHeaders): void {
    const status = this.#invites.has(nameOf(mandatory)) ? 200 : 481;
    this.#client.send(replyTo(request, status, { toTag: randomText() }));
  }

  #remember(mandatory: MandatoryHeaders): void {
    this.#invites.add(copyOf(nameOf(mandatory)));
    const [oldest] = this.#invites;
    if (this.#invites.size > invitesKept && oldest !== undefined) this.#invites.delete(oldest);
  }

  async #answer(request: SipRequest, mandatory: MandatoryHeaders): Promise<void> {
    try {
      const text = await this.#redirect(request, mandatory);
      if (isFault(text)) this.#client.refuse(request, text);
      else this.#client.send(text);
      // If an answer is allowed without credentials, the client needs none.
      if (!isFault(text) && request.method !== "OPTIONS") this.#client.authenticated();
    } catch (error) {
      if (error instanceof TooOften) return this.#client.end(closing.tooMuch);
      const isAway = error instanceof DirectoryUnavailable;
      if (!isAway) console.error(JSON.stringify({ note: "a redirection failed", error: String(error) }));
      this.#client.refuse(request, fault(isAway ? 503 : 500, "users cannot be looked up now", [["Retry-After", "5"]]));
    }
  }

  /** The text of the answer: RFC 3261 §8.2 in its order, then §8.3. */
  async #redirect(request: SipRequest, mandatory: MandatoryHeaders): Promise<string | Fault> {
    if (request.method === "REGISTER") return fault(405, "this is a redirect server: register at /ws", [["Allow", allowed.redirect]]);
    const uri = parseUri(request.requestUri);
    if (isFault(uri)) return uri;
    if (uri.kind === "other") return fault(416, `the scheme ${uri.scheme} cannot be routed`);
    const isServer = uri.kind === "sip" && uri.user === undefined;
    // The body is not for this server if the client is only redirected.
    const refusal = inspectRequest(request, { options: [], types: isServer ? [] : "any" });
    if (refusal !== undefined) return refusal;
    if (isServer) return this.#serve(request);
    const requester = this.#requesterOf(request, mandatory);
    const domain = requester?.domain ?? this.#arrival.host.replace(/:\d+$/, "");
    const address = await this.#dialled(uri, domain);
    if (isFault(address)) return address;
    const found = await this.#find(address.user, address.domain);
    if (found.kind === "foreign") return (await this.#authenticate(request, requester)) ?? this.#askDns(request, uri);
    const isStranger = found.settings.answersStrangers;
    const challenge = isStranger ? undefined : await this.#authenticate(request, requester);
    if (challenge !== undefined) return challenge;
    const routed = await this.#route(request, address, isStranger ? undefined : requester);
    if (isFault(routed) || typeof routed === "string") return routed;
    if (routed === undefined) return this.#ask(request, mandatory, address, found, requester);
    return this.#ask(request, mandatory, routed, await this.#find(routed.user, routed.domain), requester);
  }

  /** @param domain that of a number without one */
  async #dialled(uri: SipUri | TelUri, domain: string): Promise<Address | Fault> {
    const named: Address | undefined =
      uri.kind === "tel"
        ? { user: dialledNumber(uri), domain, instance: undefined, registration: undefined }
        : addressOf(this.#keyring, uri);
    if (named === undefined) return fault(404, "this GRUU is unknown or no longer valid");
    return dialledAddress({ find: (user, at) => this.#find(user, at) }, named);
  }

  /**
   * The result of the domain's routes: an answer, or another user to look for; undefined if there is none. Trunks are returned to
   * authenticated users of the domain only.
   */
  async #route(request: SipRequest, address: Address, requester: Requester | undefined): Promise<string | Fault | Address | undefined> {
    const room = { directory: directoryOf(this.#environment), home: { domain: address.domain } };
    const caller = requester === undefined ? "" : `${requester.user}@${requester.domain}`;
    const routed = await routeOf(room, { method: request.method, caller }, address);
    if (isFault(routed)) return routed;
    if (routed.kind === "address") return routed.address === address ? undefined : routed.address;
    const isOwn = requester?.domain === address.domain;
    const isTrunk = routed.kind === "external" && routed.trunk !== undefined;
    if (!isOwn && isTrunk) return undefined;
    const forbidden = isTrunk ? await this.#refusalOfTrunk(address.domain, routed.trunk, routed.uri) : undefined;
    if (forbidden !== undefined) return forbidden;
    const status = routed.kind === "redirect" ? routed.status : 302;
    return told(request, status, [["Contact", `<${routed.uri}>`]]);
  }

  /** Refuses a number that the trunk of a route does not allow. */
  async #refusalOfTrunk(domain: string, name: string | undefined, written: string): Promise<Fault | undefined> {
    const trunk = (await directoryOf(this.#environment).trunks(domain)).find((one) => one.name === name);
    const uri = parseUri(written);
    const user = isFault(uri) || uri.kind !== "sip" ? "" : canonicalUser(uri.user ?? "");
    return trunk === undefined || mayCall(trunk, user) ? undefined : notAllowed(trunk);
  }

  async #ask(
    request: SipRequest,
    mandatory: MandatoryHeaders,
    { user, instance, registration }: Address,
    found: Answer,
    requester: Requester | undefined,
  ): Promise<string | Fault> {
    if (found.kind === "foreign") return fault(404, "this server does not serve that domain");
    if (found.kind === "unknown") return this.#askEnum(request, user);
    const { subscriber } = found;
    if (!subscriber.opened) {
      const forward = forwardOfUnregistered(subscriber);
      if (forward === undefined) return fault(480, "no phone of this user has registered");
      return told(request, 302, [["Contact", `<${forward}>`]]);
    }
    const envelope: RequestEnvelope = {
      kind: "request",
      text: request.text,
      answerTo: returnInReceipt,
      transaction: nameOf(mandatory),
      identity: requester === undefined ? "" : `${requester.user}@${requester.domain}`,
      to: { kind: "address", instance, registration },
      recordRoute: undefined,
      redirects: true,
    };
    const [receipt] = (await this.#environment.ADDRESS_OF_RECORD.getByName(homeName(subscriber)).deliver([envelope])) ?? [];
    return receipt?.kind === "answered" ? receipt.text : fault(500, "the user's home did not return an address");
  }

  /** RFC 3263: the servers of another domain. Those inside our own networks are not returned. */
  async #askDns(request: SipRequest, uri: Uri): Promise<string | Fault> {
    if (uri.kind !== "sip") return fault(404, "there is no user with this number");
    const { allowedNetworks: networks } = this.#configuration;
    const random = (n: number) => Math.floor(Math.random() * n);
    const places = await hopsOf({ resolver: resolverOf(this.#environment), networks, random }, uri);
    if (isFault(places)) return places;
    const headers = serverContacts(
      uri,
      places.map(({ name }) => readHopName(name)),
    );
    return told(request, 302, headers);
  }

  /** RFC 6116: the DNS entries of a telephone number that no user here has. */
  async #askEnum(request: SipRequest, user: string): Promise<string | Fault> {
    const { enumApex } = this.#configuration;
    if (enumApex === "" || !/^\+\d{3,15}$/.test(user)) return fault(404, "there is no such user");
    const result = await resolverOf(this.#environment).settle((known) => resolveEnum(user, known, enumApex));
    if (isFault(result)) return result;
    if (result.uris.length === 0) return fault(404, "there is no user with this number");
    const headers = result.uris.map((uri): [string, string] => ["Contact", `<${serialiseUri(uri)}>`]);
    return told(request, 302, headers);
  }

  /** The requester: by the credentials, or else the account of the path, or else From. */
  #requesterOf(request: SipRequest, { from }: MandatoryHeaders): Requester | undefined {
    const [credentials] = readCredentials(request, "authorization");
    if (credentials !== undefined) return { user: canonicalUser(credentials.username), domain: credentials.realm.toLowerCase() };
    if (this.#arrival.account !== undefined) return this.#arrival.account;
    const uri = parseUri(from.uri);
    if (isFault(uri) || uri.kind !== "sip" || uri.user === undefined) return undefined;
    return { user: canonicalUser(uri.user), domain: uri.host.toLowerCase() };
  }

  /** RFC 3261 §22.2: without it, anyone could ask where users are registered. */
  async #authenticate(request: SipRequest, requester: Requester | undefined): Promise<Fault | undefined> {
    if (requester === undefined) return fault(403, "this server does not know the sender");
    const name = `${requester.user}@${requester.domain}`;
    const answer = await this.#find(requester.user, requester.domain);
    // A deleted user, or one with a new password, is challenged again.
    const version = answer.kind === "subscriber" ? answer.subscriber.version : undefined;
    if (version !== undefined && this.#known.get(name) === version) return undefined;
    this.#known.delete(name);
    if (answer.kind === "foreign") return fault(403, "this server does not know the sender");
    const secret = answer.kind === "subscriber" && answer.subscriber.username === requester.user ? answer.subscriber : nobody;
    if (readCredentials(request, "authorization").length > 0) await brakes.waiting(name, Date.now());
    const at = { flow: this.#id, now: Date.now(), counts: this.#counts, nonceLifetime: this.#configuration.nonceLifetime };
    const verdict = authenticate(this.#keyring, request, { ...requester, secret, at, isServer: true });
    if (isFault(verdict)) brakes.wrong(name, guessesIn(request, verdict), Date.now());
    if (isFault(verdict)) return verdict;
    this.#counts = verdict.counts;
    if (version !== undefined) this.#known.set(name, version);
    this.#client.authenticated();
    return undefined;
  }

  /** RFC 3261 §11.2: the capabilities of this server. */
  #serve(request: SipRequest): string | Fault {
    if (request.method !== "OPTIONS") return fault(404, "this URI does not name a user");
    return replyTo(request, 200, { toTag: randomText(), headers: capabilities("redirect") });
  }
}

function nameOf({ via: { branch, sentBy } }: MandatoryHeaders): string {
  return `${sentBy} ${branch ?? ""}`;
}

/** RFC 3261 §8.3: the text of a 3xx; 404 if it would lead back to the Request-URI. */
function told(request: SipRequest, status: number, contacts: readonly (readonly [string, string])[]): string | Fault {
  const headers = awayFrom(request.requestUri, contacts);
  return headers.length === 0
    ? fault(404, "the only known address is this URI itself")
    : replyTo(request, status, { toTag: randomText(), headers });
}
