import { fromForTrunk, linesForTrunk } from "../../lib/routing/trunk-request.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { type Alterations, combined } from "../../lib/syntax/alter.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Request, headerValue } from "../../lib/syntax/message.ts";

/** Callers whose From is remembered. */
const maxNames = 5000;

type CallerIds = Pick<MandatoryHeaders, "callId" | "fromTag">;

/**
 * What a trunk's servers get in place of the caller's From, and the From that the caller's phone gets back. In memory only, as the connection
 * that the responses come by.
 */
export class SenderNames {
  /** From as the phone has sent it, by Call-ID and tag. */
  readonly #names = new Map<string, string>();

  /** The changes of a request of the caller's end: the other end's requests within the call stay as they are. */
  towardsTrunk(request: Request, mandatory: CallerIds & Pick<MandatoryHeaders, "toTag">, trunk: Trunk, identity: string): Alterations {
    const { toTag } = mandatory;
    const lines = toTag === undefined && request.method === "INVITE" ? linesForTrunk(request, trunk.headers ?? [], identity) : {};
    const name = nameOf(mandatory);
    const from = headerValue(request, "from") ?? "";
    const changed = toTag === undefined || this.#names.has(name) ? fromForTrunk(from, trunk) : undefined;
    if (changed === undefined) return lines;
    this.#remember(name, from);
    return combined({ remove: ["from"], push: [], append: [["From", changed]] }, lines);
  }

  /** The changes of a response to such a request. */
  towardsCaller(mandatory: CallerIds): Alterations {
    const from = this.#names.get(nameOf(mandatory));
    return from === undefined ? {} : { remove: ["from"], append: [["From", from]] };
  }

  #remember(name: string, from: string): void {
    this.#names.delete(name);
    this.#names.set(name, from);
    const [oldest] = this.#names.keys();
    if (this.#names.size > maxNames && oldest !== undefined) this.#names.delete(oldest);
  }
}

function nameOf({ callId, fromTag }: CallerIds): string {
  return `${callId} ${fromTag}`;
}
