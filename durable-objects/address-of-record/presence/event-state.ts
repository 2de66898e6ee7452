import { dialogInfo } from "../../../lib/presence/dialog-info.ts";
import { type EventPackage, traits } from "../../../lib/presence/event-package.ts";
import { type WaitingMessages, messageSummary } from "../../../lib/presence/message-summary.ts";
import { closedPidf, composePidf } from "../../../lib/presence/pidf.ts";
import { type ShownRegistration, reginfo } from "../../../lib/presence/reginfo.ts";
import type { Subscription } from "../../../lib/presence/subscription.ts";
import { type Watcher, watcherinfo } from "../../../lib/presence/watcherinfo.ts";
import { publicGruu } from "../../../lib/location/gruu.ts";
import type { ShownDialog } from "../../../lib/presence/dialog-info.ts";
import type { Room } from "../../room/room.ts";
import type { Dialogs } from "../dialogs.ts";
import type { Forking } from "../forking.ts";
import type { Messages } from "../messages.ts";
import type { PlacedCalls } from "../placed-calls.ts";
import type { Registrar } from "../registrar.ts";
import type { Publication } from "../../../lib/presence/publication.ts";
import type { Publications } from "./publications.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** The parts of a home that the state of its user is known from. */
export interface Sources {
  readonly registrar: Registrar;
  readonly dialogs: Dialogs;
  readonly calls: PlacedCalls;
  readonly forking: Forking;
  readonly messages: Messages;
}

/** The state of each event package, as it is now. */
export class EventState {
  readonly #room: Room;
  readonly #sources: Sources;
  readonly #publications: Publications;
  readonly #subscriptions: Subscriptions;
  /** The last presence document. */
  #composed: { readonly fingerprint: string; readonly text: string } | undefined;

  constructor(room: Room, sources: Sources, publications: Publications, subscriptions: Subscriptions) {
    this.#room = room;
    this.#sources = sources;
    this.#publications = publications;
    this.#subscriptions = subscriptions;
  }

  /** `sip:bob@example.com`. */
  get entity(): string {
    const { user, domain } = this.#room.home;
    return `sip:${user}@${domain}`;
  }

  /** What changes whenever watchers have something to learn; an entity-tag (RFC 5839 §5.1). */
  fingerprint(event: EventPackage, now: number): string {
    return this.#room.keyring.hash("md5", JSON.stringify(this.#facts(event, now)));
  }

  /** The body of a notification for one who may see it. */
  body(event: EventPackage, version: number, now: number): { readonly type: string; readonly text: string } {
    const { type } = traits[event];
    // The document is the same for all who watch, and there may be thousands.
    if (event !== "presence") return { type, text: this.#text(event, version, now) };
    const fingerprint = this.fingerprint(event, now);
    if (this.#composed?.fingerprint !== fingerprint) this.#composed = { fingerprint, text: this.#text(event, version, now) };
    return { type, text: this.#composed.text };
  }

  /** The body for one who shall not see anything, nor that he shall not. */
  politeBody(event: EventPackage, version: number): { readonly type: string; readonly text: string } {
    const text = event === "presence" ? closedPidf(this.entity) : dialogInfo(this.entity, [], version);
    return { type: traits[event].type, text };
  }

  #text(event: EventPackage, version: number, now: number): string {
    switch (event) {
      case "presence":
        return composePidf({ entity: this.entity, ...this.#presence(now, ({ body }) => body) });
      case "presence.winfo":
        return watcherinfo(this.entity, this.#watchers(), version);
      case "dialog":
        return dialogInfo(this.entity, this.#calls(now), version);
      case "reg":
        return reginfo(this.entity, this.#registrations(now), version, now);
      case "message-summary":
        return messageSummary(this.entity, this.#messages(now));
    }
  }

  #facts(event: EventPackage, now: number): unknown {
    switch (event) {
      case "presence":
        return this.#presence(now, ({ id, at }) => `${id} ${at}`);
      case "presence.winfo":
        return this.#watchers();
      case "dialog":
        return this.#calls(now);
      case "reg":
        return this.#registrations(now).map(({ id, contact }) => [id, contact]);
      case "message-summary":
        return this.#messages(now);
    }
  }

  /** What a phone has published that is away is not shown: it may never come back to take it away. */
  #presence(now: number, of: (publication: Publication) => string) {
    const { registrar, dialogs } = this.#sources;
    const present = new Set(registrar.current(now).flatMap(({ binding, flow }) => (flow === undefined ? [] : [binding.phone])));
    const isStatic = registrar.current(now).some(({ binding }) => binding.isStatic === true);
    const published = this.#publications.of("presence", now).filter(({ phone }) => phone === undefined || present.has(phone));
    return {
      published: published.map(of),
      isReachable: present.size > 0 || isStatic,
      isOnThePhone: dialogs.count(now) > 0,
    };
  }

  #calls(now: number): ShownDialog[] {
    const { dialogs, calls, forking } = this.#sources;
    return [
      ...dialogs.names(now).map((id) => ({ id, state: "confirmed" as const, direction: undefined })),
      ...forking.ringing().map((id) => ({ id, state: "early" as const, direction: "recipient" as const })),
      ...calls.pending().map((id) => ({ id, state: "trying" as const, direction: "initiator" as const })),
    ];
  }

  #registrations(now: number): ShownRegistration[] {
    const { user, domain } = this.#room.home;
    return this.#sources.registrar.current(now).map(({ binding }) => {
      const { key, contact, instance, q, expires, isStatic } = binding;
      const gruu = instance === undefined ? undefined : publicGruu(user, domain, instance);
      return { id: this.#room.keyring.hash("sha256", key).slice(0, 16), contact, instance, gruu, q, expires, isStatic: isStatic === true };
    });
  }

  #messages(now: number) {
    const told = this.#publications.of("message-summary", now).at(-1)?.body;
    const voice = told === undefined ? { unread: 0, read: 0 } : (JSON.parse(told) as WaitingMessages["voice"]);
    return { text: this.#sources.messages.count(now), voice };
  }

  #watchers(): Watcher[] {
    return this.#subscriptions.of("presence").map(({ id, watcher, permission }: Subscription) => ({
      id,
      uri: `sip:${watcher}`,
      status: permission === "confirm" ? ("pending" as const) : ("active" as const),
    }));
  }
}
