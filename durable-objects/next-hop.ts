import { mandatoryHeadersOf, parsedResponse } from "./shared/reparse.ts";
import type { HomeName } from "../lib/transport/identifiers.ts";
import { DurableObject } from "cloudflare:workers";
import type { Keyring } from "../lib/authentication/keyring.ts";
import { homeHint, homeHints } from "../lib/proxy/branch.ts";
import { type Forwarder } from "../lib/proxy/outgoing-request.ts";
import { type NamedHop, isHopName, readHopName, writtenHost } from "../lib/routing/hop-name.ts";
import { type Trunk, hasServerAt } from "../lib/routing/trunk.ts";
import { type MandatoryHeaders, readMandatoryHeaders } from "../lib/syntax/mandatory-headers.ts";
import { isFault, limitReached } from "../lib/syntax/fault.ts";
import { type Request as SipRequest, type Response as SipResponse } from "../lib/syntax/message.ts";
import {
  type EndedEnvelope,
  type Envelope,
  type Receipt,
  type ResponseEnvelope,
  accepted,
  readEnvelope,
} from "../lib/transport/envelope.ts";
import { announcerOf } from "../platform/domain-events.ts";
import { otherServerEnd } from "../lib/capture-end.ts";
import { hepExportOf } from "../platform/hep-export.ts";
import { callRecordsOf } from "../platform/call-records.ts";
import { readConfiguration } from "../platform/configuration.ts";
import { directoryOf } from "../platform/directory/directory.ts";
import type { HopStatus, NextHopObject, Role } from "../platform/object-rpc.ts";
import type { Environment } from "../platform/environment.ts";
import { CallMinutes } from "./next-hop/call-minutes.ts";
import { verifierOf } from "../platform/stir/verifier.ts";
import { CallSigning } from "./next-hop/call-signing.ts";
import { ActiveCalls } from "./next-hop/active-calls.ts";
import { Outbound } from "./next-hop/outbound.ts";
import { HopConnection } from "./next-hop/hop-connection.ts";
import { MediaBridge } from "./next-hop/media-bridge.ts";
import { rtpengineOf } from "../platform/media/rtpengine.ts";
import { Inbound } from "./next-hop/inbound.ts";
import { readHeard } from "./next-hop/heard.ts";
import { inTurn } from "./next-hop/in-turn.ts";
import { asSent, nameOf } from "./next-hop/received-requests.ts";
import { locateTrunk, passOn, redirect, release, usualRole } from "./shared/trunk-failover.ts";
import type { TrunkFault } from "./next-hop/trunk-faults.ts";
import { type MonitoredTrunk, TrunkMonitor } from "./next-hop/trunk-monitor.ts";
import { TrunkRegistration } from "./next-hop/trunk-registration.ts";
import { privateNetwork } from "../platform/private-network.ts";
import { TrunkFaultStore } from "../platform/directory/trunk-fault-store.ts";
import { unavailableServersOf } from "../platform/unavailable-servers.ts";
import { keyringOf } from "../platform/crypto/keyring.ts";
import { ConcurrencyLimit } from "../platform/concurrency-limit.ts";
import { Outbox } from "../platform/outbox.ts";
import { answerFault } from "./shared/reply.ts";
import { traced } from "./shared/traced.ts";
import { receiverOf } from "../platform/receivers.ts";

