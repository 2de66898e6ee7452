import { refreshesTarget, targetIn } from "../../lib/proxy/bye.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { decodedText } from "../../lib/syntax/octets.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import type { Room } from "./room.ts";
import type { Side, ThirdPartyCall } from "./third-party-requests.ts";

const shape = storedShape<ThirdPartyCall>();

export const thirdPartyCallsTable = {
  third_party_calls: "CREATE TABLE IF NOT EXISTS third_party_calls (id TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
} as const;

/** The rows of calls that the server has set up. */
export class ThirdPartyCallRows {
  readonly #room: Room;
  #known: Map<string, ThirdPartyCall> | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  /** The dialog of a request: by its Call-ID and both tags. */
  find({ callId, fromTag, toTag }: MandatoryHeaders): { readonly call: ThirdPartyCall; readonly side: Side } | undefined {
    for (const call of this.all().values())
      for (const side of ["user", "other"] as const) {
        const dialog = call[side];
        if (dialog?.callId === callId && dialog.tag === toTag && dialog.details?.remoteTag === fromTag) return { call, side };
      }
    return undefined;
  }

  /** The call that the sender of a request has transferred. */
  wasOf({ callId, fromTag, toTag }: MandatoryHeaders): ThirdPartyCall | undefined {
    return [...this.all().values()].find(
      ({ user, isTransferred }) =>
        isTransferred === true && user.callId === callId && user.tag === fromTag && user.details?.remoteTag === toTag,
    );
  }

  keep(call: ThirdPartyCall): void {
    this.all().set(call.id, call);
    this.#room.memory.run("INSERT OR REPLACE INTO third_party_calls (id, value) VALUES (?, ?)", call.id, shape.write(call));
    this.#room.alarm.noLaterThan(call.due);
  }

  forget({ id }: ThirdPartyCall): void {
    if (this.all().delete(id)) this.#room.memory.run("DELETE FROM third_party_calls WHERE id = ?", id);
  }

  all(): Map<string, ThirdPartyCall> {
    this.#known ??= new Map(
      this.#room.memory
        .all<{ id: string; value: string }>("SELECT id, value FROM third_party_calls")
        .map(({ id, value }) => [id, shape.read(value)]),
    );
    return this.#known;
  }

  /** RFC 3261 §12.2.2, RFC 3311 §5.2: an INVITE or UPDATE may have another Contact. */
  retargeted(call: ThirdPartyCall, side: Side, message: Request): void {
    const target = refreshesTarget(message.method) ? targetIn(message) : undefined;
    const own = call[side];
    if (target === undefined || own?.details === undefined || own.details.target === decodedText(target)) return;
    this.keep({ ...call, [side]: { ...own, details: { ...own.details, target: decodedText(target) } } });
  }

  /** The rows are deleted with their user. */
  wiped(): void {
    this.#known = undefined;
  }
}
