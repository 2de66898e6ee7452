import type { UA } from "jssip";
import type { RTCSession, ReferEvent } from "jssip/lib/RTCSession";
import { type Account, askApi } from "./account.ts";
import type { Companion } from "./companion.ts";
import { type DeviceKind, Devices } from "./devices.ts";
import { type Ending, describeMediaFault, noSecureContext } from "./endings.ts";
import { Events } from "./events.ts";
import { GivenIceServers } from "./given-ice-servers.ts";
import { Line, peerOf } from "./line.ts";
import { Lines } from "./lines.ts";
import type { Quality } from "./quality.ts";
import { Registration, isNotAddress } from "./registration.ts";
import type { Log } from "./socket.ts";
import { type Call, type Connection, type LostCall, type Picture, type PhoneState, initialState, isOffered, nothing } from "./state.ts";
import { targetOf } from "./target.ts";
import { type Texts, english, fill } from "./texts.ts";
import { type TransferWatch, refer, replacementFor } from "./transfer.ts";

/** The parts of a phone, and what it may do. */
export interface PhoneOptions {
  /** Names this phone among those of its user (RFC 5626 §4.1). */
  readonly instance: string;
  readonly companions?: readonly Companion[];
  readonly texts?: Texts;
  /** Calls at a time; a further caller gets a busy signal. 4 if absent. */
  readonly maxCalls?: number;
  /** Makes the player of a call's audio; by default one that is not in the page. */
  readonly audio?: () => HTMLAudioElement;
  /** Whether the other side of a call may transfer us there; absent: it may. */
  readonly mayTransfer?: (call: Call, target: string) => boolean;
}

/** What a phone reports. */
export interface PhoneEvents {
  changed: PhoneState;
  /** A call is over, or could not begin: then there is none. */
  ended: { readonly call: Call | undefined; readonly ending: Ending };
  measured: { readonly id: string; readonly quality: Quality };
  /** The account is refused, and the user is signed out. */
  refused: undefined;
  /** The token is not accepted any more: `renewToken` with a new one goes on. */
  token: undefined;
}

const usualMaxCalls = 4;

