import { headerIn } from "./failed-call.ts";
import type { DomainTrace } from "./location/domain-settings.ts";
import { numberHash } from "./syntax/plain-hash.ts";

/** The headers that name who calls, and who is called; their short forms too (RFC 3261 §20). */
const named = [["from", "f"], ["to", "t"], ["p-asserted-identity"]] as const;

/** Whether the messages of a call are kept in this domain. Each home of a call decides alike. @param text an INVITE, or a response to one */
export function wantsCall(trace: DomainTrace | undefined, text: string, callId: string, now: number): boolean {
  if (trace === undefined || now >= trace.until) return false;
  if (numberHash(callId) % (trace.oneIn ?? 1) !== 0 || !/^\d+[ \t]+INVITE$/.test(headerIn(text, ["cseq"]) ?? "")) return false;
  return trace.number === undefined || numbersIn(text).includes(plainNumber(trace.number));
}

/** Those of the Request-URI, of the caller and of the callee. */
function numbersIn(text: string): string[] {
  const uris = [text.slice(0, text.indexOf("\r\n")), ...named.map((names) => headerIn(text, names) ?? "")];
  return uris.map((value) => plainNumber(/(?:sips?|tel):([^@;>?\s]+)/i.exec(value)?.[1] ?? ""));
}

/** Without visual separators (RFC 3966 §5.1.1), and without what says that it is an international one. */
function plainNumber(number: string): string {
  return number.replace(/[-.() ]/g, "").replace(/^(?:\+|00)/, "");
}
