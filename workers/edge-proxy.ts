import type { HomeName } from "../lib/transport/identifiers.ts";
import { askForToken, bearerIn } from "../lib/authentication/bearer.ts";
import { answersChallenge, authenticate, nobody, passwordsIn } from "../lib/authentication/authenticate.ts";
import type { NonceCounts } from "../lib/authentication/digest.ts";
import type { Keyring } from "../lib/authentication/keyring.ts";
import type { Subscriber } from "../lib/location/subscriber.ts";
import { homeHints } from "../lib/proxy/branch.ts";
import { type MandatoryHeaders } from "../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault, limitReached } from "../lib/syntax/fault.ts";
import { type Message as SipMessage, type Request as SipRequest, hasHeader } from "../lib/syntax/message.ts";
import { copyOf } from "../lib/syntax/memoise.ts";
import { addressOf } from "../lib/location/address.ts";
import { admitsGuests } from "../lib/location/domain-settings.ts";
import { guestMethods } from "../lib/proxy/non-subscriber-requests.ts";
import { parseUri } from "../lib/syntax/uri.ts";
import type { Opening } from "../lib/transport/opening.ts";
import { type NonSubscriber, isNonSubscriberHome, nonSubscriberHome } from "../lib/transport/non-subscriber.ts";
import { type HomeConnectionName, selectHome } from "../lib/proxy/home-selection.ts";
import { Brakes, brakeOfName } from "../platform/connection/brakes.ts";
import { Crowds } from "../platform/connection/crowds.ts";
import { closeCodeFor } from "../platform/connection/close-code.ts";
import { closing } from "../platform/connection/close-reasons.ts";
import { Log } from "../platform/log.ts";
import { TraceRecorder } from "../platform/trace-recorder.ts";
import { keyringOf } from "../platform/crypto/keyring.ts";
import { randomText } from "../platform/crypto/random.ts";
import { type Configuration, readConfiguration } from "../platform/configuration.ts";
import { firstOpening } from "./first-opening.ts";
import { type Answer, directoryOf, homeName } from "../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../platform/directory/errors.ts";
import { ClientSocket, type Served, acceptClient } from "./client-socket.ts";
import type { Environment } from "../platform/environment.ts";
import { authorizationServerOf } from "../platform/tokens/token-verifier.ts";
import { guestName } from "./guest-name.ts";
import { type AcceptedToken, verifyTokenInRequest } from "./token-sign-in.ts";
import { connectHome, openingOf } from "./home-socket.ts";

interface HomeConnection extends HomeConnectionName {
  readonly socket: WebSocket;
}

/** How the client reached us. */
interface Arrival {
  readonly host: string;
  readonly address: string;
  /** The only account served here, by a name of our domains that the client connected to; absent users are treated as users with a home. */
  readonly account: { readonly username: string; readonly domain: string } | undefined;
}

const branchesKept = 100;
/** Milliseconds: the interval in which surplus unauthenticated clients at a name are closed. */
const watchEvery = 200;
const brakes = new Brakes();
const brakesOfNames = new Brakes(brakeOfName);
const crowds = new Crowds<EdgeProxy>();

/** Serves a client's socket on a shared connection: several accounts, a stateless proxy over frames. */
export function serveShared(environment: Environment, arrival: Arrival): Response {
  return acceptClient((socket) => void new EdgeProxy(environment, arrival, socket));
}

/**
 * The edge proxy of one client's socket. It challenges and verifies against the directory, and opens a home connection to the home of each
 * authenticated account. After that it only chooses the home connection of each frame.
 */
class EdgeProxy implements Served {
  readonly #environment: Environment;
  readonly #configuration: Configuration;
  readonly #keyring: Keyring;
  readonly #arrival: Arrival;
  readonly #client: ClientSocket;
  readonly #id = randomText();
  readonly opened = Date.now();
  isTrying = false;
  #watch: ReturnType<typeof setInterval> | undefined;
  readonly #log: Log;
  readonly #homeConnections: HomeConnection[] = [];
  /** The home connections of INVITEs, by branch: ACK and CANCEL follow them. */
  readonly #invites = new Map<string, HomeConnection>();
  #counts: NonceCounts = [];

