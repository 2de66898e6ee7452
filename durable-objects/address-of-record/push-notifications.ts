import { type RingingCall, senderOf, sentNote, withMessage, withRinging, withoutRinging } from "../../lib/push/device-note.ts";
import type { ForkedBranch, ResponseContext } from "../../lib/proxy/response-context/context.ts";
import type { Request } from "../../lib/syntax/message.ts";
import type { PhoneId } from "../../lib/transport/identifiers.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";
import type { Part, Registered } from "./part.ts";
import { PushNotes, type StoredNote } from "./push-notes.ts";
import type { Registrar } from "./registrar.ts";
import type { Room } from "./room.ts";

/** Milliseconds after which a note is sent again that failed, each time; and after which one is that a crash has interrupted. */
const [retryAfter, sendAgainAfter] = [[1000, 4000, 15_000, 60_000, 300_000], 12_000] as const;
/** Milliseconds before the end of a registration that the phone is woken to refresh it (RFC 8599 §5.5: 120 s at least). */
const refreshBefore = 180_000;
/** Notes of one home: at once, and in a second. */
const maxNotes = [30, 0.5] as const;

/**
 * Push notifications for phones that sleep (RFC 8599): for calls that wait for them, for what they have missed, and to refresh their
 * registrations. Each phone has one note in a row, which is sent until its service has it. So a crash can only repeat it.
 */
export class PushNotifications implements Part {
  readonly #room: Room;
  readonly #registrar: Registrar;
  readonly #notes: PushNotes;
  readonly #sending = new Set<string>();
  readonly #rate = new TokenBucket(...maxNotes);
  /** A phone cannot be woken: calls do not wait for it any more. */
  #onGone: (phone: PhoneId, now: number) => void = () => undefined;

  constructor(room: Room, registrar: Registrar) {
    this.#room = room;
    this.#registrar = registrar;
    this.#notes = new PushNotes(room);
  }

  whenGone(onGone: (phone: PhoneId, now: number) => void): void {
    this.#onGone = onGone;
  }

  /** An INVITE waits for a phone. */
  wake(branch: ForkedBranch, { transaction }: ResponseContext, request: Request, now: number): void {
    const key = this.#keyOf(branch);
    if (key === undefined) return;
    const until = Math.max(branch.until, now + this.#room.configuration.pushWait * 1000);
    const call: RingingCall = { ...senderOf(request), call: transaction, until };
    this.#notes.change(key, (note) => withRinging(note, call), now);
    this.#sendAll(now);
  }

  /** The key of the binding by which the phone of a branch is woken. */
  #keyOf({ phone, key }: ForkedBranch): string | undefined {
    const { sleeping } = this.#registrar;
    return ((key === undefined ? undefined : sleeping.find(key)) ?? sleeping.bindingOf(phone))?.key;
  }

  /** What has changed of a call: notes of phones that did not get it are taken back. */
  follow(before: ResponseContext, after: ResponseContext, now: number): void {
    if (!before.branches.some((branch) => branch.isWoken === true && branch.final === 0)) return;
    const isOver = after.final !== 0 || after.cancelled !== undefined;
    const isAnswered = after.final >= 200 && after.final < 300;
    for (const branch of after.branches) {
      const hasEnded = branch.isWoken === true && before.branches[branch.index]?.final === 0 && (branch.final !== 0 || isOver);
      const key = hasEnded ? this.#keyOf(branch) : undefined;
      // A phone that has refused the call itself has not missed it.
      const isMissed = !isAnswered && branch.response === undefined;
      if (key !== undefined) this.#notes.change(key, (note) => withoutRinging(note, after.transaction, isMissed), now);
    }
    this.#sendAll(now);
  }

  /** A message is stored for the user: sleeping phones learn of it. */
  stored(request: Request, now: number): void {
    const sender = senderOf(request);
    for (const { key } of this.#registrar.sleeping.all(now)) this.#notes.change(key, (note) => withMessage(note, sender), now);
    this.#sendAll(now);
  }

  /** A phone is awake: it knows by itself what it has missed. */
  onRegistered({ bindings }: Registered): void {
    for (const { key, push } of bindings) {
      this.#notes.forget(key);
      if (push !== undefined) this.#forgetReplaced();
    }
  }

  /** Notes of bindings that are gone: the phone has another Contact now. */
  #forgetReplaced(): void {
    for (const key of [...this.#notes.all().keys()]) if (this.#registrar.sleeping.find(key) === undefined) this.#notes.forget(key);
  }

  onAlarm(now: number): void {
    for (const { key, push, expires } of this.#registrar.sleeping.all(now)) {
      if (push === undefined || push.provider === "webpush" || push.refreshesItself === true) continue;
      const due = expires - refreshBefore;
      if (due > now) this.#room.alarm.noLaterThan(due);
      else if (this.#notes.all().get(key)?.note.refresh !== true) this.#notes.change(key, (note) => ({ ...note, refresh: true }), now);
    }
    this.#forgetReplaced();
    this.#sendAll(now);
  }

  onSubscriberDeleted(): void {
    for (const key of [...this.#notes.all().keys()]) this.#notes.forget(key);
  }

  /** Sends what is due. A note that is being sent, and changes meanwhile, is sent again afterwards. */
  #sendAll(now: number): void {
    for (const [key, stored] of [...this.#notes.all()]) {
      if (stored.due === undefined) continue;
      if (stored.due > now || this.#sending.has(key)) {
        this.#room.alarm.noLaterThan(stored.due > now ? stored.due : now + sendAgainAfter);
        continue;
      }
      // After a crash the alarm finds it.
      this.#room.alarm.noLaterThan(now + sendAgainAfter);
      if (!this.#rate.take(now)) continue;
      this.#sending.add(key);
      this.#send(key, stored, now)
        .catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)))
        .finally(() => this.#sending.delete(key));
    }
  }

  async #send(key: string, { note, version, attempts }: StoredNote, now: number): Promise<void> {
    const binding = this.#registrar.sleeping.find(key);
    if (binding?.push === undefined) return this.#notes.forget(key);
    const result = await this.#room.sendPush(binding.push, sentNote(note, now), now);
    const after = Date.now();
    const { provider } = binding.push;
    this.#room.log.note(after, "-", `push notification (${provider}): ${result.kind === "failed" ? result.why : result.status}`);
    this.#sending.delete(key);
    if (result.kind === "sent") this.#notes.sent(key, version);
    if (result.kind === "gone") {
      this.#notes.forget(key);
      this.#registrar.sleeping.deviceIsGone(key, after);
      return this.#onGone(binding.phone, after);
    }
    if (result.kind === "failed") {
      const pause = result.isPassing ? retryAfter[attempts] : undefined;
      this.#notes.failed(key, version, pause === undefined ? undefined : after + pause);
      if (pause === undefined) this.#onGone(binding.phone, after);
    }
    this.#sendAll(after);
  }
}
