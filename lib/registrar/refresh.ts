import type { Binding } from "../location/binding.ts";
import { readContacts } from "../syntax/contact.ts";
import { type Fault, isFault } from "../syntax/fault.ts";
import type { Request } from "../syntax/message.ts";
import type { BoundContact } from "../transport/flow.ts";
import { type RegisterInput, type RegisterOutcome, expiresOf, grant, isOutOfOrder, outOfOrder } from "./register.ts";
import type { RegistrarSettings } from "./settings.ts";

/** An accepted registration: of one binding, for this many seconds. */
export interface Taken {
  /** The parts that are equal in a refresh. */
  readonly words: readonly string[];
  readonly key: string;
  readonly seconds: number;
}

/** What is stored of a registration for its refreshes; undefined if it did more than bind one contact. */
export function takenBy(request: Request, { put, removed, featureCaps }: RegisterOutcome, settings: RegistrarSettings): Taken | undefined {
  const contacts = readContacts(request);
  const [contact, ...more] = isFault(contacts) || contacts === "*" ? [] : contacts;
  const [binding] = put;
  if (contact === undefined || more.length > 0 || binding === undefined || removed.length > 0) return undefined;
  // Its answer tells of the push notification services.
  if (featureCaps !== undefined) return undefined;
  return { words: wordsOf(request), key: binding.key, seconds: expiresOf({ request, settings }, contact) };
}

/** Whether a REGISTER is a repetition of another one: all is equal except Via and CSeq. */
export function isSaidAgain(request: Request, { words }: Taken): boolean {
  const own = wordsOf(request);
  return own.length === words.length && own.every((part, index) => part === words[index]);
}

/** A request without its CSeq and Via lines, in pieces; a Via line of several hops is kept. */
function wordsOf({ text, lines }: Request): string[] {
  const words: string[] = [];
  let from = 0;
  for (const { name, at, valueAt, end } of lines) {
    if (name !== "cseq" && (name !== "via" || text.slice(valueAt, end).includes(","))) continue;
    words.push(text.slice(from, at));
    from = end;
  }
  words.push(text.slice(from));
  return words;
}

/** The result that `register` would have for a repeated registration; undefined if its binding is gone. */
export function refresh(
  { key, seconds }: Taken,
  input: Pick<RegisterInput, "mandatory" | "bindings" | "now" | "random" | "settings">,
): RegisterOutcome | Fault | undefined {
  const known = input.bindings.find((binding) => binding.key === key);
  if (known === undefined || known.callId !== input.mandatory.callId) return undefined;
  if (isOutOfOrder(input, known)) return outOfOrder();
  const put = { ...known, cseq: input.mandatory.cseq.number, ...grant(input, seconds) };
  return { put: [put], removed: [], bindings: [...input.bindings.filter((binding) => binding !== known), put] };
}

/**
 * Whether a registration need not be written: one binding that changes only in its time, within the lease of its row, whose phone is not
 * away. Then the flow's attachment has the exact expiry, and the row only shows that the binding exists.
 * @param rows the bindings as their rows have them, by their keys
 */
export function isMereRefresh(outcome: RegisterOutcome, rows: ReadonlyMap<string, Binding>): boolean {
  const [put, ...more] = outcome.put;
  if (put === undefined || more.length > 0 || outcome.removed.length > 0) return false;
  const row = rows.get(put.key);
  return (
    row !== undefined &&
    row.awayUntil === undefined &&
    row.contact === put.contact &&
    row.parameters === put.parameters &&
    row.callId === put.callId &&
    row.q === put.q &&
    JSON.stringify(row.push) === JSON.stringify(put.push) &&
    row.path.join() === put.path.join() &&
    put.expires <= row.lease
  );
}

/** A binding as the flow that registered it carries it. */
export function carry(binding: Binding): BoundContact {
  const { key, phone, contact, callId, cseq, expires } = binding;
  return { key, phone, contact, callId, cseq, expires };
}

/** A row's binding with the newer values of its flow: the CSeq and the exact expiry of the last refresh. */
export function withCarried(row: Binding, boundContacts: BoundContact | undefined): Binding {
  if (boundContacts === undefined || boundContacts.callId !== row.callId) return row;
  return { ...row, cseq: Math.max(row.cseq, boundContacts.cseq), expires: boundContacts.expires };
}
