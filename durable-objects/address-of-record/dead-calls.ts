import type { Carried, Flow } from "../../lib/transport/flow.ts";
import type { Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import type { Room } from "./room.ts";
import type { Away, SuspendedCalls } from "./suspended-calls.ts";
import { HangUp } from "./hang-up.ts";

/** Milliseconds. */
const pauseBetweenAttempts = 5000;
const maxAttempt = 600_000;
const rememberedFor = 3_600_000;

/** Of a BYE from the server. */
const why = "the other side has lost its connection";

/**
 * Calls whose phone has been away for too long, or has started anew: their other ends are told that they are over, and the phone too,
 * should it come back and think that it is in a call.
 */
export class DeadCalls {
  readonly #room: Room;
  readonly #away: SuspendedCalls;
  readonly #hangUp: HangUp;

  constructor(room: Room, away: SuspendedCalls, passOn: (home: string, envelope: RequestEnvelope) => Promise<Receipt>) {
    this.#room = room;
    this.#away = away;
    this.#hangUp = new HangUp(room, passOn);
  }

  /** When the other ends of a phone that is away from now on are told, in milliseconds; undefined for never. */
  due(isClosed: boolean, now: number): number | undefined {
    const { configuration, timers } = this.#room;
    const patience = configuration.deadCallTime * 1000;
    if (patience === 0) return undefined;
    return now + (isClosed ? Math.min(patience, timers.grace) : patience);
  }

  /** A page that was loaded anew knows nothing of these calls. They wait a moment, in case that it was another page beside the old one. */
  startedAnew(phone: string, away: Away, now: number): void {
    if (away.dead === undefined) return this.#away.forget(phone);
    const soon = now + this.#room.configuration.closedGrace * 1000;
    this.#away.keep(phone, { ...away, until: 0, dead: Math.min(away.dead, soon) });
  }

  /** A phone that has come back too late is told that its calls are over. */
  tell(own: Carried, { dialogs }: Away, now: number): void {
    for (const dialog of dialogs)
      this.#hangUp.endOwn(dialog, own, why, now).catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** Tells those whose time is over. */
  passDeadlines(now: number): void {
    for (const [phone, away] of this.#away.all()) {
      const { dead, over } = away;
      const next = over ?? dead;
      if (next === undefined) continue;
      if (next > now) this.#room.alarm.noLaterThan(next);
      else if (over !== undefined) this.#away.forget(phone);
      else this.#end(phone, away, now);
    }
  }

  /** Whether other ends have yet to be told. */
  hasCalls(): boolean {
    return [...this.#away.all().values()].some(({ dead, over }) => dead !== undefined && over === undefined);
  }

  /** The row stays until the other ends' homes have heard, or nobody can wait for them any more. */
  #end(phone: string, away: Away, now: number): void {
    const { dialogs, dead = now } = away;
    if (now - dead > maxAttempt) return this.#away.forget(phone);
    this.#away.keep(phone, { ...away, until: 0 });
    this.#room.alarm.noLaterThan(now + pauseBetweenAttempts);
    Promise.all(dialogs.map((dialog) => this.#hangUp.end(dialog, why, now))).then(
      () => this.#isOver(phone, away, now),
      (error: unknown) => this.#room.log.note(Date.now(), "-", String(error)),
    );
  }

  /** Nothing is left for a page that was loaded anew, or for a visitor, who cannot come back. */
  #isOver(phone: string, away: Away, now: number): void {
    const canReturn = away.registration !== "" && this.#room.sockets.newestTo(phone) === undefined;
    if (canReturn && this.#away.all().has(phone)) this.#away.keep(phone, { ...away, until: 0, over: now + rememberedFor });
    else this.#away.forget(phone);
  }
}

/** Whether a flow is the phone's own, in the registration that it had; a visitor has none. */
export function isSamePhone({ carried }: Flow, phone: string, { registration }: Pick<Away, "registration">): boolean {
  return registration === "" || carried.some((one) => one.phone === phone && one.callId === registration);
}
