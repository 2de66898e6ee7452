import type { Flow } from "../../lib/transport/flow.ts";
import type { Room } from "../room/room.ts";

/** The calls in progress of this home's phones: they ride in the attachments of the sockets they are on (DESIGN §4). */
export class Dialogs {
  readonly #room: Room;
  /** Those of phones that have lost their socket, by phone. */
  readonly #away = new Map<string, readonly string[]>();

  constructor(room: Room) {
    this.#room = room;
  }

  count(): number {
    const away = [...this.#away.values()].flat();
    return new Set([...this.#room.sockets.all().flatMap((flow) => flow.dialogs ?? []), ...away]).size;
  }

  ended(callId: string): void {
    const name = nameOf(callId);
    for (const { id, dialogs } of this.#room.sockets.all()) {
      if (dialogs?.includes(name) === true) this.#room.sockets.update(id, { dialogs: dialogs.filter((one) => one !== name) });
    }
    for (const [phone, dialogs] of this.#away)
      this.#away.set(
        phone,
        dialogs.filter((one) => one !== name),
      );
  }

  flowClosed({ carried, dialogs = [] }: Flow): void {
    const phone = carried[0]?.phone;
    if (phone !== undefined && dialogs.length > 0) this.#away.set(phone, dialogs);
  }

  /** A phone is back, and its calls with it. */
  appeared(flow: Flow, phones: readonly string[]): void {
    const dialogs = phones.flatMap((phone) => this.#away.get(phone) ?? []);
    for (const phone of phones) this.#away.delete(phone);
    const own = this.#room.sockets.byId(flow.id)?.dialogs ?? [];
    if (dialogs.length > 0) this.#room.sockets.update(flow.id, { dialogs: [...own, ...dialogs] });
  }
}

const mostDialogs = 50;

/** The dialogs of a flow with another one, if it is not among them. */
export function withDialog(dialogs: readonly string[] = [], callId: string): readonly string[] {
  const name = nameOf(callId);
  return dialogs.includes(name) ? dialogs : [...dialogs.slice(1 - mostDialogs), name];
}

/** Short, so that many fit into an attachment. */
function nameOf(callId: string): string {
  let hash = 0;
  for (let at = 0; at < callId.length; at += 1) hash = (Math.imul(hash, 31) + callId.charCodeAt(at)) | 0;
  return `${callId.slice(0, 12)}${(hash >>> 0).toString(36)}`;
}
