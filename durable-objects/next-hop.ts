import { mandatoryHeadersOf, parsed, parsedResponse, read } from "./shared/reparse.ts";
import { isFromPhone } from "../lib/transport/return-address.ts";
import type { HomeName } from "../lib/transport/identifiers.ts";
import { DurableObject } from "cloudflare:workers";
import type { Keyring } from "../lib/authentication/keyring.ts";
import { type Transaction, hintIn, homeHint, homeHints, readBranch } from "../lib/proxy/branch.ts";
import { challengesWithin } from "../lib/proxy/foreign-challenges.ts";
import { inProgress, withoutRoute } from "../lib/proxy/call-name.ts";
import { type Forwarder, type StatelessRequest, makesDialogs, statelessRequest } from "../lib/proxy/outgoing-request.ts";
import { asAsked, hasCSeqOffset, shift, offsetBranch, offsetEnd } from "../lib/proxy/cseq-offset.ts";
import { type Standing, shownTo, standingOfServer, takenFrom } from "../lib/proxy/standing.ts";
import { type NamedHop, isHopName, readHopName, writtenHost } from "../lib/routing/hop-name.ts";
import { type Trunk, allInUse } from "../lib/routing/trunk.ts";
import { alter } from "../lib/syntax/alter.ts";
import { ackFor, cancelFor } from "../lib/syntax/compose.ts";
import { type MandatoryHeaders, readMandatoryHeaders } from "../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault, limitReached } from "../lib/syntax/fault.ts";
import {
  type Message as SipMessage,
  type Request as SipRequest,
  type Response as SipResponse,
  parseMessage,
} from "../lib/syntax/message.ts";
import {
  type CancelEnvelope,
  type EndedEnvelope,
  type Envelope,
  type Receipt,
  type RequestEnvelope,
  type ResponseEnvelope,
  accepted,
  readEnvelope,
} from "../lib/transport/envelope.ts";
import { callRecordsOf } from "../platform/call-records.ts";
import { readConfiguration } from "../platform/configuration.ts";
import { directoryOf } from "../platform/directory/directory.ts";
import type { HopStatus, NextHopObject, Role } from "../platform/object-rpc.ts";
import type { Environment } from "../platform/environment.ts";
import { available } from "../platform/directory/available.ts";
import { ActiveCalls, isFull } from "./next-hop/active-calls.ts";
import type { Connection } from "./next-hop/connection.ts";
import { HopConnection } from "./next-hop/hop-connection.ts";
import { Inbound } from "./next-hop/inbound.ts";
import { passOn, locateTrunk, release, usualRole } from "./shared/trunk-failover.ts";
import {
  SentRequests,
  type Unanswered,
  isBranchWithCredentials,
  withCredentials,
  withCredentialsCancelled,
} from "./next-hop/sent-requests.ts";
import { type MonitoredTrunk, TrunkMonitor } from "./next-hop/trunk-monitor.ts";
import { TrunkRegistration } from "./next-hop/trunk-registration.ts";
import { defaultRetryAfter } from "../platform/unavailable-servers.ts";
import { unavailableServersOf } from "../platform/unavailable-servers.ts";
import { keyringOf } from "../platform/crypto/keyring.ts";
import { ConcurrencyLimit } from "../platform/concurrency-limit.ts";
import { Outbox } from "../platform/outbox.ts";
import { answerFault } from "./shared/reply.ts";
import { receiverOf } from "../platform/receivers.ts";

/** Requests of the other server that are processed at a time, and that wait for it. */
const [maxAtOnce, maxWaiting] = [8, 200] as const;
/** Milliseconds by which the timers of homes fire first: a home ends a call before its connection is closed. */
const homesFirst = 3000;

/**
 * The connection to one other SIP server. Requests go out without state (RFC 3261 §16.11): the return address is sealed in the branch, and
 * the home that sent them has the timers and forks, and survives. State here may be lost with the connection: the INVITEs in progress, for
 * their ACK and CANCEL, and the calls, for which the connection stays open.
 */
