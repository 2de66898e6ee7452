import { dialogInfo, ofNamed } from "../../../lib/presence/dialog-info.ts";
import { toOctets } from "../../../lib/syntax/octets.ts";
import { callOf } from "../../../lib/proxy/call-name.ts";
import { type EventPackage, partialType, traits } from "../../../lib/presence/event-package.ts";
import { type WaitingMessages, messageSummary } from "../../../lib/presence/message-summary.ts";
import { closedPidf, composePidf } from "../../../lib/presence/pidf.ts";
import { type PidfChanges, changesOfPidf, fullPidf, partialPidf } from "../../../lib/presence/pidf-diff.ts";
import { type RegistrationView, reginfo } from "../../../lib/presence/reginfo.ts";
import type { Subscription } from "../../../lib/presence/subscription.ts";
import { type Watcher, watcherinfo } from "../../../lib/presence/watcherinfo.ts";
import { publicGruu } from "../../../lib/location/gruu.ts";
import type { DialogView } from "../../../lib/presence/dialog-info.ts";
import type { CallDetails } from "../../../lib/transport/flow.ts";
import type { Room } from "../room.ts";
import type { ActiveCalls } from "../active-calls.ts";
import type { UnansweredRequests } from "../unanswered-requests.ts";
import type { Messages } from "../stored-messages.ts";
import type { PendingInvites } from "../pending-invites.ts";
import type { Registrar } from "../registrar.ts";
import type { Publication } from "../../../lib/presence/publication.ts";
import type { Publications } from "./publications.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Waiting } from "./waiting.ts";

/** The parts of a home that determine the state of its user. */
export interface Sources {
  readonly registrar: Registrar;
  readonly activeCalls: ActiveCalls;
  readonly pendingInvites: PendingInvites;
  readonly unanswered: UnansweredRequests;
  readonly messages: Messages;
}

export type Visible = "state" | "polite" | "nothing";

/** What a watcher gets of a state. */
interface Showing {
  readonly what: Visible;
  readonly version: number;
  /** The entity-tag of the state in the watcher's last notification, if it accepts partial states (RFC 5263). */
  readonly base: string | undefined;
}

interface Document {
  readonly fingerprint: string;
  readonly text: string;
  /** The changes since the previous document. */
  readonly changes: () => PidfChanges | undefined;
}

/** The present state of each event package. */
export class EventState {
  readonly #room: Room;
  readonly #sources: Sources;
  readonly #publications: Publications;
  readonly #subscriptions: Subscriptions;
  readonly #waiting: Waiting;
  /** The last presence document, and the one before. */
  #composed: Document | undefined;
  #before: string | undefined;

  constructor(room: Room, sources: Sources, publications: Publications, subscriptions: Subscriptions, waiting: Waiting) {
    this.#room = room;
    this.#sources = sources;
    this.#publications = publications;
    this.#subscriptions = subscriptions;
    this.#waiting = waiting;
  }

  /** `sip:bob@example.com`. */
  get entity(): string {
    const { user, domain } = this.#room.home;
    return `sip:${user}@${domain}`;
  }

  /** Changes whenever watchers must be notified; an entity-tag (RFC 5839 §6.1). */
  fingerprint(event: EventPackage, now: number): string {
    return this.#room.keyring.hash("md5", toOctets(JSON.stringify(this.#facts(event, now))));
  }

  /** The entity-tag of what a watcher sees: for a watcher that sees nothing it is constant (RFC 5839 §6.1). */
  tag(event: EventPackage, what: Visible, now: number): string {
    return what === "state" ? this.fingerprint(event, now) : this.#room.keyring.hash("md5", `${what} ${event} ${this.entity}`);
  }

