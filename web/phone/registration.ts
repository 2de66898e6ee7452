import { Exceptions, UA } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { DisconnectEvent, RTCSessionEvent, UnRegisteredEvent } from "jssip/lib/UA";
import { type Account, socketUrl, tokenOf } from "./account.ts";
import { type Log, PhoneSocket } from "./socket.ts";
import { type Connection, describeRefusal } from "./state.ts";
import { type Texts, fill } from "./texts.ts";
import { whyNotConnected } from "./why-not-connected.ts";

/** Seconds until the next attempt at a server that is unavailable, if it names no time. */
const retryAfter = 5;
/** Seconds that a phone which push notifications wake is registered: a week. */
const sleepingFor = 604_800;

export interface RegistrationOptions {
  /** Names this phone among those of its user (RFC 5626 §4.1). */
  readonly instance: string;
  readonly texts: Texts;
  readonly log: Log;
}

/** Gets what becomes of a registration. */
export interface RegistrationWatch {
  connection(connection: Connection): void;
  /** For the first time, and after each refresh. */
  registered(ua: UA, account: Account): void;
  disconnected(): void;
  /** The account is refused. With a new token it can go on, and calls in progress do. */
  refused(what: "account" | "token"): void;
  newSession(session: RTCSession): void;
}

/** The registration of one account: connects, stays connected, and says why not. */
export class Registration {
  readonly #options: RegistrationOptions;
  readonly #watch: RegistrationWatch;
  readonly #socket: PhoneSocket;
  #account: Account;
  #ua: UA;
  #hasRegistered = false;
  #hasEnded = false;
  /** A call hears nothing: a connection that is found dead is made again at once, while JsSIP would wait for some seconds. */
  #isInterrupted = false;
  /** Nothing is tried again until there is a new token. */
  #needsToken = false;

