import { phoneOfToken } from "../../lib/location/binding.ts";
import { targetIn } from "../../lib/proxy/bye.ts";
import type { Connections } from "./connections.ts";
import type { Registered } from "./part.ts";
import { answersChallenge, guessesAllowed, guessesIn, passwordsIn } from "../../lib/authentication/authenticate.ts";
import { refuseScope } from "../../lib/authentication/token-limits.ts";
import { hintIn, readBranch, transactionIn } from "../../lib/proxy/branch.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { Message, Request as SipRequest, Response as SipResponse } from "../../lib/syntax/message.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { Brakes, brakeOfName } from "../../platform/connection/brakes.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answerFault } from "../shared/reply.ts";
import type { Room } from "./room.ts";
import { isWithinCall } from "./tokens.ts";
import { type OfferedServices, offeredPush } from "./offered-push.ts";
import type { Account } from "./account.ts";
import type { PhoneParts } from "./phone-parts.ts";
import { mentionsPush } from "../../lib/push/push-device.ts";
import type { Registrar } from "./registrar.ts";
import { closing } from "../../platform/connection/close-reasons.ts";

/** Where the messages of phones arrive: they are authenticated, and handed to their part. */
export class Ingress {
  readonly #room: Room;
  readonly #account: Account;
  readonly #registrar: Registrar;
  readonly #phones: PhoneParts;
  readonly #connections: Connections;
  /** In memory of the home, which has one account. */
  readonly #brakes = new Brakes(brakeOfName);

  constructor(room: Room, connections: Connections, account: Account, registrar: Registrar, phones: PhoneParts) {
    this.#room = room;
    this.#connections = connections;
    this.#account = account;
    this.#registrar = registrar;
    this.#phones = phones;
  }

  /** A message of a phone. A response is heard from authenticated ones only. */
  receive(flow: Flow, message: Message, mandatory: MandatoryHeaders, now: number): void | Promise<void> {
    if (message.kind === "request") return this.#request(flow, message, mandatory, now);
    if (flow.authenticated !== undefined) this.#response(flow, message, mandatory, now);
  }

  #request(flow: Flow, request: SipRequest, mandatory: MandatoryHeaders, now: number): void | Promise<void> {
    const { method } = request;
    // Neither can be challenged: an ACK has no response, a CANCEL cannot be sent again (RFC 3261 §22.1).
    if (flow.authenticated === undefined && method === "ACK") return;
    if (flow.authenticated === undefined && method === "CANCEL") {
      return this.refuse(flow, request, fault(481, "there is nothing to cancel"), now);
    }
    const { keyring, configuration } = this.#room;
    const at = { flow: flow.id, now, nonceLifetime: configuration.nonceLifetime };
    const isTrying = flow.authenticated === undefined && answersChallenge(keyring, request, at);
    const waiting = isTrying ? this.#brakes.waiting("", now) : undefined;
    if (waiting === undefined) return this.#attempt(flow, request, mandatory, now);
    return this.#connections.strangers
      .tries(flow.id, waiting)
      .then(() => this.#attempt(this.#room.sockets.byId(flow.id) ?? flow, request, mandatory, Date.now()));
  }

  #attempt(flow: Flow, request: SipRequest, mandatory: MandatoryHeaders, now: number): void | Promise<void> {
    const token = this.#connections.tokens.in(flow, request);
    if (token === undefined) return this.#authenticate(flow, request, mandatory, now);
    return this.#connections.tokens.take(flow, token, now).then((taken) => {
      if (taken.authenticated !== undefined) this.#connections.strangers.forget(flow.id);
      return this.#authenticate(taken, request, mandatory, Date.now());
    });
  }

  #authenticate(flow: Flow, request: SipRequest, mandatory: MandatoryHeaders, now: number): void | Promise<void> {
    const isWithin = () =>
      isWithinCall(this.#room.keyring, request, mandatory, (route) => this.#phones.presentDialogs.allowsBy(route, mandatory, now));
    const authenticated = this.#account.authenticate(flow, request, now, isWithin);
    if (isFault(authenticated)) return this.#challenge(flow, request, authenticated, now);
    if (flow.authenticated === undefined) this.#connections.strangers.forget(flow.id);
    return this.#room.alarm.isReady
      ? this.#authenticated(authenticated, request, mandatory, now)
      : this.#room.alarm.ready().then(() => this.#authenticated(authenticated, request, mandatory, now));
  }

  #challenge(flow: Flow, request: SipRequest, challenge: Fault, now: number): void {
    this.refuse(flow, request, challenge, now);
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
      return this.refuse(flow, request, fault(403, "only subscribers may register"), now);
    if (request.method !== "REGISTER")
      return this.#phones.originating.request(this.#withSpeaker(flow, request, now), request, mandatory, now);
    const refusal = flow.tokenLimits === undefined ? undefined : refuseScope(flow.tokenLimits, "REGISTER");
    if (refusal !== undefined) return this.refuse(flow, request, refusal, now);
    const { copyLifetime } = this.#room.configuration;
    if (now - (flow.authenticated?.checked ?? now) < copyLifetime * 1000) return this.#register(flow, request, mandatory, now);
    return this.#account
      .recheck(flow, now)
      .then((gone) => (gone === undefined ? this.#register(flow, request, mandatory, now) : this.refuse(flow, request, gone, now)));
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
    if (isFault(outcome)) return this.refuse(flow, request, outcome, now);
    const text = replyTo(request, 200, { toTag: randomText(), lines: outcome.lines });
    this.#reply(flow, request, text, 200, now);
    for (const other of outcome.left) this.#connections.flowClosed(other, now);
    if (outcome.newlyRegistered.length === 0) return;
    const phones = [...new Set(outcome.newlyRegistered.map(({ phone }) => phone))];
    const event: Registered = { flow, phones, bindings: outcome.newlyRegistered };
    this.#connections.registered(event, now);
  }

  /** By the branch of our Via, on any of the user's sockets (RFC 3261 §17.1.3). */
  #response(flow: Flow, response: SipResponse, mandatory: MandatoryHeaders, now: number): void {
    const { branch: written } = mandatory.via;
    if (written === undefined || !this.#room.home.hints.includes(hintIn(written) ?? "")) return;
    const branch = readBranch(this.#room.keyring, written, transactionIn(mandatory));
    if (branch?.kind === "probe") return this.#room.sockets.hasRead(flow.id, branch.token);
    if (branch !== undefined) this.#phones.terminating.response(flow, response, mandatory, branch, now);
  }

  /** Answers a request that is not accepted; an ACK has no answer. */
  refuse(flow: Flow, request: SipRequest, refusal: Fault, now: number): void {
    if (request.method !== "ACK") this.#reply(flow, request, answerFault(request, refusal), refusal.status, now, refusal.fault);
  }

  #reply(flow: Flow, request: SipRequest, text: string, status: number, now: number, why?: string): void {
    if (this.#connections.strangers.mayBeSent(flow.id, text, now)) this.#room.sockets.send(flow.id, text);
    this.#room.log.answered(now, flow.id, text, status, request, why, flow.authenticated !== undefined);
  }
}