/** Requests of the other server that are processed at a time, that wait for it, and that wait for a media service meanwhile. */
const [maxAtOnce, maxWaiting, maxAside] = [8, 200, 100] as const;
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
  readonly #outbound: Outbound;
  readonly #media: MediaBridge;
  readonly #asking = new ConcurrencyLimit(maxAtOnce, maxWaiting, maxAside);
  readonly #environment: Environment;
  readonly #by: Forwarder;
  readonly #outbox: Outbox;
  readonly #calls: ActiveCalls;
  readonly #minutes: CallMinutes;
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
    const callTimeout = { transaction: transactionTimeout * 1000 + homesFirst, ringing: ringTimeout * 1000 };
    this.#minutes = new CallMinutes(state.storage);
    this.#calls = new ActiveCalls(callTimeout, {
      forwarded: (to, by, at) => this.#post(to.home, { kind: "ended", to, by, at }),
      toTrunk: (milliseconds, at) => this.#countMinutes(milliseconds, at),
    });
    this.#hop = readHopName(name);
    this.#environment = environment;
    this.#by = { keyring: this.#keyring, home: name, hint: homeHint(this.#keyring, name), hints: homeHints(this.#keyring, name) };
    this.#outbox = new Outbox(receiverOf(environment));
    const hep = hepExportOf(environment);
    const server = { other: otherServerEnd(name, this.#hop.address, this.#hop.port), isUnauthenticated: false };
    this.#connection = new HopConnection({
      name,
      hop: this.#hop,
      storage: state.storage,
      keepAliveEvery: hopKeepAlive * 1000,
      idleAfter: hopIdleTime * 1000,
      calls: this.#calls,
      observe: hep && ((direction, text) => hep.keep({ at: Date.now(), direction, flow: name, text }, () => server)),
      networkOf: (binding) => privateNetwork(environment, binding),
      trunk: () => this.#trunkToOpen(),
      isHeld: () => this.#care.isHeld,
      isDismissed: () => this.#care.isDismissed,
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
      tellOutcome: (from, isRegistered) => environment.NEXT_HOP.getByName(from).redirectOutcome(name, isRegistered),
      redirect: (trunk, contacts) => redirect(environment, trunk, name, contacts),
      endRedirect: (to, former) => environment.NEXT_HOP.getByName(to).endRegistrationFor(name, former),
      announce: (trunk, fault) => this.#announce(trunk, fault),
      forgetFaults: () => this.#noteFault(undefined),
    };
    this.#care = new TrunkMonitor(cared, new TrunkRegistration(this.#keyring, this.#hop));
    this.#media = new MediaBridge({
      name,
      ask: rtpengineOf(environment),
      trunk: () => this.#trunk(),
      services: (domain) => directoryOf(environment).mediaServices(domain),
    });
    this.#outbound = new Outbound({
      media: this.#media,
      signing: new CallSigning(directoryOf(environment)),
      by: this.#by,
      host: this.#hop.host,
      patience: { transaction: transactionTimeout * 1000, ringing: ringTimeout * 1000 },
      calls: this.#calls,
      minutes: this.#minutes,
      connection: this.#connection,
      trunk: () => this.#trunk(),
      isUnavailable: () => this.#care.isUnavailable,
      post: (home, envelope) => this.#post(home, envelope),
    });
    this.#inbound = new Inbound({
      media: this.#media,
      verify: verifierOf(environment),
      keyring: this.#keyring,
      name,
      hopTrunk: this.#hop.trunk,
      hosts: [this.#hop.host, writtenHost(this.#hop.address), ...(publicHost === undefined ? [] : [publicHost.replace(/:\d+$/, "")])],
      directory: directoryOf(environment),
      calls: this.#calls,
      records: callRecordsOf(environment),
      trunk: () => this.#trunkToHear(),
      open: () => this.#connection.open(),
      aside: (wait) => this.#asking.aside(wait),
      reply: (request, text) => this.#reply(request, text),
      post: (home, envelope) => this.#outbox.post(home, traced(directoryOf(environment), home, envelope, Date.now())),
    });
  }

  #announce({ name, domain }: Trunk, fault: TrunkFault | undefined): void {
    const { transport, host, address, port } = this.#hop;
    const event = { id: crypto.randomUUID(), type: fault === undefined ? "trunk.up" : "trunk.down", at: Date.now() } as const;
    const data = () => ({ domain, trunk: name, server: { transport, host, address, port }, why: fault ?? null });
    announcerOf(this.#environment, domain).announceTo([domain], { ...event, data });
    this.#noteFault(fault === undefined ? undefined : { name, domain });
  }

  /** For the metrics. @param trunk undefined if the server is in order */
  #noteFault(trunk: Pick<Trunk, "name" | "domain"> | undefined): void {
    const [store, server] = [new TrunkFaultStore(this.#environment.DIRECTORY), this.#by.home];
    const noted = trunk === undefined ? store.delete(server) : store.add(server, trunk, Date.now());
    noted.catch((error: unknown) =>
      console.error(JSON.stringify({ note: "metrics do not know a trunk's state", server, error: String(error) })),
    );
  }

  #countMinutes(milliseconds: number, now: number): void {
    const counted = this.#trunk().then((trunk) => trunk && this.#minutes.add(trunk, milliseconds, now));
    counted.catch((error: unknown) =>
      console.error(JSON.stringify({ note: "the minutes of a call are not counted", error: String(error) })),
    );
  }

  /** The role of the connection for its trunk has changed. */
  async keep(role: Role, former?: Trunk): Promise<void> {
    directoryOf(this.#environment).forget(this.#hop.trunk.slice(this.#hop.trunk.indexOf("@") + 1));
    await this.#care.begin(role, former);
  }

  async activateStandby(isNeeded: boolean): Promise<void> {
    await this.#care.activateStandby(isNeeded);
  }

  async registerFor(name: string): Promise<void> {
    await this.#care.registerFor(name);
  }

  async endRegistrationFor(name: string, former?: Trunk): Promise<void> {
    directoryOf(this.#environment).forget(this.#hop.trunk.slice(this.#hop.trunk.indexOf("@") + 1));
    await this.#care.endRegistrationFor(name, former);
  }

  async redirectOutcome(name: string, isRegistered: boolean): Promise<void> {
    await this.#care.redirectOutcome(name, isRegistered);
  }

  async status(): Promise<HopStatus> {
    const trunk = await this.#trunk();
    const now = Date.now();
    const { isHeld, registeredUntil, health, isUnavailable } = this.#care;
    const { transport, host, address, port } = this.#hop;
    return {
      ...{ transport, host, address, port, isUnavailable, health },
      isConnected: this.#connection.isOpen,
      registeredUntil: isHeld ? registeredUntil : 0,
      redirectedTo: await this.#care.redirectedTo(),
      calls: this.#calls.count(now),
      talkedToday: trunk && (await this.#minutes.talkedToday(trunk, this.#calls.talking(now), now)),
    };
  }

  override async alarm(): Promise<void> {
    if (this.#hop.host !== "") await this.#care.alarm();
    else if (await locateTrunk(this.#environment, await this.#trunk())) await this.ctx.storage.setAlarm(Date.now() + this.#seekEvery);
  }

  /** Requests and CANCELs of homes for the other server, and their responses to its requests; none waits for one that waits for its media. */
  async deliver(envelopes: readonly Envelope[]): Promise<readonly Receipt[]> {
    const came = Date.now();
    const receive = (envelope: Envelope) => this.#receive(readEnvelope(envelope), came);
    const receipts = await inTurn(envelopes, receive, (resume) => this.#media.onWait(resume));
    this.#connection.rest();
    return receipts;
  }

  async #receive(envelope: Envelope, came: number): Promise<Receipt> {
    switch (envelope.kind) {
      case "request":
        return this.#outbound.request(envelope, came);
      case "cancel":
        return this.#outbound.cancel(envelope);
      case "response":
        return this.#response(envelope);
      case "inquiry":
      case "ended":
        return accepted;
    }
  }

  async #response({ text }: ResponseEnvelope): Promise<Receipt> {
    const response = parsedResponse(text);
    const mandatory = readMandatoryHeaders(response);
    if (isFault(mandatory)) return this.#sendResponse(response);
    return this.#media.inOrder(mandatory.callId, text.length, () => this.#answer(response, mandatory));
  }

  /** With a session description that the other server understands. */
  async #answer(response: SipResponse, mandatory: MandatoryHeaders): Promise<Receipt> {
    this.#calls.answered(mandatory, Date.now(), { status: response.status, branch: nameOf(mandatory), home: this.#by.home });
    const asked = this.#inbound.askedFor(mandatory) ?? { hadOffer: true, isWithin: true };
    const { hadOffer, isWithin, isOfUnknown } = asked;
    const isOwn = this.#calls.ownsMedia(mandatory);
    const converted = isOwn ? await this.#media.convert(response, mandatory, "trunk", hadOffer) : response.text;
    if (isFault(converted))
      console.error(JSON.stringify({ note: "the media of an answer are passed on as they are", why: converted.fault }));
    const { method } = mandatory.cseq;
    const isEnd =
      (method === "INVITE" && response.status >= 300 && !isWithin) || (method === "BYE" && response.status < 300 && isOfUnknown === true);
    if (isEnd && !this.#calls.has(mandatory.callId)) this.#media.over(mandatory.callId);
    const passed = isFault(converted) || converted === response.text ? response : parsedResponse(converted);
    return this.#sendResponse(asSent(passed, asked), mandatory.callId);
  }

  async #sendResponse(response: SipResponse, callId = "-"): Promise<Receipt> {
    const shown = await this.#outbound.shown(response);
    const connection = await this.#connection.open();
    connection?.send(shown, callId);
    return accepted;
  }

  #lost(): void {
    this.#care.lost();
    this.#outbound.lost();
  }

  #heard(octets: string): void {
    this.#connection.rest();
    const heard = readHeard(octets);
    if (typeof heard === "string") return heard === "" ? undefined : this.#connection.send(heard, "-");
    const { message, mandatory } = heard;
    if (message.kind === "request") void this.#asked(message, mandatory);
    else void this.#outbound.answered(message, mandatory);
  }

  /** Requests of the other server, a few at a time: each may query the directory, which all homes share. */
  #asked(request: SipRequest, mandatory: MandatoryHeaders): Promise<void> | undefined {
    const { length } = request.text;
    const task = () => this.#media.inOrder(mandatory.callId, length, () => this.#inbound.asked(request, mandatory));
    if (!this.#asking.isFull() && this.#media.hasRoom(mandatory.callId, length)) return this.#asking.run(task);
    const refusal = limitReached(480, "too many requests wait on this connection", [["Retry-After", "5"]]);
    if (request.method !== "ACK") this.#reply(request, answerFault(request, refusal));
    return undefined;
  }

  async #trunk(): Promise<Trunk | undefined> {
    const at = this.#hop.trunk.indexOf("@");
    if (at < 0) return undefined;
    const trunks = await directoryOf(this.#environment).trunks(this.#hop.trunk.slice(at + 1));
    return trunks.find(({ name }) => name === this.#hop.trunk.slice(0, at));
  }

  /** Its token is for its own servers, and not for one that they have sent our registration to. */
  async #trunkToOpen(): Promise<Trunk | undefined> {
    const trunk = await this.#trunk();
    if (trunk === undefined || hasServerAt(trunk, this.#hop)) return trunk;
    const { token: _token, path: _path, ...rest } = trunk;
    return rest;
  }

  /** A server that is none of the trunk's any more may go on with its calls, and has no others. */
  async #trunkToHear(): Promise<Trunk | undefined> {
    const trunk = await this.#trunk();
    return trunk === undefined || (await this.#care.isOf(trunk)) ? trunk : { ...trunk, inbound: false, trusted: false };
  }

  #reply(request: SipRequest, text: string): void {
    if (request.method !== "ACK") this.#connection.send(text, mandatoryHeadersOf(request).callId);
  }

  #post(home: HomeName, envelope: ResponseEnvelope | EndedEnvelope): void {
    this.#outbox.post(home, envelope).catch((error: unknown) => console.error(JSON.stringify({ note: String(error), hop: this.#by.home })));
  }
}