  constructor(environment: Environment, arrival: Arrival, socket: WebSocket) {
    this.#environment = environment;
    this.#configuration = readConfiguration(environment);
    this.#keyring = keyringOf(this.#configuration.sealKeys);
    this.#arrival = arrival;
    this.#log = new Log(new TraceRecorder(0), "edge proxy", this.#configuration.logging);
    this.#client = new ClientSocket(socket, this.#configuration, this);
    const name = this.#name();
    if (name !== undefined) this.#joinsCrowd(name);
  }

  /** A client that has connected to a name is slowed as its home would do it. */
  get #brakes(): Brakes {
    return this.#arrival.account === undefined ? brakes : brakesOfNames;
  }

  get address(): string {
    return this.#arrival.address;
  }

  /** What the client connected to, if that is a name in a domain of ours. */
  #name(): string | undefined {
    const { account } = this.#arrival;
    return account === undefined ? undefined : `${account.username}@${account.domain}`;
  }

  /** Each connection checks regularly whether it must close: on this platform one request cannot use the socket of another one. */
  #joinsCrowd(name: string): void {
    crowds.joins(name, this, this.#configuration.maximumUnauthenticated);
    this.#watch = setInterval(() => {
      const isCrowdedOut = !crowds.has(name, this);
      // A client that does not answer our Close frame must cost nothing more.
      if (isCrowdedOut || !this.#client.isOpen) this.#leavesCrowd();
      if (isCrowdedOut) this.#client.end(closing.tooMany);
    }, watchEvery);
  }

  /** One unauthenticated client less at the name. */
  #leavesCrowd(): void {
    clearInterval(this.#watch);
    const name = this.#name();
    if (name !== undefined) crowds.leaves(name, this);
  }

  /** Whether a subscriber has authenticated here. */
  isKnown(): boolean {
    return this.#homeConnections.some((homeConnection) => !isNonSubscriberHome(homeConnection.home));
  }

  /** The directory's answer for a name that the client sent; undefined after too many queries, and then the client's socket is closed. */
  async #find(user: string, domain: string): Promise<Answer | undefined> {
    const directory = directoryOf(this.#environment);
    if (directory.knows(user, domain) || this.#client.mayAsk()) return directory.find(user, domain);
    this.#client.end(closing.tooMuch);
    return undefined;
  }

  message(message: SipMessage, mandatory: MandatoryHeaders, raw: string | ArrayBuffer): void | Promise<void> {
    const choice =
      this.#followInvite(message.kind === "request" ? message.method : "", mandatory) ??
      selectHome(message, mandatory, this.#homeConnections, this.#keyring);
    if (choice.kind === "connection")
      return this.#pass(choice.homeConnection, raw, message.kind === "request" ? message.method : "", mandatory);
    if (message.kind === "response" || message.method === "ACK") return;
    if (message.method === "CANCEL") return this.#client.refuse(message, fault(481, "there is nothing to cancel"));
    const { account } = this.#arrival;
    if (account !== undefined) return this.#attempt(message, () => this.#admit(message, raw, mandatory, account.username, account.domain));
    if (choice.kind === "none") {
      const nobody = fault(403, "this request names no account of this server");
      return this.#attempt(message, () => this.#admitNonSubscriber(message, raw, mandatory, nobody));
    }
    return this.#attempt(message, () => this.#admit(message, raw, mandatory, choice.user, choice.domain));
  }

  #followInvite(
    method: string,
    mandatory: MandatoryHeaders,
  ): { readonly kind: "connection"; readonly homeConnection: HomeConnection } | undefined {
    const homeConnection = method === "CANCEL" || method === "ACK" ? this.#invites.get(mandatory.via.branch ?? "") : undefined;
    return homeConnection === undefined ? undefined : { kind: "connection", homeConnection };
  }

  #pass(homeConnection: HomeConnection, raw: string | ArrayBuffer, method: string, mandatory: MandatoryHeaders): void {
    const { branch } = mandatory.via;
    if (method === "INVITE" && branch !== undefined) {
      this.#invites.set(copyOf(branch), homeConnection);
      const oldest = this.#invites.keys().next();
      if (this.#invites.size > branchesKept && oldest.done !== true) this.#invites.delete(oldest.value);
    }
    homeConnection.socket.send(raw);
  }

  /** A request of an account without a home connection: with valid credentials it gets one, else a challenge. */
  async #admit(request: SipRequest, raw: string | ArrayBuffer, mandatory: MandatoryHeaders, user: string, domain: string): Promise<void> {
    const answer = await this.#find(user, domain);
    if (answer === undefined) return;
    if (answer.kind === "foreign")
      return this.#admitNonSubscriber(request, raw, mandatory, fault(403, "this server does not serve that domain"));
    const found = answer.kind === "subscriber" ? answer.subscriber : undefined;
    const aliased = this.#homeConnections.find(
      (homeConnection) => homeConnection.user === found?.username && homeConnection.domain === found.domain,
    );
    if (aliased !== undefined) return this.#pass(aliased, raw, request.method, mandatory);
    const subscriber = found?.username === user ? found : undefined;
    const token = bearerIn(request);
    // Each may be of another issuer that only the directory knows.
    if (token !== undefined && !this.#client.mayAsk()) return this.#client.end(closing.tooMuch);
    const byToken = token === undefined ? undefined : await verifyTokenInRequest(this.#environment, token, { user, domain });
    if (byToken !== undefined) return this.#openFor(byToken.subscriber, request, raw, mandatory, byToken);
    const { nonceLifetime } = this.#configuration;
    if (answersChallenge(this.#keyring, request, { flow: this.#id, now: Date.now(), nonceLifetime })) {
      this.isTrying = true;
      await this.#brakes.waiting(`${user}@${domain}`, Date.now());
      this.isTrying = false;
    }
    const refusal = this.#authenticate(request, user, domain, subscriber);
    if (refusal !== undefined) this.#brakes.wrong(`${user}@${domain}`, passwordsIn(request, refusal), Date.now());
    if (refusal !== undefined) return this.#client.refuse(request, await this.#withBearer(refusal, request, domain));
    await this.#openFor(subscriber as Subscriber, request, raw, mandatory);
  }

  async #withBearer(refusal: Fault, request: SipRequest, domain: string): Promise<Fault> {
    const server = await authorizationServerOf(this.#environment, domain);
    return server === undefined ? refusal : askForToken(refusal, request, domain, server);
  }

  async #openFor(
    subscriber: Subscriber,
    request: SipRequest,
    raw: string | ArrayBuffer,
    mandatory: MandatoryHeaders,
    byToken?: Pick<AcceptedToken, "mark" | "isValid">,
  ): Promise<void> {
    if (this.#homeConnections.length >= this.#configuration.maximumHomeConnections)
      return this.#client.refuse(request, limitReached(403, "too many accounts on one connection"));
    const homeConnection = await this.#openHomeConnection(subscriber, byToken);
    if (homeConnection === undefined) return this.#client.refuse(request, fault(403, "the credentials have just changed"));
    this.#pass(homeConnection, raw, request.method, mandatory);
  }

  /** Work that needs the directory or a home. Without the directory the server cannot work: 503. If one home cannot be reached: 500. */
  async #attempt(request: SipRequest, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isAway = error instanceof DirectoryUnavailable;
      if (!isAway) console.error(JSON.stringify({ note: "a home connection could not be opened", error: String(error) }));
      this.#client.refuse(request, fault(isAway ? 503 : 500, "this account cannot be served now", [["Retry-After", "5"]]));
    }
  }

  /** A client without an account: a guest of the called user's domain, if guests may call that user; else it is refused. */
  async #admitNonSubscriber(request: SipRequest, raw: string | ArrayBuffer, mandatory: MandatoryHeaders, refusal: Fault): Promise<void> {
    const hasCredentials = hasHeader(request, "proxy-authorization") || hasHeader(request, "authorization");
    const uri = parseUri(request.requestUri);
    const to = isFault(uri) || uri.kind !== "sip" ? undefined : addressOf(this.#keyring, uri);
    if (hasCredentials || mandatory.toTag !== undefined || !guestMethods.includes(request.method) || to === undefined)
      return this.#client.refuse(request, refusal);
    const answer = await this.#find(to.user, to.domain);
    if (answer === undefined) return;
    if (answer.kind !== "subscriber" || !admitsGuests(answer.settings, answer.subscriber.username))
      return this.#client.refuse(request, refusal);
    const known = this.#homeConnections.find(
      (homeConnection) => homeConnection.domain === to.domain && isNonSubscriberHome(homeConnection.home),
    );
    if (known === undefined && this.#homeConnections.length >= this.#configuration.maximumHomeConnections)
      return this.#client.refuse(request, limitReached(403, "too many accounts on one connection"));
    this.#pass(known ?? (await this.#openGuestConnection(to.domain)), raw, request.method, mandatory);
  }

  #openGuestConnection(domain: string): Promise<HomeConnection> {
    const { host, address } = this.#arrival;
    const nonSubscriber: NonSubscriber = {
      kind: "guest",
      domain,
      name: guestName(this.#keyring, address, randomText() + randomText()),
      domains: [],
      isTrusted: false,
    };
    return this.#connect(openingOf(nonSubscriber, { way: "shared", host, address }), nonSubscriberHome(nonSubscriber));
  }

  #authenticate(request: SipRequest, user: string, domain: string, subscriber: Subscriber | undefined): Fault | undefined {
    const at = { flow: this.#id, now: Date.now(), counts: this.#counts, nonceLifetime: this.#configuration.nonceLifetime };
    const verdict = authenticate(this.#keyring, request, { user, domain, secret: subscriber ?? nobody, at });
    if (isFault(verdict)) return verdict;
    this.#counts = verdict.counts;
    return undefined;
  }

  /** @returns undefined if the credentials do not count any more */
  async #openHomeConnection(
    verified: Subscriber,
    byToken: Pick<AcceptedToken, "mark" | "isValid"> | undefined,
  ): Promise<HomeConnection | undefined> {
    this.#leavesCrowd();
    const isSame = ({ md5, sha256 }: Subscriber) => md5 === verified.md5 && sha256 === verified.sha256;
    const subscriber = await firstOpening(this.#environment, verified, byToken?.isValid ?? isSame);
    if (subscriber === undefined) return undefined;
    const { host, address } = this.#arrival;
    const authorizationServer = await authorizationServerOf(this.#environment, subscriber.domain);
    const opening: Opening = {
      ...{ way: "shared", host, address, subscriber, isAuthenticated: true },
      ...(byToken === undefined ? {} : { byToken: byToken.mark }),
      ...(authorizationServer === undefined ? {} : { authorizationServer }),
    };
    return this.#connect(opening, homeName(subscriber));
  }

  async #connect(opening: Opening, home: HomeName): Promise<HomeConnection> {
    const { subscriber } = opening;
    const socket = await connectHome(this.#environment, opening);
    if (!this.#client.isOpen) {
      socket.close(1000);
      throw new Error("the client has disconnected");
    }
    const homeConnection: HomeConnection = {
      socket,
      home,
      hints: homeHints(this.#keyring, home),
      user: subscriber.username,
      domain: subscriber.domain,
    };
    socket.addEventListener("message", ({ data }) => this.#client.emit(data as string | ArrayBuffer));
    socket.addEventListener("close", ({ code, reason }) => this.#homeConnectionClosed(homeConnection, code, reason));
    socket.addEventListener("error", () => this.#homeConnectionClosed(homeConnection, 1006, ""));
    this.#homeConnections.push(homeConnection);
    this.#client.authenticated();
    return homeConnection;
  }

  /**
   * If a home connection is lost the client's socket is closed too, so that the phone reconnects; if the home closed it on purpose, only if
   * it was the only account.
   */
  #homeConnectionClosed(homeConnection: HomeConnection, code: number, reason: string): void {
    const at = this.#homeConnections.indexOf(homeConnection);
    if (at < 0) return;
    this.#homeConnections.splice(at, 1);
    for (const [branch, followed] of this.#invites) if (followed === homeConnection) this.#invites.delete(branch);
    if (homeConnection.socket.readyState !== WebSocket.CLOSED) homeConnection.socket.close(1000);
    if (code >= 4000) {
      // A client that does not read from one home does not read from the others either.
      if (this.#homeConnections.length === 0 || reason === closing.doesNotRead.reason) this.#client.end({ code, reason });
      return;
    }
    setTimeout(() => this.#client.end({ code: 1012, reason: "a home restarted: connect again" }), Math.random() * 2000);
  }

  closed(code: number): void {
    this.#leavesCrowd();
    const homeCode = code === 1006 ? closing.broken.code : closeCodeFor(code);
    for (const homeConnection of this.#homeConnections.splice(0)) homeConnection.socket.close(homeCode);
  }

  /** A message that goes on to a home is logged there. */
  refused(request: SipRequest, { status, fault: why }: Fault, response: string): void {
    const now = Date.now();
    this.#log.received(now, this.#id, request);
    this.#log.answered(now, this.#id, response, status, request, why);
  }
}
