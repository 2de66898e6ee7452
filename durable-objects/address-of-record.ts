import { type Parts, createParts } from "./address-of-record/parts.ts";
import { Frames } from "./address-of-record/frames.ts";
import { Envelopes } from "./address-of-record/envelopes.ts";
import { KeptTrace } from "./address-of-record/kept-trace.ts";
import { clientEnd } from "../lib/capture-end.ts";
import { type SeenOn, hepExportOf } from "../platform/hep-export.ts";
import { GuestRates } from "../platform/guest-rates.ts";
import { TokenUseStore } from "../platform/directory/token-use-store.ts";
import { tokenVerifierOf } from "../platform/tokens/token-verifier.ts";
import { sendPushOf } from "../platform/push/send-push.ts";
import { routerOf } from "../platform/router/ask-router.ts";
import { activityOf } from "../platform/activity-data-points.ts";
import { announcerOf } from "../platform/domain-events.ts";
import { callRecordsOf } from "../platform/call-records.ts";
import type { CallView, ConnectedCall, EndOfCall } from "../lib/location/call-view.ts";
import type { FlowId } from "../lib/transport/identifiers.ts";
import { DurableObject } from "cloudflare:workers";
import { homeHints, probeBranch } from "../lib/proxy/branch.ts";
import type { FailedCall } from "../lib/failed-call.ts";
import type { BindingView, StaticContact } from "../lib/location/binding-view.ts";
import type { Subscriber } from "../lib/location/subscriber.ts";
import type { ListName } from "../lib/presence/resource-list.ts";
import type { TraceEntry } from "../lib/trace.ts";
import { type Envelope, type Receipt } from "../lib/transport/envelope.ts";
import { readConfiguration } from "../platform/configuration.ts";
import { directoryOf } from "../platform/directory/directory.ts";
import type { Flow } from "../lib/transport/flow.ts";
import { composeProbe } from "../lib/transport/unread.ts";
import { isNonSubscriberHome } from "../lib/transport/non-subscriber.ts";
import type { Costs, HomeObject } from "../platform/object-rpc.ts";
import type { Environment } from "../platform/environment.ts";
import { FailedCalls } from "./address-of-record/failed-calls.ts";
import { schema } from "./address-of-record/schema.ts";
import { Sockets } from "./address-of-record/sockets.ts";
import { closeBack } from "../platform/connection/close-back.ts";
import { closing } from "../platform/connection/close-reasons.ts";
import { SharedAlarm } from "../platform/alarm.ts";
import { keyringOf } from "../platform/crypto/keyring.ts";
import { receiverOf } from "../platform/receivers.ts";
import { Log } from "../platform/log.ts";
import { Sql } from "../platform/sql.ts";
import { Outbox } from "../platform/outbox.ts";
import { newServersOf } from "../platform/new-servers.ts";
import { unavailableServersOf } from "../platform/unavailable-servers.ts";
import { resolverOf } from "../platform/dns/shared-resolver.ts";
import { TraceRecorder } from "../platform/trace-recorder.ts";
import { type Room, readHome } from "./address-of-record/room.ts";

/** Milliseconds that the home of a guest or peer stays after its last socket. */
const nonSubscriberGrace = 60_000;

/**
 * The home of one address of record: its sockets, bindings, and the response contexts of requests for it. This class only connects the
 * parts and receives the platform's events; the parts have their meaning, and `lib/` the decisions.
 */
export class AddressOfRecord extends DurableObject<Environment> implements HomeObject {
  readonly #room: Room;
  readonly #recorder: TraceRecorder;
  readonly #keptTrace: KeptTrace;
  readonly #frames: Frames;
  /** Milliseconds; when the last socket closed, if the object remembers. */
  #left = 0;
  #parts: Parts;
  readonly #envelopes: Envelopes;