  /** The body of a notification. */
  body(
    { event, isPartial, watcher, dialog }: Subscription,
    { what, version, base }: Showing,
    now: number,
  ): { readonly type: string; readonly text: string } {
    const { type } = traits[event];
    if (what === "polite") return this.#politeBody(event, version, isPartial === true);
    if (event === "dialog")
      return { type, text: dialogInfo(this.entity, ofNamed(this.#calls(now), dialog), version, `sip:${watcher}` === this.entity) };
    if (event !== "presence") return { type, text: this.#text(event, version, now) };
    return isPartial === true ? this.#partialBody(version, base, now) : { type, text: this.#document(now).text };
  }

  /** RFC 5263 §4.4: the changes since the previous state, if the watcher has that; else the full state. */
  #partialBody(version: number, base: string | undefined, now: number) {
    const document = this.#document(now);
    const changes = base !== undefined && base === this.#before ? document.changes() : undefined;
    const text = changes === undefined ? fullPidf(document.text, version) : partialPidf(this.entity, changes, version);
    return { type: partialType, text };
  }

  /** The body for a watcher that must not see the state, nor that it is hidden. */
  #politeBody(event: EventPackage, version: number, isPartial: boolean) {
    const { type } = traits[event];
    if (event !== "presence") return { type, text: dialogInfo(this.entity, [], version, false) };
    const text = closedPidf(this.entity);
    return isPartial ? { type: partialType, text: fullPidf(text, version) } : { type, text };
  }

  /** The presence document, the same for all watchers, who may be thousands; and the changes in it. */
  #document(now: number): Document {
    const fingerprint = this.fingerprint("presence", now);
    const last = this.#composed;
    if (last?.fingerprint === fingerprint) return last;
    const text = this.#text("presence", 0, now);
    this.#before = last?.fingerprint;
    this.#composed = { fingerprint, text, changes: changesSince(last?.text, text) };
    return this.#composed;
  }

  #text(event: Exclude<EventPackage, "dialog">, version: number, now: number): string {
    switch (event) {
      case "presence":
        return composePidf({ entity: this.entity, ...this.#presence(now, ({ body }, isPresent) => ({ body, isPresent })) });
      case "presence.winfo":
        return watcherinfo(this.entity, this.#watchers(now), version);
      case "reg":
        return reginfo(this.entity, this.#registrations(now), version, now);
      case "message-summary":
        return messageSummary(this.entity, this.#messages(now));
    }
  }

  #facts(event: EventPackage, now: number): unknown {
    switch (event) {
      case "presence":
        return this.#presence(now, ({ id, at }, isPresent) => [id, at, isPresent]);
      case "presence.winfo":
        return this.#watchers(now);
      case "dialog":
        return this.#calls(now);
      case "reg":
        return this.#registrations(now).map(({ id, contact, q }) => [id, contact, q]);
      case "message-summary":
        return this.#messages(now);
    }
  }

  /** A publisher that may never come back to remove its publication counts as not reachable. */
  #presence<Part>(now: number, of: (publication: Publication, isPresent: boolean) => Part) {
    const { registrar, activeCalls } = this.#sources;
    const present = new Set(registrar.current(now).flatMap(({ binding, flow }) => (flow === undefined ? [] : [binding.phone])));
    const isStatic = registrar.current(now).some(({ binding }) => binding.isStatic === true);
    return {
      published: this.#publications.of("presence", now).map((one) => of(one, one.phone === undefined || present.has(one.phone))),
      isReachable: present.size > 0 || isStatic,
      isOnThePhone: activeCalls.count(now) > 0,
    };
  }

  /** Each call once, in its most advanced state. */
  #calls(now: number): DialogView[] {
    const { activeCalls, pendingInvites: calls, unanswered } = this.#sources;
    const found: (Omit<DialogView, "id"> & { readonly name: string })[] = [
      ...calls.pending().map((name) => ({ name, state: "trying" as const, direction: "initiator" as const, details: undefined })),
      ...unanswered.ringing().map((call) => ({ ...call, state: "early" as const, direction: "recipient" as const })),
      ...activeCalls.all(now).map(({ name, details }) => ({ name, state: "confirmed" as const, direction: directionOf(details), details })),
    ];
    // The first dialog of a call has the name that the call had before; those of other phones that have answered have their own.
    const firsts = new Set(
      new Map(
        activeCalls
          .all(now)
          .toReversed()
          .map(({ name }) => [callOf(name), name]),
      ).values(),
    );
    const shown = found.map(({ name, ...call }) => {
      const known = firsts.has(name) ? callOf(name) : name;
      return { id: this.#room.keyring.hash("sha256", known).slice(0, 16), ...call };
    });
    return [...new Map(shown.map((call) => [call.id, call])).values()];
  }

  #registrations(now: number): RegistrationView[] {
    const { user, domain } = this.#room.home;
    return this.#sources.registrar.current(now).map(({ binding }) => {
      const { key, contact, instance, q, expires, isStatic, wantsGruu } = binding;
      const gruu = instance === undefined || wantsGruu !== true ? undefined : publicGruu(user, domain, instance);
      return { id: this.#room.keyring.hash("sha256", key).slice(0, 16), contact, instance, gruu, q, expires, isStatic: isStatic === true };
    });
  }

  #messages(now: number) {
    const told = this.#publications.of("message-summary", now).at(-1)?.body;
    const voice = told === undefined ? { unread: 0, read: 0 } : (JSON.parse(told) as WaitingMessages["voice"]);
    return { text: this.#sources.messages.count(now), voice };
  }

  #watchers(now: number): Watcher[] {
    const watching = this.#subscriptions.of("presence").map(({ id, watcher, permission }: Subscription) => ({
      id,
      uri: `sip:${watcher}`,
      status: permission === "confirm" ? ("pending" as const) : ("active" as const),
    }));
    const idOf = (watcher: string) => this.#room.keyring.hash("sha256", `waiting ${watcher}`).slice(0, 16);
    const waiting = this.#waiting.all(now).map((watcher) => ({ id: idOf(watcher), uri: `sip:${watcher}`, status: "waiting" as const }));
    return [...watching, ...waiting];
  }
}

/** Computed on first use, and cached. */
function changesSince(before: string | undefined, text: string): () => PidfChanges | undefined {
  let found: { readonly changes: PidfChanges | undefined } | undefined;
  return () => {
    found ??= { changes: before === undefined ? undefined : changesOfPidf(before, text) };
    return found.changes;
  };
}

function directionOf(details: CallDetails | undefined): DialogView["direction"] {
  if (details === undefined) return undefined;
  return details.isCaller ? "initiator" : "recipient";
}
