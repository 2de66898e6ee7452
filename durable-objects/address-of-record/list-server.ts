import { isFromPhone, takerOf } from "../../lib/transport/return-address.ts";
import type { HomeName, PhoneId } from "../../lib/transport/identifiers.ts";
import { listServer } from "../../lib/presence/back-end.ts";
import { type ListSubscription, type WatchedEntry, withList } from "../../lib/presence/list-subscription.ts";
import { eventList, readListSubscribeParameters, refuseLater } from "../../lib/presence/list-subscribe-parameters.ts";
import { type ListEntry, type ListName, adHocName, canonicalResource, listUri, readListUser } from "../../lib/presence/resource-list.ts";
import { type Subscription, type SubscribeParameters, readSubscribeParameters } from "../../lib/presence/subscription.ts";
import { recordRoute } from "../../lib/proxy/route-token.ts";
import type { Address } from "../../lib/location/address.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import { type Request, headerValue, headerValues } from "../../lib/syntax/message.ts";
import { inspectRequest } from "../../lib/uas/inspect-request.ts";
import type { Envelope, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { accepted } from "../../lib/transport/envelope.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answerFault } from "../shared/reply.ts";
import type { LocalUserAgent } from "./local-user-agent.ts";
import type { Part } from "./part.ts";
import { type DialogTags, currentSubscription, dialogTags, finalNotify, subscriptionNamed } from "./subscription-dialogs.ts";
import type { Room } from "./room.ts";
import type { Forking } from "./forking.ts";
import type { Account } from "./account.ts";
import { BackEndSubscription } from "./lists/back-end-subscription.ts";
import { BackEnds } from "./lists/back-ends.ts";
import { ListNotifier } from "./lists/list-notifier.ts";
import { ListSources, requestList } from "./lists/list-sources.ts";
import { ListSubscriptions } from "./lists/list-subscriptions.ts";
import { BackEndRefresh } from "./lists/back-end-refresh.ts";

/** Of one user: maximum lists that are watched at a time, and resources on all of them. */
const maxSubscriptions = 10;
const maxResources = 1000;
/** Milliseconds that a fetch waits for states. */
const fetchTime = 1000;
/**
 * The resource list server of this home's user (RFC 4662): a subscriber to a list is served by their own home, also if the list is one of
 * the domain. So a list shows only what the user may watch.
 */
export class ListServer implements Part, LocalUserAgent {
  readonly phone = listServer;
  readonly senders = ["list notifier", "list subscriber"] as const;
  readonly #room: Room;
  readonly #account: Account;
  readonly #subscriptions: ListSubscriptions;
  readonly #backEnds: BackEnds;
  readonly #refresh: BackEndRefresh;
  readonly #notifier: ListNotifier;
  readonly #sources: ListSources;
  readonly #passOn: (home: HomeName, envelope: Envelope) => Promise<Receipt>;

  constructor(
    room: Room,
    account: Account,
    forking: Pick<Forking, "openExternal">,
    passOn: (home: HomeName, envelope: Envelope) => Promise<Receipt>,
  ) {
    this.#room = room;
    this.#account = account;
    this.#passOn = passOn;
    this.#sources = new ListSources(room);
    this.#subscriptions = new ListSubscriptions(room);
    this.#backEnds = new BackEnds(room);
    this.#notifier = new ListNotifier(room, this.#subscriptions, this.#backEnds, passOn);
    const requester = new BackEndSubscription(room, account, forking, passOn);
    const changed = () => this.#notifier.look(Date.now());
    this.#refresh = new BackEndRefresh(room, this.#backEnds, requester, () => this.#subscriptions.current(), changed);
  }

  /** Whether a request is to a list of our domain. */
  serves({ method }: Request, { user, domain }: Address): boolean {
    return method === "SUBSCRIBE" && domain === this.#room.home.domain && readListUser(user) !== undefined;
  }

  /** A SUBSCRIBE to a list (RFC 4662 §4.4). */
  async request(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, address: Address, now: number): Promise<Receipt> {
    const name = readListUser(address.user) ?? { name: "", owner: undefined };
    if (mandatory.toTag !== undefined) return refused(request, fault(481, "there is no such subscription"));
    if (name.owner !== undefined && !this.#isOwn(name.owner)) return refused(request, fault(403, "this is the list of another user"));
    const isAdHoc = name.name === adHocName;
    const parameters = readListSubscribeParameters(request, isAdHoc, this.#room.configuration.subscriptions);
    if (isFault(parameters)) return refused(request, parameters);
    const list = isAdHoc ? requestList(request) : await this.#sources.asked(name, now);
    if (isFault(list)) return refused(request, list);
    const known = this.#made(envelope, request, mandatory, parameters, now);
    const entries = list.entries.map((entry): WatchedEntry => ({ ...watched(entry), stamp: 0 }));
    const uri = listUri(name, this.#room.home.domain);
    const refusal = this.#refuseMore(parameters, entries, envelope.answerTo.phone, uri, now);
    if (refusal !== undefined) return refused(request, refusal);
    const more = { listUri: uri, list: isAdHoc ? undefined : name, version: list.version, entries, removed: [], stamp: 0 };
    this.#notifier.begin(known.id);
    const fetch = parameters.expires === 0 ? { isFetch: true, expires: now + fetchTime } : {};
    return this.#grant(request, { ...known, ...more, ...fetch }, parameters, now);
  }

  /** Within a dialog: a SUBSCRIBE of a list's watcher, or a NOTIFY for one of its resources. */
  inDialog(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt {
    if (request.method === "NOTIFY") return this.#notified(envelope, request, mandatory, now);
    if (request.method === "ACK") return accepted;
    if (request.method !== "SUBSCRIBE") return refused(request, fault(405, "this is a list", [["Allow", "SUBSCRIBE, NOTIFY"]]));
    const parameters = refuseLater(request) ?? readSubscribeParameters(request, this.#room.configuration.subscriptions);
    if (isFault(parameters)) return refused(request, parameters);
    const found = this.#subscriptions.get(this.#idOf(dialogTags(mandatory), parameters));
    const known = currentSubscription(found?.ended === undefined ? found : undefined, mandatory, now);
    if (isFault(known)) return refused(request, known);
    const { expires, target, rates } = parameters;
    const changed = { ...known, target, rates, cseq: mandatory.cseq.number, touched: now, expires: now + expires * 1000, removed: [] };
    this.#refresh.tryAgain(changed, now);
    if (changed.list !== undefined && expires > 0 && this.#sources.mayAsk(now))
      this.#reread(changed.id).catch((error: unknown) => this.#note(error));
    return this.#grant(request, changed, parameters, now);
  }

  /** A response to a request of this part. */
  response({ to, status, text }: ResponseEnvelope, now: number): Receipt {
    const taker = takerOf(to);
    if (taker.kind === "list subscriber") this.#refresh.response(taker.id, { status, text }, now);
    else if (taker.kind === "list notifier") this.#answered(taker.id, status, now);
    return accepted;
  }

  /** An event here: a phone may be back. */
  afterEvent(now: number): void {
    this.#notifier.look(now);
  }

  onAlarm(now: number): void {
    for (const subscription of this.#subscriptions.all()) {
      const { id, ended, touched, expires } = subscription;
      if (expires > now) this.#room.alarm.noLaterThan(expires);
      else if (ended === undefined) this.#end(subscription, "timeout", now);
      else if (now - touched < finalNotify.maxWait) this.#notifier.end(subscription, ended, now);
      else this.#subscriptions.remove(id);
    }
    this.#refresh.look(now);
  }

  /** A list has changed in the directory. */
  async changed({ name, owner }: ListName): Promise<void> {
    for (const { id, list } of this.#subscriptions.current()) {
      const isIt = list?.name === name && (list.owner === undefined) === (owner === undefined);
      if (isIt) await this.#reread(id);
    }
  }

  #isOwn(user: string): boolean {
    const owner = this.#account.owner();
    return user === owner.user || owner.aliases.includes(user);
  }

  /**
   * Subscriptions of a lost phone that were not ended do not count; nor does an earlier list in a SUBSCRIBE of a phone whose reloaded page
   * sends another one.
   */
  #refuseMore(
    { event }: SubscribeParameters,
    entries: readonly WatchedEntry[],
    phone: PhoneId,
    uri: string,
    now: number,
  ): Fault | undefined {
    const fits = () => this.#subscriptions.current().length < maxSubscriptions && this.#refresh.countWith(event, entries) <= maxResources;
    const isInTheWay = ({ end, list, listUri, event: watched }: ListSubscription) =>
      this.#room.sockets.newestTo(end.phone) === undefined ||
      (list === undefined && end.phone === phone && listUri === uri && watched === event);
    const inTheWay = this.#subscriptions.current().filter(isInTheWay);
    for (const oldest of inTheWay.sort((one, other) => one.touched - other.touched)) if (!fits()) this.#end(oldest, "giveup", now);
    return fits() ? undefined : limitReached(403, "this user watches too many lists");
  }

  #made(
    envelope: RequestEnvelope,
    request: Request,
    mandatory: MandatoryHeaders,
    parameters: SubscribeParameters,
    now: number,
  ): Subscription {
    const { callId, fromTag: remoteTag = "", cseq } = mandatory;
    const localTag = randomText();
    const { home, keyring, configuration } = this.#room;
    const { phone } = envelope.answerTo;
    const ends = { caller: { home: home.name, phone }, callee: { home: home.name, phone: listServer }, callerTag: remoteTag };
    const { event, eventId, target, rates, expires } = parameters;
    return {
      ...{ id: this.#idOf({ callId, remoteTag, localTag }, parameters), event, eventId, watcher: envelope.identity, permission: "allow" },
      ...{ callId, remoteTag, localTag, cseq: cseq.number, target, end: { home: home.name, phone } },
      remote: headerValue(request, "from") ?? "",
      local: `${headerValue(request, "to") ?? ""};tag=${localTag}`,
      route: recordRoute(keyring, ends, callId, configuration.publicHost ?? home.domain),
      routes: headerValues(request, "record-route"),
      ...{ created: now, touched: now, expires: now + expires * 1000, rates },
    };
  }

  /** RFC 6665 §4.2.1.2, RFC 4662 §4.1: 200 with Require, and the full state soon. */
  #grant(request: Request, subscription: ListSubscription, parameters: SubscribeParameters, now: number): Receipt {
    const { local, route, routes, isFetch = false } = subscription;
    if (parameters.expires > 0 || isFetch) this.#subscriptions.put(subscription);
    else this.#end(subscription, "timeout", now);
    this.#refresh.look(now);
    this.#notifier.look(now);
    const headers: [string, string][] = [
      ["Expires", String(parameters.expires)],
      ["Contact", `<${subscription.listUri}>`],
      ["Require", eventList],
      ["Record-Route", route],
      ...routes.map((value): [string, string] => ["Record-Route", value]),
    ];
    const toTag = local.slice(local.lastIndexOf("=") + 1);
    return { kind: "answered", status: 200, text: replyTo(request, 200, { toTag, headers }) };
  }

  #notified(envelope: RequestEnvelope, notify: Request, { fromTag = "", toTag = "", cseq }: MandatoryHeaders, now: number): Receipt {
    const refusal = inspectRequest(notify, { options: [], types: "any" });
    const status = refusal?.status ?? this.#refresh.notified(envelope, notify, { from: fromTag, to: toTag }, cseq.number, now);
    const { answerTo: to } = envelope;
    const text = refusal === undefined ? replyTo(notify, status) : answerFault(notify, refusal);
    if (isFromPhone(to)) return { kind: "answered", status, text };
    // A home of ours ignores receipts of notifications, and needs no 2xx.
    const post = () => this.#passOn(to.home, { kind: "response", text, status, to, transaction: undefined });
    if (status >= 300) post().catch((error: unknown) => this.#note(error));
    return accepted;
  }

  /** RFC 6665 §4.2.2: a phone that does not know its subscription gets no further notifications. */
  #answered(id: string, status: number, now: number): void {
    if (status < 300 || status === 480 || status >= 500 || this.#subscriptions.get(id) === undefined) return;
    this.#subscriptions.remove(id);
    this.#notifier.forget(id);
    this.#refresh.look(now);
  }

  /** The present list of a subscription in the directory: changes apply at once. */
  async #reread(id: string): Promise<void> {
    const list = this.#subscriptions.get(id)?.list;
    if (list === undefined) return;
    const found = await this.#sources.found(list, Date.now());
    const [subscription, now] = [this.#subscriptions.get(id), Date.now()];
    if (subscription === undefined || subscription.ended !== undefined) return;
    if (isFault(found) && found.status === 404) this.#end(subscription, "noresource", now);
    else if (isFault(found)) throw new Error(found.fault);
    else if (found.version > subscription.version) {
      const instanceOf = ({ resource }: WatchedEntry) => this.#backEnds.get(subscription.event, resource)?.instance;
      const changed = { version: found.version, entries: found.entries.map(watched) };
      this.#subscriptions.put(withList(subscription, changed, instanceOf, this.#backEnds.nextStamp(now)));
    }
    this.#refresh.look(now);
    this.#notifier.look(now);
  }

  #end(subscription: ListSubscription, reason: string, now: number): void {
    const ended = { ...subscription, touched: now, expires: now + finalNotify.repeatAfter, ended: reason };
    if (this.#subscriptions.get(subscription.id) !== undefined) this.#subscriptions.put(ended);
    this.#notifier.end(ended, reason, now);
    this.#refresh.look(now);
  }

  #idOf(tags: DialogTags, parameters: SubscribeParameters): string {
    return subscriptionNamed(this.#room.keyring, tags, parameters, (id) => this.#subscriptions.get(id) !== undefined);
  }

  #note(error: unknown): void {
    this.#room.log.note(Date.now(), "-", String(error));
  }
}

function watched(entry: ListEntry): ListEntry & { readonly resource: string } {
  return { ...entry, resource: canonicalResource(entry.uri) ?? entry.uri };
}

function refused(request: Request, refusal: Fault): Receipt {
  return { kind: "answered", status: refusal.status, text: answerFault(request, refusal) };
}
