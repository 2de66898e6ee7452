import { takerOf } from "../../lib/transport/return-address.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { isHopName } from "../../lib/routing/hop-name.ts";
import { isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import { type EventPackage, ownEvent, partialType, refuseMiswritten, traits } from "../../lib/presence/event-package.ts";
import { eventList } from "../../lib/presence/list-subscribe-parameters.ts";
import { readPublished, storedPidf } from "../../lib/presence/pidf-patch.ts";
import { type Permission, noWatcherRules, permissionOf } from "../../lib/location/watcher-rules.ts";
import { isTrunkIdentity } from "../../lib/routing/trunk.ts";
import { publish } from "../../lib/presence/publication.ts";
import { type Subscription, type SubscribeParameters, agent, readSubscribeParameters } from "../../lib/presence/subscription.ts";
import { recordRoute } from "../../lib/proxy/route-token.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import { type Request, bodyOf, headerValue, headerValues } from "../../lib/syntax/message.ts";
import { decodedText } from "../../lib/syntax/octets.ts";
import { inspectRequest } from "../../lib/uas/inspect-request.ts";
import type { Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { accepted } from "../../lib/transport/envelope.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answerFault } from "../shared/reply.ts";
import type { LocalUserAgent } from "./local-user-agent.ts";
import type { Part } from "./part.ts";
import { type DialogTags, currentSubscription, dialogTags, finalNotify, subscriptionNamed } from "./subscription-dialogs.ts";
import type { Room } from "./room.ts";
import type { Account } from "./account.ts";
import { EventState, type Sources } from "./presence/event-state.ts";
import { Notifier, visible } from "./presence/notifier.ts";
import { Publications } from "./presence/publications.ts";
import { Subscriptions } from "./presence/subscriptions.ts";
import { Waiting } from "./presence/waiting.ts";

/** For a SUBSCRIBE: a phone that supports lists may require that, though this is not a list. */
const understood = { options: [eventList], types: [] };
/** Maximum subscriptions of one watcher, and of one user. */
const maxOfWatcher = 20;
/** The share of all places that one server of another domain may use. */
const shareOfServer = 0.25;
/** The share of all who are no users of the domain. */
const shareOfOthers = 0.5;

/** The presence agent of this home's user (RFC 3856 §3): event state compositor (RFC 3903) and notifier (RFC 6665) of all its packages. */
export class PresenceAgent implements Part, LocalUserAgent {
  readonly phone = agent;
  readonly senders = ["notifier"] as const;
  readonly #room: Room;
  readonly #account: Account;
  readonly #subscriptions: Subscriptions;
  readonly #publications: Publications;
  readonly #waiting: Waiting;
  readonly #notifier: Notifier;
  readonly #state: EventState;

  constructor(room: Room, account: Account, sources: Sources, passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>) {
    this.#room = room;
    this.#account = account;
    this.#subscriptions = new Subscriptions(room);
    this.#publications = new Publications(room);
    this.#waiting = new Waiting(room);
    this.#state = new EventState(room, sources, this.#publications, this.#subscriptions, this.#waiting);
    this.#notifier = new Notifier(room, this.#subscriptions, this.#state, passOn);
  }

  /** A PUBLISH for the user, or a SUBSCRIBE; undefined if the SUBSCRIBE is for the user's phones, which may support other packages. */
  request(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt | undefined {
    if (request.method === "PUBLISH") return this.#publish(envelope, request, now);
    const miswritten = refuseMiswritten(request);
    if (miswritten !== undefined) return refused(request, miswritten);
    if (ownEvent(request) === undefined) return undefined;
    return mandatory.toTag === undefined
      ? this.#subscribe(envelope, request, mandatory, now)
      : this.inDialog(envelope, request, mandatory, now);
  }

  /** RFC 6665 §4.2.1: a SUBSCRIBE within a subscription's dialog refreshes or ends it, or fetches the state. */
  inDialog({ identity }: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt {
    if (request.method !== "SUBSCRIBE") return refused(request, fault(405, "this is a notifier", [["Allow", "SUBSCRIBE"]]));
    const parameters = inspectRequest(request, understood) ?? readSubscribeParameters(request, this.#room.configuration.subscriptions);
    if (isFault(parameters)) return refused(request, parameters);
    const found = this.#subscriptions.get(this.#idOf(dialogTags(mandatory), parameters));
    // A request from another server's connection has the dialog's route, which only the watcher knows.
    const isWatcher = identity === "" || identity === found?.watcher;
    const known = currentSubscription(isWatcher ? found : undefined, mandatory, now);
    if (isFault(known)) return refused(request, known);
    const { expires, target, rates, isPartial } = parameters;
    const changed = { ...known, target, rates, isPartial, cseq: mandatory.cseq.number, touched: now, expires: now + expires * 1000 };
    return this.#knows(changed, parameters, now)
      ? this.#spare(request, changed, parameters, now)
      : this.#grant(request, changed, parameters, now);
  }

  /** RFC 6665 §4.2.2: the answer of a watcher's phone to a notification; if the phone does not know the subscription, it ends. */
  response({ to, status, text }: ResponseEnvelope, now: number): Receipt {
    const taker = takerOf(to);
    if (taker.kind !== "notifier") return accepted;
    const { id } = taker;
    if (status < 300) this.#notifier.taken(id, text);
    // 480 means that the phone is away: its home keeps the notification for it.
    if (status < 300 || status === 480 || status >= 500) return accepted;
    // JsSIP knows a dialog only after the answer to its SUBSCRIBE, and the notification may have been faster (RFC 6665 §4.1.2.4).
    if (status === 481 && this.#notifier.repeatsFirst(id, now)) return accepted;
    this.#subscriptions.remove(id);
    this.#notifier.forget(id);
    this.afterEvent(now);
    return accepted;
  }

  /** An event here may have changed what watchers see. */
  afterEvent(now: number): void {
    this.#notifier.look(now);
  }

  /**
   * State of the user from an application, which replaces the previous one.
   * @param seconds 0: it is deleted
   */
  say(event: "presence" | "message-summary", body: string, seconds: number, now: number): void {
    const id = `application ${event}`;
    const put = { event, id, tag: randomText(), body, phone: undefined, at: now, expires: now + seconds * 1000 };
    this.#publications.apply(seconds === 0 ? { put: undefined, removed: id } : { put, removed: undefined });
    this.afterEvent(now);
  }

  /** The user was deleted: watchers are notified (RFC 6665 §4.1.3 noresource). */
  onSubscriberDeleted(now: number): void {
    for (const subscription of [...this.#subscriptions.all()]) this.#end(subscription, "noresource", now);
  }

  onAlarm(now: number): void {
    this.#publications.passDeadlines(now);
    this.#waiting.passDeadlines(now);
    for (const subscription of this.#subscriptions.ended()) {
      if (now - subscription.touched < finalNotify.maxWait) this.#notifier.end(subscription, subscription.ended ?? "timeout", now);
      else this.#subscriptions.remove(subscription.id);
    }
    for (const subscription of [...this.#subscriptions.all()]) {
      if (subscription.expires > now) this.#room.alarm.noLaterThan(subscription.expires);
      else this.#end(subscription, "timeout", now);
    }
    this.#notifier.passDeadlines(now);
  }

  /** The rules for watchers may have changed: they apply at once (RFC 5025 §3.2.1). */
  permissionsChanged(now: number): void {
    for (const watcher of this.#waiting.all(now)) if (this.#permission("presence", watcher) !== "confirm") this.#waiting.forget(watcher);
    for (const subscription of [...this.#subscriptions.all()]) {
      const permission = this.#permission(subscription.event, subscription.watcher);
      if (permission === subscription.permission) continue;
      if (permission === "block") this.#end(subscription, "rejected", now);
      else {
        this.#subscriptions.put({ ...subscription, permission, touched: now });
        this.#notifier.tell(subscription.id, now);
      }
    }
    this.afterEvent(now);
  }

  #subscribe(envelope: RequestEnvelope, request: Request, mandatory: MandatoryHeaders, now: number): Receipt {
    const parameters = inspectRequest(request, understood) ?? readSubscribeParameters(request, this.#room.configuration.subscriptions);
    if (isFault(parameters)) return refused(request, parameters);
    const permission = this.#permission(parameters.event, envelope.identity);
    if (permission === "block") return refused(request, fault(403, "the user does not allow this subscription"));
    if (parameters.expires > 0 && this.#isFull(envelope.identity, envelope.answerTo.home))
      return refused(request, limitReached(480, "too many watchers for this user", [["Retry-After", "600"]]));
    if (parameters.event === "presence") this.#waiting.forget(envelope.identity);
    const subscription = this.#made(envelope, request, mandatory, parameters, permission, now);
    return this.#grant(request, subscription, parameters, now);
  }

  #made(
    envelope: RequestEnvelope,
    request: Request,
    mandatory: MandatoryHeaders,
    parameters: SubscribeParameters,
    permission: Permission,
    now: number,
  ): Subscription {
    const { callId, fromTag: remoteTag = "", cseq } = mandatory;
    const localTag = randomText();
    const { home, keyring, configuration } = this.#room;
    const caller = envelope.caller ?? { home: envelope.answerTo.home, phone: envelope.answerTo.phone };
    const at = caller.at ?? configuration.publicHost ?? home.domain;
    const ends = { caller, callee: { home: home.name, phone: agent }, callerTag: remoteTag };
    const { event, eventId, target, rates, isPartial, expires, dialog } = parameters;
    return {
      ...{ id: this.#idOf({ callId, remoteTag, localTag }, parameters), event, eventId, watcher: envelope.identity, permission },
      ...(dialog === undefined ? {} : { dialog }),
      ...{ callId, remoteTag, localTag, cseq: cseq.number, target, end: { home: caller.home, phone: caller.phone } },
      remote: headerValue(request, "from") ?? "",
      local: `${headerValue(request, "to") ?? ""};tag=${localTag}`,
      route: recordRoute(keyring, ends, callId, at),
      routes: headerValues(request, "record-route"),
      ...{ created: now, touched: now, expires: now + expires * 1000, rates, isPartial },
    };
  }

  /** RFC 6665 §4.2.1.2: 200, and a notification at once; without a body for a new watcher that knows the state (RFC 5839 §6.2). */
  #grant(request: Request, subscription: Subscription, parameters: SubscribeParameters, now: number): Receipt {
    const isKnown = this.#knows(subscription, parameters, now);
    if (parameters.expires > 0) {
      this.#subscriptions.put(subscription);
      if (isKnown) this.#notifier.notifyInitial(subscription.id, now);
      else this.#notifier.tell(subscription.id, now);
      this.afterEvent(now);
    } else this.#end(subscription, "timeout", now, isKnown);
    return this.#granted(request, subscription, parameters, 200);
  }

  /** RFC 5839 §6.3: within the dialog of a watcher that knows the state, 204 is enough. */
  #spare(request: Request, subscription: Subscription, parameters: SubscribeParameters, now: number): Receipt {
    const { id, event, permission } = subscription;
    if (parameters.expires > 0) this.#subscriptions.put(subscription);
    else {
      this.#subscriptions.remove(id);
      this.#notifier.forget(id);
    }
    this.afterEvent(now);
    return this.#granted(request, subscription, parameters, 204, [["SIP-ETag", this.#state.tag(event, visible[permission], now)]]);
  }

  /** Whether a watcher already has the state (RFC 5839 §7.2). */
  #knows({ event, permission }: Subscription, { known }: SubscribeParameters, now: number): boolean {
    return known !== undefined && (known === "*" || known === this.#state.tag(event, visible[permission], now));
  }

  #granted(
    request: Request,
    { local, route, routes }: Subscription,
    { expires }: SubscribeParameters,
    status: number,
    more: readonly [string, string][] = [],
  ): Receipt {
    const headers: [string, string][] = [
      ["Expires", String(expires)],
      ["Contact", `<${this.#state.entity}>`],
      ["Record-Route", route],
      ...routes.map((value): [string, string] => ["Record-Route", value]),
      ...more,
    ];
    return { kind: "answered", status, text: replyTo(request, status, { toTag: local.slice(local.lastIndexOf("=") + 1), headers }) };
  }

  #publish(envelope: RequestEnvelope, request: Request, now: number): Receipt {
    const { user, domain, name } = this.#room.home;
    if (envelope.identity !== `${user}@${domain}`) return refused(request, fault(403, "only the user may publish this state"));
    const event = ownEvent(request)?.package;
    if (event !== "presence")
      return refused(request, fault(489, "state of this package cannot be published", [["Allow-Events", "presence"]]));
    const types = [traits.presence.type, partialType];
    const refusal = inspectRequest(request, { options: [], types });
    if (refusal !== undefined) return refused(request, refusal);
    const outcome = publish({
      ...{
        request,
        event,
        now,
        tag: randomText(),
        settings: this.#room.configuration.publications,
      },
      publications: this.#publications.of(event, now),
      body: decodedText(bodyOf(request)),
      phone: envelope.answerTo.home === name ? envelope.answerTo.phone : undefined,
      read: readBody,
    });
    if (isFault(outcome)) return refused(request, outcome);
    this.#publications.apply(outcome);
    this.afterEvent(now);
    const headers: [string, string][] = [
      ["Expires", String(outcome.expires)],
      ["SIP-ETag", outcome.tag],
    ];
    return { kind: "answered", status: 200, text: replyTo(request, 200, { toTag: randomText(), headers }) };
  }

  #end(subscription: Subscription, reason: string, now: number, isKnown = false): void {
    const { event, permission, watcher } = subscription;
    if (reason === "timeout" && event === "presence" && permission === "confirm" && watcher !== "") this.#waiting.add(watcher, now);
    const isStored = this.#subscriptions.get(subscription.id) !== undefined;
    if (isStored) this.#subscriptions.put({ ...subscription, touched: now, expires: now + finalNotify.repeatAfter, ended: reason });
    this.#notifier.end(subscription, reason, now, isKnown);
    this.afterEvent(now);
  }

  #permission(event: EventPackage, watcher: string): Permission {
    const owner = this.#account.owner();
    const isOwner = watcher === `${owner.user}@${owner.domain}`;
    if (traits[event].isPrivate) return isOwner ? "allow" : "block";
    const rules = this.#account.rules().watching ?? noWatcherRules;
    // Rules have names in their canonical spelling.
    return isTrunkIdentity(watcher) ? permissionOf(rules, watcher.replace(":", "%3A"), owner, false) : permissionOf(rules, watcher, owner);
  }

  /**
   * Only the users themselves have no limit; a server of another domain, which can use any number of names, has a quarter. Half of the places
   * are for users of the domain.
   */
  #isFull(watcher: string, home: HomeName): boolean {
    const { maximumWatchers } = this.#room.configuration;
    if (this.#subscriptions.countOf(watcher) >= maxOfWatcher) return true;
    if (home === this.#room.home.name) return false;
    const isServer = isNonSubscriberHome(home) || isHopName(home);
    const isColleague = (one: string) => one.endsWith(`@${this.#room.home.domain}`) && !isTrunkIdentity(one);
    const others = isColleague(watcher) ? 0 : this.#subscriptions.count() - this.#subscriptions.countThose(isColleague);
    if (others >= Math.ceil(maximumWatchers * shareOfOthers)) return true;
    if (isServer && this.#subscriptions.countFrom(home) >= Math.ceil(maximumWatchers * shareOfServer)) return true;
    return this.#subscriptions.count() >= maximumWatchers;
  }

  #idOf(tags: DialogTags, parameters: SubscribeParameters): string {
    return subscriptionNamed(this.#room.keyring, tags, parameters, (id) => this.#subscriptions.get(id) !== undefined);
  }
}

function refused(request: Request, refusal: Fault): Receipt {
  return { kind: "answered", status: refusal.status, text: answerFault(request, refusal) };
}

function readBody(type: string, body: string, stored: string | undefined, longest: number): string | Fault {
  const document = readPublished(type, body, stored, longest);
  return isFault(document) ? document : storedPidf(document, longest);
}
