import { phoneOfToken } from "../../lib/location/binding.ts";
import { targetIn } from "../../lib/proxy/bye.ts";
import type { FlowId } from "../../lib/transport/identifiers.ts";
import type { FlowClosed, Part, Registered } from "./part.ts";
import { answersChallenge, guessesAllowed, guessesIn, passwordsIn } from "../../lib/authentication/authenticate.ts";
import { refuseScope } from "../../lib/authentication/token-limits.ts";
import { hintIn, readBranch, transactionIn } from "../../lib/proxy/branch.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import { type MandatoryHeaders, readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { type Message, type Request as SipRequest, type Response as SipResponse, parseMessage, recover } from "../../lib/syntax/message.ts";
import { type Flow, flowVersion } from "../../lib/transport/flow.ts";
import { nonSubscriberPhone } from "../../lib/transport/non-subscriber.ts";
import { Brakes, brakeOfName } from "../../platform/connection/brakes.ts";
import { crowdedOut } from "../../platform/connection/crowds.ts";
import { AuthenticationTimeout } from "../../platform/connection/authentication-timeout.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answerFault } from "../shared/reply.ts";
import type { Room } from "./room.ts";
import { Tokens, isStranger, isWithinCall } from "./tokens.ts";
import { openingHeader, openOpening } from "../../platform/connection/sealed-opening.ts";
import { type OfferedServices, offeredPush } from "./offered-push.ts";
import { UnansweredMessages } from "../../platform/connection/unanswered-messages.ts";
import { StrangerAllowance } from "../../platform/connection/stranger-allowance.ts";
import { type Account, authenticationBy } from "./account.ts";
import type { PhoneParts } from "./phone-parts.ts";
import type { UndeliveredMessage } from "./undelivered-messages.ts";
import { mentionsPush } from "../../lib/push/push-device.ts";
import { type Registrar, isOnPurpose } from "./registrar.ts";
import { closing } from "../../platform/connection/close-reasons.ts";

/** A socket that is not authenticated yet: its limits and its timeout. */
interface Stranger {
  readonly allowance: StrangerAllowance;
  /** Absent if the socket was opened before the home slept: then each frame is checked. */
  readonly patience?: AuthenticationTimeout;
}

/** Where frames arrive: they are parsed, authenticated, and handed to their part. */
export class Ingress implements Part {
  readonly #room: Room;
  readonly #account: Account;
  readonly #registrar: Registrar;
  readonly #phones: PhoneParts;
  readonly #parts: () => readonly Part[];
  readonly #strangers = new Map<string, Stranger>();
  readonly #unanswered = new Map<FlowId, UnansweredMessages>();
  /** Connections whose credentials wait to be checked. */
  readonly #trying = new Set<FlowId>();
  readonly #tokens: Tokens;
  /** In memory of the home, which has one account. */
  readonly #brakes = new Brakes(brakeOfName);

  /** @param parts all parts of the home, in their order */
  constructor(room: Room, account: Account, registrar: Registrar, phones: PhoneParts, parts: () => readonly Part[]) {
    this.#room = room;
    this.#parts = parts;
    this.#account = account;
    this.#tokens = new Tokens(room, account);
    this.#registrar = registrar;
    this.#phones = phones;
  }