export class NextHop extends DurableObject<Environment> implements NextHopObject {
  readonly #keyring: Keyring;
  readonly #hop: NamedHop;
  readonly #care: TrunkMonitor;
  readonly #inbound: Inbound;
  readonly #asking = new ConcurrencyLimit(maxAtOnce, maxWaiting);
  readonly #environment: Environment;
  readonly #by: Forwarder;
  readonly #outbox: Outbox;
  readonly #sent = new SentRequests();
  readonly #calls: ActiveCalls;
  /** Milliseconds: after it no response to a non-INVITE request is expected. */
  readonly #timerF: number;
  /** Milliseconds between attempts to find the servers of a trunk. */
  readonly #seekEvery: number;
  readonly #connection: HopConnection;

  constructor(state: DurableObjectState, environment: Environment) {
    super(state, environment);
    const { name } = state.id;
    if (name === undefined || !isHopName(name)) throw new Error("a next hop is addressed by its name");
    const { sealKeys, publicHost, hopIdleTime, hopKeepAlive, transactionTimeout, ringTimeout, reconnectTime, maximumReconnectTime } =
      readConfiguration(environment);
    this.#keyring = keyringOf(sealKeys);
    this.#seekEvery = reconnectTime * 1000;
    this.#timerF = transactionTimeout * 1000;
    const callTimeout = { transaction: transactionTimeout * 1000 + homesFirst, ringing: ringTimeout * 1000 };
    this.#calls = new ActiveCalls(callTimeout, (to, by, at) => this.#post(to.home, { kind: "ended", to, by, at }));
    this.#hop = readHopName(name);
    this.#environment = environment;
    this.#by = { keyring: this.#keyring, home: name, hint: homeHint(this.#keyring, name), hints: homeHints(this.#keyring, name) };
    this.#outbox = new Outbox(receiverOf(environment));
    this.#connection = new HopConnection({
      name,
      hop: this.#hop,
      storage: state.storage,
      keepAliveEvery: hopKeepAlive * 1000,
      idleAfter: hopIdleTime * 1000,
      calls: this.#calls,
      trunk: () => this.#trunk(),
      isHeld: () => this.#care.isHeld,
      heard: (octets) => this.#heard(octets),
      opened: (trunk) => (trunk?.register === true ? this.#care.opened() : undefined),
      lost: () => this.#lost(),
      // Only the connections of trunks have other rows.
      forgetHosts: () => void (this.#hop.trunk === "" ? state.storage.deleteAll() : state.storage.delete("hosts")),
    });
    const cared: MonitoredTrunk = {
      name,
      storage: state.storage,
      times: { base: reconnectTime * 1000, most: maximumReconnectTime * 1000 },
      unavailableServers: unavailableServersOf(environment),
      trunk: () => this.#trunk(),
      open: () => this.#connection.open(),
      isOpen: () => this.#connection.isOpen,
      rest: () => this.#connection.rest(),
      usualRole: (trunk) => usualRole(environment, trunk, name),
      passOn: (trunk) => passOn(environment, trunk, name),
      release: (trunk) => release(environment, trunk, name),
    };
    this.#care = new TrunkMonitor(cared, new TrunkRegistration(this.#keyring, this.#hop));
    this.#inbound = new Inbound({
      keyring: this.#keyring,
      name,
      hopTrunk: this.#hop.trunk,
      hosts: [this.#hop.host, writtenHost(this.#hop.address), ...(publicHost === undefined ? [] : [publicHost.replace(/:\d+$/, "")])],
      directory: directoryOf(environment),
      calls: this.#calls,
      records: callRecordsOf(environment),
      trunk: () => this.#trunk(),
      open: () => this.#connection.open(),
      reply: (request, text) => this.#reply(request, text),
      post: (home, envelope) => this.#outbox.post(home, envelope),
    });
  }

  /** The role of the connection for its trunk has changed. */
  async keep(role: Role, former?: Trunk): Promise<void> {
    directoryOf(this.#environment).forget(this.#hop.trunk.slice(this.#hop.trunk.indexOf("@") + 1));
    await this.#care.begin(role, former);
  }

  /** Whether this server is to register us because one before it cannot. */
  async activateStandby(isNeeded: boolean): Promise<void> {
    await this.#care.activateStandby(isNeeded);
  }

  /** The state of the connection, and what is known of the server. */
  status(): HopStatus {
    const { isHeld, registeredUntil, health, isUnavailable } = this.#care;
    const { transport, host, address, port } = this.#hop;
    return {
      ...{ transport, host, address, port, isUnavailable, health },
      isConnected: this.#connection.isOpen,
      registeredUntil: isHeld ? registeredUntil : 0,
      calls: this.#calls.count(Date.now()),
    };
  }

  override async alarm(): Promise<void> {
    if (this.#hop.host !== "") await this.#care.alarm();
    else if (await locateTrunk(this.#environment, await this.#trunk())) await this.ctx.storage.setAlarm(Date.now() + this.#seekEvery);
  }

  /** Envelopes of homes: requests and CANCELs for the other server, and responses to its requests. */
  async deliver(envelopes: readonly Envelope[]): Promise<readonly Receipt[]> {
    const receipts: Receipt[] = [];
    for (const envelope of envelopes) receipts.push(await this.#receive(readEnvelope(envelope)));
    this.#connection.rest();
    return receipts;
  }

  async #receive(envelope: Envelope): Promise<Receipt> {
    switch (envelope.kind) {
      case "request":
        return this.#request(envelope);
      case "cancel":
        return this.#cancel(envelope);
      case "response":
        return this.#response(envelope);
      case "inquiry":
      case "ended":
        return accepted;
    }
  }

  async #request(envelope: RequestEnvelope): Promise<Receipt> {
    const { request, mandatory } = read(envelope);
    const refusal = await this.#refusalOf(envelope, request, mandatory);
    const connection = refusal === undefined ? await this.#connection.open() : undefined;
    if (connection === undefined) {
      if (request.method === "ACK") return accepted;
      const why = refusal ?? fault(failed(mandatory), `${this.#hop.host} cannot be reached`, [["Retry-After", String(defaultRetryAfter)]]);
      return { kind: "answered", status: why.status, text: answerFault(request, why) };
    }
    if (request.method === "INVITE") await this.#connection.storeHost();
    const { text: made, branch } = this.#asSent(connection, envelope, request, mandatory);
    const whole = parsed(made);
    const text = await this.#shown(whole);
    if (request.method === "INVITE" && this.#sent.latest(branch) !== undefined) return accepted;
    if (request.method !== "ACK") this.#sent.remember(branch, text === whole.text ? whole : parsed(text), Date.now());
    this.#calls.passed(request.method, mandatory, Date.now(), senderOf(envelope), envelope.endedBy ?? "caller");
    connection.send(text);
    return accepted;
  }

  async #cancel({ of, reason }: CancelEnvelope): Promise<Receipt> {
    const connection = of === undefined ? undefined : await this.#connection.open();
    if (connection === undefined || of === undefined) return { kind: "answered", status: 481, text: "" };
    const { request, mandatory } = read(of);
    const { text, branch } = this.#asSent(connection, of, request, mandatory);
    const headers: [string, string][] = reason === undefined ? [] : [["Reason", reason]];
    const invite = this.#sent.latest(branch);
    if (invite !== undefined) connection.send(cancelFor(invite, headers));
    else for (const cancel of await this.#cancelsBlindly(parsed(text), branch, headers)) connection.send(cancel);
    return accepted;
  }

  /**
   * Used if it is unknown how the INVITE was sent: by the previous connection, with credentials or without. The other server answers one of
   * the two CANCELs with 481 (RFC 3261 §9.2).
   */
  async #cancelsBlindly(invite: SipRequest, branch: string, headers: readonly (readonly [string, string])[]): Promise<readonly string[]> {
    const [now, before] = await this.#connection.hosts();
    const cancel = cancelFor(invite, headers).replace(` ${now};branch=`, ` ${before === "" ? now : before};branch=`);
    const trunk = await available(() => this.#trunk());
    return isFault(trunk) || trunk?.password === undefined ? [cancel] : [cancel, withCredentialsCancelled(parsed(cancel), branch)];
  }

  async #response({ text }: ResponseEnvelope): Promise<Receipt> {
    const response = parsedResponse(text);
    const mandatory = readMandatoryHeaders(response);
    if (!isFault(mandatory)) this.#calls.answered(response.status, mandatory, Date.now());
    const shown = await this.#shown(response);
    const connection = await this.#connection.open();
    connection?.send(shown);
    return accepted;
  }

  /** A message as this server may see it. */
  async #shown(message: SipMessage): Promise<string> {
    const text = shownTo(message, "server");
    return text !== message.text && (await this.#standing()) === "trusted server" ? message.text : text;
  }

  async #standing(): Promise<Standing> {
    const trunk = await available(() => this.#trunk());
    return standingOfServer(!isFault(trunk) && trunk?.trusted === true);
  }

  /** Only requests that begin something new are refused. */
  async #refusalOf(envelope: RequestEnvelope, request: SipRequest, { toTag, callId }: MandatoryHeaders): Promise<Fault | undefined> {
    // Within a call the request has our route, which names this end.
    const isOfOther = envelope.to.kind !== "phone" && this.#calls.isOfOther(callId, callerOf(envelope));
    if (isOfOther && toTag !== undefined) return withoutRoute;
    if (isOfOther && makesDialogs(request.method)) return inProgress;
    if (toTag !== undefined || request.method === "ACK" || this.#calls.has(callId)) return undefined;
    const trunk = await this.#trunk();
    if (trunk === undefined) return undefined;
    if (this.#care.isUnavailable)
      return fault(503, `${this.#hop.host} has failed its last check`, [["Retry-After", String(trunk.options_interval)]]);
    return request.method === "INVITE" && isFull(trunk, this.#calls) ? fault(503, allInUse.fault) : undefined;
  }

  /** Equal each time it is made, as long as the connection is the same. */
  #asSent({ host, transport }: Connection, envelope: RequestEnvelope, request: SipRequest, mandatory: MandatoryHeaders): StatelessRequest {
    const target = { phone: "", host, transport, contact: undefined, path: [] };
    const made = statelessRequest(this.#by, envelope, request, mandatory, target);
    if (envelope.to.kind !== "phone" || envelope.to.phone !== offsetEnd) return made;
    const branch = offsetBranch(made.branch);
    const text = made.text.replace(`branch=${made.branch}`, `branch=${branch}`);
    return { text: alter(parsed(text), shift(request, 1)), branch };
  }

  /** The connection is lost. */
  #lost(): void {
    this.#care.lost();
    for (const one of this.#sent.clear())
      if (one.request.method === "INVITE" || one.isRepeated) this.#failed(one);
      else void this.#repeat(one);
  }

  /**
   * Phones on WebSockets do not retransmit (RFC 3261 §17.1.2.2), so this server does. The request is the same, byte for byte: a server that
   * has it recognises it.
   */
  async #repeat(one: Unanswered): Promise<void> {
    if (Date.now() - one.at > this.#timerF) return;
    const connection = await this.#connection.open();
    if (connection === undefined) return this.#failed(one);
    this.#sent.again({ ...one, isRepeated: true });
    connection.send(one.request.text);
  }

  /**
   * RFC 3261 §16.9: requests that wait on a lost connection get a 503, because no response can arrive any more. Phones that ring there get
   * a CANCEL on a new connection, if there is one.
   */
  #failed({ branch, request, hasRung }: Unanswered): void {
    const mandatory = mandatoryHeadersOf(request);
    const way = readBranch(this.#keyring, branch, sentAs(mandatory, branch));
    const status = failed(mandatory);
    const response = parseMessage(answerFault(request, fault(status, "the connection was lost")));
    if (way?.kind !== "stateless" || isFault(response)) return;
    if (response.kind !== "response") return;
    const text = asAsked(response, branch);
    this.#post(way.answerTo.home, { kind: "response", text, status, to: way.answerTo, transaction: undefined });
    if (hasRung && request.method === "INVITE") this.#connection.send(cancelFor(request));
  }

  #heard(octets: string): void {
    this.#connection.rest();
    const message = parseMessage(octets);
    if (isFault(message)) return;
    const mandatory = readMandatoryHeaders(message);
    if (isFault(mandatory)) return;
    if (message.kind === "request") void this.#asked(message, mandatory);
    else void this.#answered(message, mandatory);
  }

  /** Requests of the other server, a few at a time: each may query the directory, which all homes share. */
  #asked(request: SipRequest, mandatory: MandatoryHeaders): Promise<void> | undefined {
    if (!this.#asking.isFull()) return this.#asking.run(() => this.#inbound.asked(request, mandatory));
    const refusal = limitReached(480, "too many requests wait on this connection", [["Retry-After", "5"]]);
    if (request.method !== "ACK") this.#reply(request, answerFault(request, refusal));
    return undefined;
  }

  /** RFC 3261 §16.7: the return address is in the branch; the ACK for a refusal is ours where the sender's home keeps the state (§17.1.1.3). */
  async #answered(response: SipResponse, mandatory: MandatoryHeaders): Promise<void> {
    const written = mandatory.via.branch ?? "";
    const isOfThisServer = this.#by.hints.includes(hintIn(written) ?? "");
    const branch = isOfThisServer ? readBranch(this.#keyring, written, sentAs(mandatory, written)) : undefined;
    if (branch?.kind !== "stateless") return;
    const { status } = response;
    const { method } = mandatory.cseq;
    const sent = this.#sent.get(written);
    // A CANCEL has the branch of its INVITE.
    const isOfSent = sent?.method === method;
    if (isOfSent) this.#sent.answered(written, status);
    const again = isOfSent ? await this.#withCredentials(sent, response, written) : undefined;
    const isOurs = !isFromPhone(branch.answerTo) || again !== undefined || isBranchWithCredentials(written);
    if (status >= 300 && method === "INVITE" && sent !== undefined && isOurs) this.#connection.send(ackFor(sent, response));
    if (again !== undefined) return this.#sendAgain(written, again);
    this.#calls.answered(status, mandatory, Date.now());
    // The answer to our own CANCEL ends here (RFC 3261 §9.1).
    if (method === "CANCEL") return;
    const isWithin = sent !== undefined && mandatoryHeadersOf(sent).toTag !== undefined;
    const text = asAsked(response, written, await this.#removedFrom(response, isWithin));
    this.#post(branch.answerTo.home, { kind: "response", text, status, to: branch.answerTo, transaction: undefined });
  }

  #sendAgain(branch: string, again: { readonly branch: string; readonly text: string }): void {
    this.#sent.forget(branch);
    this.#sent.remember(again.branch, parsed(again.text), Date.now());
    this.#connection.send(again.text);
  }

  /** The headers of a response that are not passed on: what only a trusted server may assert, and challenges within a call. */
  async #removedFrom(response: SipResponse, isWithin: boolean): Promise<readonly string[]> {
    const doubtful = [...takenFrom(response, "server"), ...(isWithin ? challengesWithin(response) : [])];
    const isTrusted = doubtful.length > 0 && (await this.#standing()) === "trusted server";
    return isTrusted ? takenFrom(response, "trusted server") : doubtful;
  }

  /** If the trunk's server challenges: the same request with credentials, once. */
  async #withCredentials(sent: SipRequest, response: SipResponse, branch: string): Promise<ReturnType<typeof withCredentials>> {
    if (response.status !== 401 && response.status !== 407) return undefined;
    const trunk = await available(() => this.#trunk());
    if (isFault(trunk) || trunk?.username === undefined || trunk.password === undefined) return undefined;
    const { username, password } = trunk;
    return withCredentials(this.#keyring, { username, password }, { sent, branch }, response);
  }

  async #trunk(): Promise<Trunk | undefined> {
    const at = this.#hop.trunk.indexOf("@");
    if (at < 0) return undefined;
    const trunks = await directoryOf(this.#environment).trunks(this.#hop.trunk.slice(at + 1));
    return trunks.find(({ name }) => name === this.#hop.trunk.slice(0, at));
  }

  #reply(request: SipRequest, text: string): void {
    if (request.method !== "ACK") this.#connection.send(text);
  }

  #post(home: HomeName, envelope: ResponseEnvelope | EndedEnvelope): void {
    this.#outbox.post(home, envelope).catch((error: unknown) => console.error(JSON.stringify({ note: String(error), hop: this.#by.home })));
  }
}

function senderOf(envelope: RequestEnvelope): Parameters<ActiveCalls["passed"]>[3] {
  const home = callerOf(envelope);
  const { answerTo } = envelope;
  return { home, ...(answerTo.home === home || isFromPhone(answerTo) ? {} : { forwardedBy: answerTo }) };
}

/** The home of the caller's end, also if the call was forwarded. */
function callerOf({ caller, answerTo }: RequestEnvelope): string {
  return (caller ?? answerTo).home;
}

/** The transaction as its sender's home knows it, of a request or response with a branch of ours. */
function sentAs({ callId, cseq }: MandatoryHeaders, branch: string): Transaction {
  return { callId, cseq: cseq.number - (hasCSeqOffset(branch) ? 1 : 0) };
}

/**
 * A 503 makes the sender's home try the next server (RFC 3263 §4.3). Within a dialog there is none, and a phone would read a 503 as the
 * failure of this whole server: it is 500 (RFC 3261 §16.7 step 6).
 */
function failed({ toTag }: MandatoryHeaders): 500 | 503 {
  return toTag === undefined ? 503 : 500;
}