  /** @throws Exceptions.ConfigurationError if the address is not one */
  constructor(account: Account, options: RegistrationOptions, watch: RegistrationWatch) {
    this.#account = account;
    this.#options = options;
    this.#watch = watch;
    this.#socket = new PhoneSocket(socketUrl(account), () => tokenOf(this.#account), options.log);
    const { credentials, push } = account;
    this.#ua = new UA({
      sockets: this.#socket,
      uri: `sip:${account.address}`,
      instance_id: options.instance,
      ...("password" in credentials ? { password: credentials.password } : {}),
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 10,
      session_timers: false,
      ...(push === undefined ? {} : { register_expires: sleepingFor }),
    });
    if (push !== undefined) this.#ua.registrator().setExtraContactParams(push);
    this.#follow();
    this.#connecting(options.texts.connection.connecting);
    this.#ua.start();
    window.addEventListener("online", this.#probe);
    networkInformation()?.addEventListener("change", this.#probe);
  }

  get ua(): UA {
    return this.#ua;
  }

  get account(): Account {
    return this.#account;
  }

  end(): void {
    this.#hasEnded = true;
    window.removeEventListener("online", this.#probe);
    networkInformation()?.removeEventListener("change", this.#probe);
    this.#ua.stop();
  }

  /** Removes the binding and stays connected, since the page closes. */
  unregister(): void {
    this.#ua.unregister();
  }

  /** The next REGISTER has it, which is sent at once; so has each new connection. */
  renewToken(token: string): void {
    this.#needsToken = false;
    this.#account = { ...this.#account, credentials: { token } };
    this.#ua.registrator().setExtraHeaders([`Authorization: Bearer ${token}`]);
    if (this.#socket.isConnected()) this.#ua.register();
    else this.#connect();
  }

  /** The network may have changed: a connection that died without a word is found, and made again. */
  readonly #probe = (): void => this.#socket.probe();

  /** Nothing of a call arrives any more. */
  interrupted(): void {
    this.#isInterrupted = this.#socket.isConnected();
    if (this.#isInterrupted) this.#socket.probe();
    else this.#connect();
  }

  #follow(): void {
    const ua = this.#ua;
    const whileSignedIn =
      <Event>(listener: (event: Event) => void) =>
      (event: Event) => {
        if (!this.#hasEnded) listener(event);
      };
    ua.on(
      "registered",
      whileSignedIn(() => {
        this.#hasRegistered = true;
        this.#isInterrupted = false;
        this.#watch.connection({ kind: "registered", address: this.#account.address });
        this.#watch.registered(ua, this.#account);
      }),
    );
    const refused = (event: UnRegisteredEvent) => this.#refused(event);
    const disconnected = (event: DisconnectEvent) => this.#disconnected(event);
    const newSession = ({ session }: RTCSessionEvent) => this.#watch.newSession(session);
    ua.on("registrationFailed", whileSignedIn(refused));
    ua.on("disconnected", whileSignedIn(disconnected));
    ua.on("newRTCSession", whileSignedIn(newSession));
  }

  #disconnected({ reason }: DisconnectEvent): void {
    if (this.#needsToken) return this.#watch.disconnected();
    const { reconnecting, tryingAgain } = this.#options.texts.connection;
    const what = this.#hasRegistered ? reconnecting : tryingAgain;
    this.#connecting(reason ? `${what} (${reason})` : what);
    this.#watch.disconnected();
    if (this.#isInterrupted) setTimeout(() => this.#connect());
    this.#isInterrupted = false;
    void this.#explain();
  }

  #connect(): void {
    if (!this.#hasEnded && !this.#needsToken) transportOf(this.#ua).connect();
  }

  /** A browser does not say why a connection was refused: the API is asked. */
  async #explain(): Promise<void> {
    const isByToken = tokenOf(this.#account) !== undefined;
    if (!isByToken && this.#account.server === location.origin) return;
    const fault = await whyNotConnected(this.#account);
    if (this.#hasEnded || this.#socket.isConnected()) return;
    if (fault === "token" && isByToken) this.#refuse("token", this.#options.texts.connection.tokenRefused);
    // An origin that was let in is not refused later: the server is out of reach.
    if (fault === "origin" && !this.#hasRegistered)
      this.#refuse("account", fill(this.#options.texts.connection.originRefused, { origin: location.origin }));
  }

  #refused({ response, cause }: UnRegisteredEvent): void {
    const { texts } = this.#options;
    const answer = response as typeof response | null;
    const { status_code: status, reason_phrase: reason = cause ?? texts.connection.noAnswer } = answer ?? {};
    if (status === 401 && tokenOf(this.#account) !== undefined) return this.#refuse("token", texts.connection.tokenRefused);
    const why = describeRefusal(status, reason, texts);
    if (status !== undefined && status < 500) return this.#refuse("account", why);
    this.#connecting(why);
    const seconds = Number.parseInt(answer?.getHeader("Retry-After") ?? "", 10) || retryAfter;
    setTimeout(() => {
      if (!this.#hasEnded && !this.#ua.isRegistered()) this.#ua.register();
    }, seconds * 1000);
  }

  #refuse(what: "account" | "token", why: string): void {
    this.#needsToken = what === "token";
    if (this.#needsToken && !this.#socket.isConnected()) transportOf(this.#ua).disconnect();
    this.#watch.refused(what);
    this.#watch.connection({ kind: "failed", why });
  }

  #connecting(why: string): void {
    this.#watch.connection({ kind: "connecting", why, isReconnecting: this.#hasRegistered });
  }
}

/** Whether an exception says that an address is not one. */
export function isNotAddress(error: unknown): boolean {
  return error instanceof Exceptions.ConfigurationError;
}

/** Missing in JsSIP's types. */
function transportOf(ua: UA): { connect(): void; disconnect(): void } {
  return (ua as unknown as { readonly transport: { connect(): void; disconnect(): void } }).transport;
}

/** Missing in some browsers. */
function networkInformation(): EventTarget | undefined {
  return (navigator as { readonly connection?: EventTarget }).connection;
}