  /** Accepts a socket from the edge proxy. Before authentication it causes no SQL, except for a long row of the subscriber. */
  async open(request: Request, now: number): Promise<Response> {
    const { keyring, home } = this.#room;
    const opening = openOpening(keyring, home.name, request.headers.get(openingHeader));
    const { way, host, address, subscriber, nonSubscriber } = opening;
    if (this.#room.sockets.isUnread()) return new Response("Other connections of this account do not read.\n", { status: 503 });
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    if (opening.isAuthenticated) await this.#room.alarm.ready();
    if (opening.isAuthenticated && nonSubscriber === undefined) this.#account.take(subscriber);
    // What the edge proxy has verified may have been changed or revoked meanwhile.
    const isPast = this.#account.isOvertaken(subscriber) || this.#account.hasRevoked(opening.byToken);
    const isAuthenticated = opening.isAuthenticated && (nonSubscriber !== undefined || !isPast);
    const flow: Flow = {
      version: flowVersion,
      id: randomText(),
      way,
      host,
      address,
      opened: now,
      hasValidMessage: isAuthenticated,
      authenticated: isAuthenticated ? authenticationBy(subscriber, opening.byToken, now) : undefined,
      unverifiedSubscriber: isAuthenticated ? undefined : this.#account.presentable(subscriber),
      nonceCounts: [],
      boundContacts: [],
      pendingInvites: [],
      proceeding: [],
      ...(opening.authorizationServer === undefined ? {} : { authorizationServer: opening.authorizationServer }),
      ...(nonSubscriber === undefined ? {} : { nonSubscriber, unregisteredPhone: nonSubscriberPhone }),
      ...(opening.tokenLimits === undefined ? {} : { tokenLimits: opening.tokenLimits }),
    };
    if (!this.#room.sockets.accept(server, flow)) return new Response("The name of this host is too long.\n", { status: 400 });
    if (!isAuthenticated) this.#watch(flow, now);
    else this.#tokens.opened(flow);
    return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "sip" } });
  }

  /** Whether a frame may be read: none after we have closed the socket; an unauthenticated client that exceeds its limit is closed. */
  admits(flow: Flow, frame: string | ArrayBuffer, now: number): boolean {
    // A client that ignores our Close frame could go on without end.
    if (!this.#room.sockets.isOpen(flow.id)) return false;
    if (!isStranger(flow)) return true;
    const { authenticationTimeout } = this.#room.configuration;
    const isLate = flow.authenticated === undefined && now - flow.opened > authenticationTimeout * 1000;
    if (!isLate && this.#strangerOn(flow).allowance.hears(frame, now)) return true;
    this.#room.sockets.close(flow.id, isLate ? closing.notAuthenticated : closing.tooMuch);
    return false;
  }

  /** One frame of a socket: a message, or a keep-alive that the runtime did not answer. */
  frame(id: string, octets: string, now: number): void | Promise<void> {
    const flow = this.#room.sockets.byId(id);
    if (flow === undefined) return;
    if (octets === "\r\n\r\n" || octets === "\r\n" || octets === "") return this.#keepAlive(flow, octets);
    const message = parseMessage(octets);
    if (isFault(message)) return this.#unreadable(flow, octets, message, now);
    this.#room.log.received(now, flow.id, message, octets);
    const mandatory = readMandatoryHeaders(message);
    if (isFault(mandatory)) return message.kind === "request" ? this.#refuse(flow, message, mandatory, now) : undefined;
    const heard = this.#hear(flow);
    if (this.#isFlooded(heard, message, now)) return;
    if (message.kind === "request") return this.#request(heard, message, mandatory, now);
    if (heard.authenticated !== undefined) this.#response(heard, message, mandatory, now);
  }

  /** Whether it is one of too many messages that nothing answers. A server that we trust may have any number of calls. */
  #isFlooded({ id, authenticated, nonSubscriber }: Flow, message: Message, now: number): boolean {
    const isAnswered = message.kind === "request" && message.method !== "ACK";
    if (isAnswered || authenticated === undefined || nonSubscriber?.isTrusted === true) return false;
    const unanswered = this.#unanswered.get(id) ?? new UnansweredMessages();
    this.#unanswered.set(id, unanswered);
    return !unanswered.mayPass(message.kind === "request" ? "ACK" : "response", now);
  }

  closed(flow: Flow): void {
    this.#forgetStranger(flow.id);
    this.#unanswered.delete(flow.id);
    this.#tokens.closed(flow.id);
  }

  /** A connection is closed, or its phones have left it. */
  flowClosed(flow: Flow, now: number, code?: number): void {
    const event = { flow, isOnPurpose: isOnPurpose(code) };
    for (const part of this.#parts()) part.onFlowClosed?.(event, now);
  }

  /** Unanswered messages go to those of its phones that are on another connection. */
  onFlowClosed({ flow }: FlowClosed, now: number): void {
    for (const message of this.#phones.undelivered.flowClosed(flow, now)) this.#sendAgain(message, now);
  }

  #sendAgain(message: UndeliveredMessage, now: number): void {
    if (message.kind === "request") {
      if (message.to.kind === "phone") this.#phones.terminating.again(message, message.to.phone, now);
      return;
    }
    const flow = this.#room.sockets.newestTo(message.to.phone);
    if (flow !== undefined) this.#phones.responses.again(flow, message, now);
  }

  #request(flow: Flow, request: SipRequest, mandatory: MandatoryHeaders, now: number): void | Promise<void> {
    const { method } = request;
    // Neither can be challenged: an ACK has no response, a CANCEL cannot be sent again (RFC 3261 §22.1).
    if (flow.authenticated === undefined && method === "ACK") return;
    if (flow.authenticated === undefined && method === "CANCEL") {
      return this.#refuse(flow, request, fault(481, "there is nothing to cancel"), now);
    }
    const { keyring, configuration } = this.#room;
    const at = { flow: flow.id, now, nonceLifetime: configuration.nonceLifetime };
    const isTrying = flow.authenticated === undefined && answersChallenge(keyring, request, at);
    const waiting = isTrying ? this.#brakes.waiting("", now) : undefined;
    if (waiting === undefined) return this.#attempt(flow, request, mandatory, now);
    this.#trying.add(flow.id);
    return waiting.then(() => {
      this.#trying.delete(flow.id);
      return this.#attempt(this.#room.sockets.byId(flow.id) ?? flow, request, mandatory, Date.now());
    });
  }

  #attempt(flow: Flow, request: SipRequest, mandatory: MandatoryHeaders, now: number): void | Promise<void> {
    const token = this.#tokens.in(flow, request);
    if (token === undefined) return this.#authenticate(flow, request, mandatory, now);
    return this.#tokens.take(flow, token, now).then((taken) => {
      if (taken.authenticated !== undefined) this.#forgetStranger(flow.id);
      return this.#authenticate(taken, request, mandatory, Date.now());
    });
  }

  #authenticate(flow: Flow, request: SipRequest, mandatory: MandatoryHeaders, now: number): void | Promise<void> {
    const isWithin = () => isWithinCall(this.#room.keyring, request, mandatory, () => this.#phones.activeCalls.isNoted(mandatory, now));
    const authenticated = this.#account.authenticate(flow, request, now, isWithin);
    if (isFault(authenticated)) return this.#challenge(flow, request, authenticated, now);
    if (flow.authenticated === undefined) this.#forgetStranger(flow.id);
    return this.#room.alarm.isReady
      ? this.#authenticated(authenticated, request, mandatory, now)
      : this.#room.alarm.ready().then(() => this.#authenticated(authenticated, request, mandatory, now));
  }

  #challenge(flow: Flow, request: SipRequest, challenge: Fault, now: number): void {
    this.#refuse(flow, request, challenge, now);
    const tried = guessesIn(request, challenge);
    if (tried === 0) return;
    this.#brakes.wrong("", passwordsIn(request, challenge), now);
    const failedAttempts = (flow.failedAttempts ?? 0) + tried;
    this.#room.sockets.update(flow.id, { failedAttempts });
    if (failedAttempts >= guessesAllowed) this.#room.sockets.close(flow.id, closing.tooManyGuesses);
  }

  #authenticated(flow: Flow, request: SipRequest, mandatory: MandatoryHeaders, now: number): void | Promise<void> {
    if (request.method === "CANCEL") return this.#phones.originating.cancel(flow, request, mandatory, now);
    if (flow.nonSubscriber !== undefined && request.method === "REGISTER")
      return this.#refuse(flow, request, fault(403, "only subscribers may register"), now);
    if (request.method !== "REGISTER")
      return this.#phones.originating.request(this.#withSpeaker(flow, request, now), request, mandatory, now);
    const refusal = flow.tokenLimits === undefined ? undefined : refuseScope(flow.tokenLimits, "REGISTER");
    if (refusal !== undefined) return this.#refuse(flow, request, refusal, now);
    const { copyLifetime } = this.#room.configuration;
    if (now - (flow.authenticated?.checked ?? now) < copyLifetime * 1000) return this.#register(flow, request, mandatory, now);
    return this.#account
      .recheck(flow, now)
      .then((gone) => (gone === undefined ? this.#register(flow, request, mandatory, now) : this.#refuse(flow, request, gone, now)));
  }

  /** A phone that is back on another socket may call before it registers: the responses must find it on its next socket too. */
  #withSpeaker(flow: Flow, request: SipRequest, now: number): Flow {
    if (flow.boundContacts.length > 0 || flow.unregisteredPhone !== undefined || request.method !== "INVITE") return flow;
    const { tokenLimits } = flow;
    const isOfToken = tokenLimits !== undefined && refuseScope(tokenLimits, "REGISTER") !== undefined;
    // Who may not register takes no other phone's place: it would get what is for that one.
    const unregisteredPhone = isOfToken
      ? phoneOfToken(this.#room.keyring, tokenLimits.id, targetIn(request) ?? "")
      : this.#registrar.phoneOf(request, now);
    return unregisteredPhone === undefined ? flow : (this.#room.sockets.update(flow.id, { unregisteredPhone }) ?? flow);
  }

  #register(flow: Flow, request: SipRequest, mandatory: MandatoryHeaders, now: number): void | Promise<void> {
    if (!mentionsPush(request.text)) return this.#registered(flow, request, mandatory, [], now);
    return offeredPush(this.#room).then((offered) =>
      this.#registered(this.#room.sockets.byId(flow.id) ?? flow, request, mandatory, offered, Date.now()),
    );
  }

  #registered(flow: Flow, request: SipRequest, mandatory: MandatoryHeaders, pushServices: OfferedServices, now: number): void {
    const outcome = this.#registrar.register(flow, request, mandatory, pushServices, now);
    if (isFault(outcome)) return this.#refuse(flow, request, outcome, now);
    const text = replyTo(request, 200, { toTag: randomText(), lines: outcome.lines });
    this.#reply(flow, request, text, 200, now);
    for (const other of outcome.left) this.flowClosed(other, now);
    if (outcome.newlyRegistered.length === 0) return;
    const phones = [...new Set(outcome.newlyRegistered.map(({ phone }) => phone))];
    const event: Registered = { flow, phones, bindings: outcome.newlyRegistered };
    for (const part of this.#parts()) part.onRegistered?.(event, now);
  }

  /** By the branch of our Via, on any of the user's sockets (RFC 3261 §17.1.3). */
  #response(flow: Flow, response: SipResponse, mandatory: MandatoryHeaders, now: number): void {
    const { branch: written } = mandatory.via;
    if (written === undefined || !this.#room.home.hints.includes(hintIn(written) ?? "")) return;
    const branch = readBranch(this.#room.keyring, written, transactionIn(mandatory));
    if (branch?.kind === "probe") return this.#room.sockets.hasRead(flow.id, branch.token);
    if (branch !== undefined) this.#phones.terminating.response(flow, response, mandatory, branch, now);
  }

  #unreadable(flow: Flow, octets: string, refusal: Fault, now: number): void {
    this.#room.log.unreadable(now, flow.id, octets.slice(0, 2000), refusal.fault);
    const request = recover(octets);
    if (request !== undefined) this.#refuse(flow, request, refusal, now);
  }

  /** RFC 5626 §4.4.1; the runtime answers a text keep-alive, which never arrives here. */
  #keepAlive(flow: Flow, octets: string): void {
    if (octets === "\r\n\r\n") this.#say(flow.id, "\r\n", Date.now());
  }

  #refuse(flow: Flow, request: SipRequest, refusal: Fault, now: number): void {
    if (request.method !== "ACK") this.#reply(flow, request, answerFault(request, refusal), refusal.status, now, refusal.fault);
  }

  #reply(flow: Flow, request: SipRequest, text: string, status: number, now: number, why?: string): void {
    this.#say(flow.id, text, now);
    this.#room.log.answered(now, flow.id, text, status, request, why, flow.authenticated !== undefined);
  }

  /** For a client that does not read, no more waits than an unauthenticated one may be sent. */
  #say(id: string, text: string, now: number): void {
    const flow = this.#room.sockets.byId(id);
    const isTooMuch = flow !== undefined && isStranger(flow) && !this.#strangerOn(flow).allowance.says(text, now);
    if (isTooMuch) this.#room.sockets.close(id, closing.tooMuch);
    else this.#room.sockets.send(id, text);
  }

  #strangerOn({ id }: Flow): Stranger {
    const known = this.#strangers.get(id) ?? { allowance: new StrangerAllowance() };
    this.#strangers.set(id, known);
    return known;
  }

  /** A socket that is not authenticated in time is closed; so are unauthenticated ones when they are too many. */
  #watch(flow: Flow, now: number): void {
    const { configuration, sockets } = this.#room;
    const close = (why: Parameters<typeof sockets.close>[1]) => sockets.close(flow.id, why);
    const patience = new AuthenticationTimeout(configuration, flow.opened, close, (due) => this.#wakeAt(due));
    this.#strangers.set(flow.id, { allowance: new StrangerAllowance(), patience });
    const strangers = sockets.all().filter((one) => one.authenticated === undefined && sockets.isOpen(one.id));
    for (const one of strangers) {
      // The timer of a socket that was open before an eviction is lost.
      const seconds = one.hasValidMessage ? configuration.authenticationTimeout : configuration.firstMessageTimeout;
      if (now - one.opened > seconds * 1000) sockets.close(one.id, one.hasValidMessage ? closing.notAuthenticated : closing.noMessage);
    }
    const crowd = strangers.map(({ id, address, opened }) => ({ id, address, opened, isTrying: this.#trying.has(id) }));
    for (const { id } of crowdedOut(crowd, configuration.maximumUnauthenticated)) sockets.close(id, closing.tooMany);
  }

  /** An unauthenticated client must not keep the home awake. */
  #wakeAt(due: number): void {
    const { alarm, log } = this.#room;
    alarm
      .ready()
      .then(() => alarm.noLaterThan(due))
      .catch((error: unknown) => log.note(Date.now(), "-", String(error)));
  }

  /** Closes the sockets that have sent a message but were not authenticated in time. */
  onAlarm(now: number): void {
    const { configuration, sockets, alarm } = this.#room;
    this.#tokens.onAlarm(now);
    for (const { id, opened, hasValidMessage: heard, authenticated } of sockets.all()) {
      if (authenticated !== undefined || !heard) continue;
      const due = opened + configuration.authenticationTimeout * 1000;
      if (due <= now) sockets.close(id, closing.notAuthenticated);
      else alarm.noLaterThan(due);
    }
  }

  /** A socket is authenticated, or closed. */
  #forgetStranger(id: string): void {
    this.#strangers.get(id)?.patience?.ends();
    this.#strangers.delete(id);
  }

  #hear(flow: Flow): Flow {
    if (flow.hasValidMessage) return flow;
    this.#strangers.get(flow.id)?.patience?.heard();
    return this.#room.sockets.update(flow.id, { hasValidMessage: true }) ?? flow;
  }
}
