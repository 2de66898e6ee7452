import type { Binding } from "../../lib/location/binding.ts";
import type { PhoneId } from "../../lib/transport/identifiers.ts";
import type { BindingRows } from "./binding-rows.ts";
import type { Room } from "./room.ts";

/** Milliseconds that a phone has to answer on its connection before a push notification wakes it. */
export const wakePatience = 1500;

/** Phones without a connection that are still registered, because push notifications wake them (RFC 8599). */
export class SleepingPhones {
  readonly #room: Room;
  readonly #rows: BindingRows;

  constructor(room: Room, rows: BindingRows) {
    this.#room = room;
    this.#rows = rows;
  }

  /** Whether a push notification can wake a phone without a connection. If another page of its browser has one, that page is called. */
  sleeps({ key, push, expires }: Binding, now: number): boolean {
    if (push === undefined || expires <= now) return false;
    const hasDevice = (row: Binding) => row.key !== key && row.push?.prid === push.prid;
    return ![...this.#rows.load().values()].some((row) => hasDevice(row) && this.#isConnected(row));
  }

  /** The binding by which a push notification wakes a phone. */
  bindingOf(phone: PhoneId): Binding | undefined {
    return [...this.#rows.load().values()].find((row) => row.phone === phone && row.push !== undefined);
  }

  /** The bindings whose phones sleep now. */
  all(now: number): Binding[] {
    return [...this.#rows.load().values()].filter((row) => !this.#isConnected(row) && this.sleeps(row, now));
  }

  /** The binding with this key, if a push notification wakes its phone. */
  find(key: string): Binding | undefined {
    const row = this.#rows.load().get(key);
    return row?.push === undefined ? undefined : row;
  }

  /** Its push notification service does not know the device any more (RFC 8030 §7.3). */
  deviceIsGone(key: string, now: number): void {
    const row = this.find(key);
    if (row === undefined) return;
    if (this.#isConnected(row)) this.#rows.put({ ...row, push: undefined });
    else this.#rows.remove(key, "closed", now);
  }

  /** The credentials with which phones have registered are not valid any more: the bindings of those that sleep end. */
  end(now: number, isOver: (binding: Binding) => boolean): void {
    const sleeping = [...this.#rows.load().values()].filter((row) => row.push !== undefined && !this.#isConnected(row));
    for (const row of sleeping) if (isOver(row)) this.#rows.remove(row.key, "removed", now);
  }

  #isConnected({ key }: Binding): boolean {
    return this.#room.sockets.carrierOf(key) !== undefined;
  }
}
