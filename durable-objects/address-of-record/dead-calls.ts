import type { HomeName, PhoneId } from "../../lib/transport/identifiers.ts";
import { type BoundContact, type Flow, contactMark } from "../../lib/transport/flow.ts";
import type { Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import type { Room } from "./room.ts";
import type { Ended } from "./ending-calls.ts";
import type { Suspended, SuspendedCalls } from "./suspended-calls.ts";
import { HangUp } from "./hang-up.ts";

/** Milliseconds. */
const pauseBetweenAttempts = 5000;
const maxAttempt = 600_000;
const rememberedFor = 3_600_000;

/** In a BYE from the server. */
const why = "the other side has lost its connection";

/**
 * Calls whose phone has been away too long, or has restarted: their other ends get a BYE, and the phone too, in case it comes back and
 * still has the call.
 */
export class DeadCalls {
  readonly #room: Room;
  readonly #suspended: SuspendedCalls;
  readonly #hangUp: HangUp;
  /** Phones whose calls this home is ending. */
  readonly #ending = new Set<PhoneId>();
  /** When the BYEs of a phone are sent again that did not arrive, in milliseconds. */
  readonly #nextAttempts = new Map<PhoneId, number>();

  readonly #lost: (dialog: string, now: number) => void;

  constructor(
    room: Room,
    suspended: SuspendedCalls,
    passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>,
    lost: (dialog: string, now: number) => void,
  ) {
    this.#room = room;
    this.#suspended = suspended;
    this.#lost = lost;
    this.#hangUp = new HangUp(room, passOn, "network");
  }

  /**
   * When the other ends of a phone that is away from now on get a BYE, in milliseconds; undefined for never.
   * @param patience seconds; 0 for never
   */
  due(isClosed: boolean, now: number, patience = this.#room.configuration.deadCallTime): number | undefined {
    if (patience === 0) return undefined;
    return now + (isClosed ? Math.min(patience * 1000, this.#room.timers.grace) : patience * 1000);
  }

  /** The domain may have a time of its own. It is asked for when a phone is lost, because that is rare. */
  askDomain(phone: PhoneId, isClosed: boolean, now: number): void {
    this.#correct(phone, isClosed, now).catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  async #correct(phone: PhoneId, isClosed: boolean, now: number): Promise<void> {
    const { directory, home } = this.#room;
    const before = this.#suspended.all().get(phone);
    const answer = await directory.fresh(home.user, home.domain);
    const patience = answer.kind === "foreign" ? undefined : answer.settings.endLostCalls;
    if (patience === undefined || before === undefined || this.#suspended.all().get(phone) !== before) return;
    const dead = this.due(isClosed, now, patience);
    if (dead !== undefined) this.#suspended.keep(phone, { ...before, dead });
  }

  /** When a call of a phone that is away is ended, in milliseconds; undefined if that is not known. */
  endOf(dialog: string): number | undefined {
    return [...this.#suspended.all().values()].find(({ activeCalls }) => activeCalls.some(({ name }) => name === dialog))?.dead;
  }

  /** A reloaded page does not know these calls. They wait a moment, in case it was a second page beside the old one. */
  startedAnew(phone: PhoneId, suspended: Suspended, now: number): void {
    if (suspended.dead === undefined) return this.#suspended.forget(phone);
    const soon = now + this.#room.configuration.closedGrace * 1000;
    this.#suspended.keep(phone, { ...suspended, until: 0, dead: Math.min(suspended.dead, soon) });
  }

  /** A phone that has come back too late gets a BYE for its calls. */
  tell(own: BoundContact, { activeCalls }: Suspended, now: number): void {
    for (const dialog of activeCalls)
      this.#hangUp.endOwn(dialog, own, why, now).catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** A phone of ours has refused the BYE of an end that has left the call: it gets it again, with a number that it cannot take for an old one. */
  refused(ends: readonly Ended[]): void {
    for (const { bye } of ends)
      if (bye.again !== undefined)
        this.#hangUp.again(bye.again).catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** Ends the calls whose time is over. */
  passDeadlines(now: number): void {
    for (const [phone, suspended] of this.#suspended.all()) {
      const { dead, over } = suspended;
      const next = over ?? dead;
      if (next === undefined) continue;
      if (next > now) this.#room.alarm.noLaterThan(next);
      else if (over !== undefined) this.#suspended.forget(phone);
      else this.#end(phone, suspended, now);
    }
  }

  /** Whether the BYEs of a phone that is away are our own: they tell the phone nothing. */
  isEnding(phone: PhoneId): boolean {
    return this.#ending.has(phone);
  }

  /** Whether other ends still have to get a BYE. */
  hasCalls(): boolean {
    return [...this.#suspended.all().values()].some(({ dead, over }) => dead !== undefined && over === undefined);
  }

  /** The row stays until the homes of the other ends have the BYE, or it is too late for it. */
  #end(phone: PhoneId, suspended: Suspended, now: number): void {
    const { activeCalls, dead = now } = suspended;
    if (now - dead > maxAttempt) return this.#forget(phone);
    // The alarm may go off for something else.
    const next = this.#nextAttempts.get(phone) ?? now;
    if (next > now) return this.#room.alarm.noLaterThan(next);
    this.#nextAttempts.set(phone, now + pauseBetweenAttempts);
    if (suspended.until !== 0) this.#suspended.keep(phone, { ...suspended, until: 0 });
    this.#room.alarm.noLaterThan(now + pauseBetweenAttempts);
    this.#ending.add(phone);
    for (const { name } of activeCalls) this.#lost(name, now);
    Promise.all(activeCalls.map((dialog) => this.#hangUp.end(dialog, why, now)))
      .finally(() => this.#ending.delete(phone))
      .then(
        () => this.#isOver(phone, suspended, now),
        (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
      );
  }

  /** Deletes the calls of a reloaded page, or of a guest or peer, who cannot come back. */
  #isOver(phone: PhoneId, suspended: Suspended, now: number): void {
    const canReturn = suspended.registration !== "" && this.#room.sockets.newestTo(phone) === undefined;
    if (!canReturn || !this.#suspended.all().has(phone)) return this.#forget(phone);
    this.#nextAttempts.delete(phone);
    this.#suspended.keep(phone, { ...suspended, until: 0, over: now + rememberedFor });
  }

  #forget(phone: PhoneId): void {
    this.#nextAttempts.delete(phone);
    this.#suspended.forget(phone);
  }
}

/**
 * Whether a flow is the phone's own, in its earlier registration; guests and peers have none. Some clients make a new registration after a
 * reconnection, with the Contact that they had; after a longer time the phone has restarted.
 */
export function isSamePhone(
  flow: Flow,
  phone: PhoneId,
  {
    registration,
    contact,
    until = Number.POSITIVE_INFINITY,
  }: Pick<Suspended, "registration" | "contact"> & Partial<Pick<Suspended, "until">>,
  now: number,
): boolean {
  if (registration === "" || (contact !== undefined && until >= now && contactMark(flow, phone) === contact)) return true;
  return flow.boundContacts.some((one) => one.phone === phone && one.callId === registration);
}