/** A phone with one account and several calls, on JsSIP. It draws nothing. */
export class Phone {
  readonly devices = new Devices((kind) => this.#deviceChosen(kind));
  readonly #options: PhoneOptions;
  readonly #texts: Texts;
  readonly #events = new Events<PhoneEvents>();
  readonly #lines: Lines;
  #state: PhoneState;
  #registration: Registration | undefined;
  #servers: GivenIceServers | undefined;

  constructor(options: PhoneOptions) {
    this.#options = options;
    this.#texts = options.texts ?? english;
    this.#state = initialState(this.#texts);
    this.#lines = new Lines(() => this.#change({ calls: this.#lines.calls, selected: this.#lines.selected?.call.id }));
  }

  readonly on: Events<PhoneEvents>["on"] = (name, listener) => this.#events.on(name, listener);

  get state(): PhoneState {
    return this.#state;
  }

  get account(): Account | undefined {
    return this.#registration?.account;
  }

  /** A call by its id, for what is done with it; by default the one that the user deals with. */
  line(id?: string): Line | undefined {
    return id === undefined ? this.#lines.selected : this.#lines.find(id);
  }

  signIn(account: Account, log: Log = () => undefined): void {
    this.signOut();
    const options = { instance: this.#options.instance, texts: this.#texts, log };
    try {
      this.#registration = new Registration(account, options, {
        connection: (connection) => this.#change({ connection }),
        registered: (ua, present) => this.#registered(ua, present),
        disconnected: () => this.#lines.forEach((line) => line.connectionLost()),
        refused: (what) => this.#refused(what),
        newSession: (session) => this.#newSession(session),
      });
    } catch (error) {
      if (!isNotAddress(error)) throw error;
      return this.refuse(fill(this.#texts.connection.notAddress, { address: account.address }));
    }
    this.#servers = new GivenIceServers(
      () => this.account ?? account,
      (servers) => this.#lines.forEach((line) => line.renewServers(servers)),
    );
  }

  signOut(): void {
    const registration = this.#registration;
    this.#registration = undefined;
    if (registration !== undefined) for (const companion of this.#options.companions ?? []) companion.signedOut();
    registration?.end();
    this.#servers?.close();
    this.#connection({ kind: "offline", why: this.#texts.connection.offline });
  }

  /** Goes on with a new token, without a break of calls. */
  renewToken(token: string): void {
    this.#registration?.renewToken(token);
  }

  /** Does not sign in, and shows why. */
  refuse(why: string): void {
    this.#connection({ kind: "failed", why });
  }

  /** Shows a notice. */
  tell(text: string, isFailure = false): void {
    this.#change({ notice: { text, isFailure } });
  }

  /**
   * The page closes. All that the phone left on the server is removed, also its binding: the next caller hears at once that it is gone. If
   * a call rings here, or the page will be back, the binding stays: the server waits for the phone.
   * @returns the last call, if there was one
   */
  leavePage(isReloading: boolean): LostCall | undefined {
    const isAnyOffered = this.#state.calls.some(isOffered);
    let last: LostCall | undefined;
    this.#lines.forEach((line) => (last = line.leavePage()));
    if (this.#state.connection.kind !== "registered") return last;
    for (const companion of this.#options.companions ?? []) companion.leaving?.();
    // A phone that push notifications wake stays registered.
    const isWoken = this.account?.push !== undefined;
    if (!isAnyOffered && !isReloading && !isWoken) this.#registration?.unregister();
    return last;
  }

  /** Calls, and holds the calls in progress. @param target an address, or a user name of our own domain */
  async call(target: string, { video = false } = {}): Promise<void> {
    const ua = this.#registration?.ua;
    if (ua === undefined) return;
    if (this.#isFull()) return this.tell(this.#texts.call.tooMany);
    if (targetOf(ua, target) === undefined) return this.tell(fill(this.#texts.call.notCallable, { target }), true);
    if (navigator.mediaDevices === undefined) return this.#ended(undefined, describeMediaFault(noSecureContext, this.#texts));
    const [pcConfig, mediaConstraints] = await Promise.all([this.#ice(), this.devices.constraints(video)]);
    // Called twice, or signed out, meanwhile.
    if (ua !== this.#registration?.ua || this.#isFull()) return;
    ua.call(target, { mediaConstraints, pcConfig });
  }

  /** Answers a call, and holds the others. */
  answer(id?: string, { video = false } = {}): void {
    const line = this.line(id);
    if (line === undefined) return;
    this.#lines.select(line);
    line.answer(video);
  }

  /** Takes up a call, and holds the others. */
  resume(id: string): void {
    const line = this.#lines.find(id);
    if (line === undefined) return;
    this.#lines.select(line);
    line.hold(false);
  }

  /** Sends the other side of a call there, without a word before. */
  transfer(target: string, id?: string): void {
    const [line, ua] = [this.line(id), this.#registration?.ua];
    if (line === undefined || ua === undefined) return;
    if (targetOf(ua, target) === undefined) return this.tell(fill(this.#texts.call.notCallable, { target }), true);
    this.#transfer(line, target, (watch) => refer(line.session, target, watch));
  }

  /** Connects the other sides of two calls with each other; the second one is answered already. */
  connect(id: string, other: string): void {
    const [line, consulted] = [this.#lines.find(id), this.#lines.find(other)];
    if (line === undefined || consulted === undefined || consulted.call.phase !== "talking") return;
    const { peer: target } = consulted.call;
    // The other phone ends the call with us as soon as it is replaced.
    consulted.endsAs(fill(this.#texts.transfer.done, { peer: line.call.peer, target }));
    this.#transfer(line, target, ({ done, failed }) =>
      refer(line.session, replacementFor(consulted.session), {
        done: () => {
          done();
          consulted.hangUp();
        },
        failed: (reason) => {
          consulted.endsAs(undefined);
          failed(reason);
        },
      }),
    );
  }

  /** Shows the camera or the screen in a call, or nothing more. */
  async show(picture: Picture, id?: string): Promise<void> {
    try {
      await this.line(id)?.show(picture);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      const { noCamera, noScreen } = this.#texts.media;
      this.tell(fill(picture === "screen" ? noScreen : noCamera, { name: error.name }), true);
    }
  }

  /** The user allows or blocks a watcher: a change that applies to all phones of the user. */
  async decide(watcher: string, permission: "allow" | "block"): Promise<void> {
    const { account } = this;
    if (account === undefined) return;
    const init = { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ permission }) };
    const answer = await askApi(account, `/me/watchers/${encodeURIComponent(watcher)}`, init).catch(() => undefined);
    if (answer?.ok === true) return;
    const { decisionRefused, unreachable } = this.#texts.presence;
    this.tell(fill(decisionRefused, { reason: answer === undefined ? unreachable : answer.status }), true);
  }

  #transfer(line: Line, target: string, send: (watch: TransferWatch) => void): void {
    const texts = this.#texts;
    const { peer, phase } = line.call;
    if (phase !== "talking") return;
    const failed = (reason: string) => {
      line.transferring(undefined);
      const text = reason === "" ? texts.transfer.failedSilently : texts.transfer.failed;
      this.tell(fill(text, { peer, target, reason }), true);
    };
    if (this.#state.connection.kind !== "registered") return failed(texts.transfer.noConnection);
    line.transferring(target);
    try {
      send({
        failed,
        done: () => {
          line.endsAs(fill(texts.transfer.done, { peer, target }));
          line.hangUp();
        },
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      line.transferring(undefined);
      this.tell(fill(texts.call.notCallable, { target }), true);
    }
  }

  #registered(ua: UA, account: Account): void {
    this.#servers?.open();
    for (const companion of this.#options.companions ?? []) companion.registered(ua, account);
    this.#lines.forEach((line) => line.connectionIsBack());
  }

  #refused(what: "account" | "token"): void {
    if (what === "token") return this.#events.emit("token", undefined);
    this.signOut();
    this.#events.emit("refused", undefined);
  }

  #newSession(session: RTCSession): void {
    const successor = this.#lines.takeSuccessor(session);
    if (successor === undefined && this.#isFull()) {
      this.tell(fill(this.#texts.call.calledMeanwhile, { peer: peerOf(session, this.#texts) }));
      return session.terminate({ status_code: 486, reason_phrase: "Busy Here" });
    }
    if (successor === undefined) this.#change({ notice: nothing });
    const audio = this.#options.audio?.() ?? Object.assign(new Audio(), { autoplay: true });
    const parts = { texts: this.#texts, devices: this.devices, ice: () => this.#ice(), audio };
    const line: Line = new Line(session, parts, {
      changed: () => this.#lines.changed(),
      measured: (quality) => this.#events.emit("measured", { id: line.call.id, quality }),
      answered: () => this.#lines.answered(line),
      interrupted: () => this.#registration?.interrupted(),
      ended: (ending) => this.#ended(line, ending),
      referred: (event) => void this.#referred(line, event),
      replaced: (event) => this.#replaced(line, event),
    });
    this.#lines.add(line);
    if (successor === "replacement") line.answer();
  }

  /** The other side transfers us: the new call takes the place of this one. */
  async #referred(line: Line, { request, accept, reject }: ReferEvent): Promise<void> {
    const target = (request as unknown as { readonly refer_to: { readonly uri: { toAor(): string } } }).refer_to.uri.toAor();
    const address = target.replace(/^sips?:/, "");
    if (this.#options.mayTransfer?.(line.call, address) === false) return reject();
    const [pcConfig, mediaConstraints] = await Promise.all([this.#ice(), this.devices.constraints(false)]);
    const { peer } = line.call;
    this.tell(fill(this.#texts.transfer.received, { peer, target: address }));
    accept((session: RTCSession) => this.#lines.expect(session, "transfer", line), {
      mediaConstraints,
      pcConfig,
    });
  }

  /** Another phone takes the place of the other side (RFC 3891): the call goes on with it, without a ring. */
  #replaced(line: Line, { accept }: ReferEvent): void {
    const { peer } = line.call;
    accept((session: RTCSession) => {
      line.endsAs(fill(this.#texts.transfer.replaced, { peer, target: peerOf(session, this.#texts) }));
      this.#lines.expect(session, "replacement", line);
    });
  }

  #ended(line: Line | undefined, ending: Ending): void {
    if (line !== undefined) this.#lines.remove(line);
    this.tell(ending.text, ending.isFailure);
    this.#events.emit("ended", { call: line?.call, ending });
  }

  #deviceChosen(kind: DeviceKind): void {
    this.#lines.forEach((line) => {
      if (kind === "microphone") void line.takeMicrophone();
      if (kind === "output") void line.takeOutput();
    });
  }

  #isFull(): boolean {
    return this.#lines.calls.length >= (this.#options.maxCalls ?? usualMaxCalls);
  }

  async #ice(): Promise<RTCConfiguration> {
    return (await this.#servers?.forCall()) ?? {};
  }

  #connection(connection: Connection): void {
    this.#change({ connection });
  }

  #change(changes: Partial<PhoneState>): void {
    this.#state = { ...this.#state, ...changes };
    this.#events.emit("changed", this.#state);
  }
}