  constructor(state: DurableObjectState, environment: Environment) {
    super(state, environment);
    const configuration = readConfiguration(environment);
    const keyring = keyringOf(configuration.sealKeys);
    const name = state.id.name;
    if (name === undefined) throw new Error("a home is addressed by its name, never by its id");
    this.#recorder = new TraceRecorder(configuration.traceLength);
    const memory = new Sql(state.storage.sql, schema);
    const alarm = new SharedAlarm(state.storage);
    const failed = new FailedCalls(name, memory, alarm, this.#recorder);
    const hep = hepExportOf(environment);
    this.#recorder.passOn((entry) => {
      this.#keptTrace.keep(entry);
      hep?.keep(entry, (flow) => this.#seenOn(flow as FlowId));
    });
    const home = readHome(name, homeHints(keyring, name));
    const directory = directoryOf(environment);
    this.#keptTrace = new KeptTrace(memory, alarm, {
      isUnauthenticated: (flow) => this.#isUnauthenticated(flow as FlowId),
      ofDomain: () => (isNonSubscriberHome(name) ? undefined : directory.traceOf(home.domain)),
      earlier: (isWanted) => this.#recorder.matching(isWanted),
    });
    const room: Room = {
      home,
      configuration,
      timers: {
        transaction: configuration.transactionTimeout * 1000,
        timerC: configuration.ringTimeout * 1000,
        grace: configuration.bindingGrace * 1000,
      },
      keyring,
      directory,
      resolver: resolverOf(environment),
      unavailableServers: unavailableServersOf(environment),
      newServers: newServersOf(environment),
      guestRates: new GuestRates(environment),
      memory,
      alarm,
      sockets: new Sockets(state, memory, (flow, token) => this.#probe(flow, token)),
      outbox: new Outbox(receiverOf(environment)),
      log: new Log(this.#recorder, name, configuration.logging, failed, activityOf(environment.ANALYTICS_EVENTS, home.domain)),
      failed,
      records: callRecordsOf(environment),
      announcer: announcerOf(environment, home.domain),
      askRouter: routerOf(environment),
      sendPush: sendPushOf(environment, home.domain),
      tokenUses: new TokenUseStore(environment.DIRECTORY),
      verifyToken: (token, now) => tokenVerifierOf(environment).verify(token, { only: home.domain }, now),
    };
    this.#room = room;
    this.#frames = new Frames(
      room,
      () => this.#parts,
      (id, at) => this.#lookFor(id, at),
    );
    this.#envelopes = new Envelopes(room, this.#keptTrace, () => this.#parts);
    this.#parts = this.#createParts();
  }

  /** A WebSocket upgrade from the edge proxy, which has checked it. */
  override async fetch(request: Request): Promise<Response> {
    return this.#parts.connections.open(request, Date.now());
  }

  /** Whether it is a socket of this home that has not authenticated, or a guest's. */
  #isUnauthenticated(flow: FlowId): boolean {
    const known = this.#room.sockets.byId(flow);
    return known !== undefined && (known.authenticated === undefined || known.nonSubscriber?.kind === "guest");
  }

  #seenOn(flow: FlowId): SeenOn {
    const known = this.#room.sockets.byId(flow);
    return { other: clientEnd(flow, known?.address), isUnauthenticated: this.#isUnauthenticated(flow) };
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void | Promise<void> {
    const flow = this.#room.sockets.of(socket);
    if (flow === undefined) return;
    return this.#frames.receive(flow, message);
  }

  /** A message of a phone may change what watchers of its user see. */
  #lookFor(id: string, now: number): void {
    const isAuthenticated = this.#room.sockets.byId(id)?.authenticated !== undefined;
    if (isAuthenticated && this.#room.alarm.isReady) this.#look(now);
  }

  /** Guests and peers have no watchers and no tables. */
  #look(now: number): void {
    if (isNonSubscriberHome(this.#room.home.name)) return;
    for (const part of this.#parts.ordered) part.afterEvent?.(now);
  }

  override webSocketClose(socket: WebSocket, code: number): void | Promise<void> {
    const flow = this.#room.sockets.closed(socket);
    closeBack(socket, code);
    if (flow === undefined) return;
    this.#parts.connections.closed(flow);
    this.#frames.closed(flow.id);
    if (flow.authenticated === undefined) return;
    const then = () => {
      const now = Date.now();
      this.#room.log.note(now, flow.id, `closed with ${code}`);
      this.#parts.connections.flowClosed(flow, now, code);
      this.#look(now);
      this.#left = now;
      if (isNonSubscriberHome(this.#room.home.name)) this.#room.alarm.noLaterThan(now + nonSubscriberGrace);
    };
    return this.#room.alarm.isReady ? then() : this.#room.alarm.ready().then(then);
  }

  /** The platform reports a failed socket here instead of closing it. */
  override webSocketError(socket: WebSocket): void | Promise<void> {
    return this.webSocketClose(socket, 1006);
  }

  override async alarm(): Promise<void> {
    this.#room.alarm.wentOff();
    const now = Date.now();
    const isEmpty = isNonSubscriberHome(this.#room.home.name) && this.#room.sockets.all().length === 0;
    for (const part of this.#parts.ordered) part.onAlarm?.(now);
    if (isEmpty) return this.#deleteIfIdle(now);
    this.#look(now);
  }

  /** Removes the home of a guest or peer, except what its calls still need for a moment. */
  async #deleteIfIdle(now: number): Promise<void> {
    if (this.#parts.activeCalls.hasCalls() || this.#parts.timedCalls.hasCalls()) return;
    if (now - this.#left < nonSubscriberGrace) return this.#room.alarm.noLaterThan(this.#left + nonSubscriberGrace);
    const gone = this.ctx.storage.deleteAll();
    // The guest or peer may be back before the object sleeps.
    this.#room.memory.wiped();
    this.#room.alarm.wentOff();
    this.#parts = this.#createParts();
    await gone;
  }

  /** Envelopes of other homes. Saves, hands over to sockets, and returns the receipts; never waits for another home. */
  async deliver(envelopes: readonly Envelope[]): Promise<readonly Receipt[] | undefined> {
    await this.#room.alarm.ready();
    const now = Date.now();
    const receipts = envelopes.map((envelope) => this.#envelopes.receive(envelope, now));
    this.#look(now);
    return receipts.every((receipt) => receipt.kind === "taken") ? undefined : receipts;
  }

  /** The directory has a newer row of the owner. */
  async subscriberChanged(subscriber: Subscriber): Promise<void> {
    await this.#room.alarm.ready();
    this.#parts.account.take(subscriber);
    this.#parts.presenceAgent.permissionsChanged(Date.now());
  }

  /** A list that the owner may watch has changed in the directory. */
  async listChanged(list: ListName): Promise<void> {
    await this.#room.alarm.ready();
    await this.#parts.listServer.changed(list);
  }

  /** The owner has been deleted: bindings and sockets end. */
  async subscriberDeleted(): Promise<void> {
    await this.#room.alarm.ready();
    for (const part of this.#parts.ordered) part.onSubscriberDeleted?.(Date.now());
    for (const flow of this.#room.sockets.all()) this.#room.sockets.close(flow.id, closing.subscriberDeleted);
    this.#room.memory.clear();
    this.#parts = this.#createParts();
    this.#parts.account.markDeleted();
  }

  /** The messages that are kept because an administrator wants it, and the last ones, oldest first. */
  async lastMessages(): Promise<readonly TraceEntry[]> {
    const kept = this.#keptTrace.entries(Date.now());
    const known = new Set(kept.map(({ at, direction, flow }) => `${at} ${direction} ${flow}`));
    const last = this.#recorder.entries().filter(({ at, direction, flow }) => !known.has(`${at} ${direction} ${flow}`));
    return [...kept, ...last].sort((one, other) => one.at - other.at);
  }

  /** Keeps all messages until then (milliseconds), for a day; deletes them if that is undefined. */
  async keepTrace(until: number | undefined): Promise<void> {
    await this.#room.alarm.ready();
    if (until === undefined) this.#keptTrace.forget();
    else this.#keptTrace.begin(until, Date.now());
  }

  /** Failed calls of the last day, oldest first. */
  async failedCalls(): Promise<readonly FailedCall[]> {
    return this.#room.failed.recent(Date.now());
  }

  /** The calls of the owner at present. */
  async calls(): Promise<readonly CallView[]> {
    await this.#room.alarm.ready();
    return this.#parts.liveCalls.all(Date.now());
  }

  /** An administrator ends a call. */
  async endCall(id: string): Promise<EndOfCall> {
    await this.#room.alarm.ready();
    return this.#parts.liveCalls.end(id, Date.now());
  }

  /** An application calls the owner, and connects them to a URI. */
  async connectUser(target: string): Promise<ConnectedCall> {
    await this.#room.alarm.ready();
    return this.#parts.liveCalls.connect(target, Date.now());
  }

  /** The bindings of the owner. */
  async bindings(): Promise<readonly BindingView[]> {
    await this.#room.alarm.ready();
    return this.#parts.registrar.show(Date.now());
  }

  /** An administrator registers an address for the owner; undefined if there are too many bindings. */
  async bind(contact: StaticContact): Promise<BindingView | undefined> {
    await this.#room.alarm.ready();
    return this.#parts.registrar.bind(contact, Date.now());
  }

  /** An application sets the owner's presence or number of waiting messages, for this many seconds. */
  async say(event: "presence" | "message-summary", body: string, seconds: number): Promise<void> {
    await this.#room.alarm.ready();
    this.#parts.presenceAgent.say(event, body, seconds, Date.now());
  }

  /** An administrator ends a binding; false if there is none with this id. */
  async endBinding(id: string): Promise<boolean> {
    await this.#room.alarm.ready();
    return this.#parts.registrar.end(id, Date.now());
  }

  /** The costs that operators pay for, so that tests can measure them. */
  async costs(): Promise<Costs> {
    const { memory, alarm, outbox } = this.#room;
    return { rowsWritten: memory.spent(), alarmsSet: alarm.spent(), calls: outbox.spent() };
  }

  #probe(flow: Flow, token: string): string {
    const { user, domain, hint } = this.#room.home;
    const target = flow.boundContacts[0]?.contact ?? `sip:${user}@${domain}`;
    const text = composeProbe({ target, host: domain, branch: probeBranch(hint, token), token });
    this.#room.log.passed(Date.now(), flow.id, text);
    return text;
  }

  /** Parts without state: when the object wakes up, and when its owner is deleted. */
  #createParts(): Parts {
    return createParts(this.#room, this.#keptTrace, (home, envelope) => this.#envelopes.passOn(home, envelope));
  }
}
