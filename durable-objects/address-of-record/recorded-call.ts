import { type Bye, isStray, targetMark } from "../../lib/proxy/bye.ts";
import type { CallNotes } from "../../lib/proxy/call-record/call-notes.ts";
import { isFromPhone } from "../../lib/transport/return-address.ts";
import type { DialogIds } from "../../lib/proxy/call-name.ts";
import type { HomeName, PhoneId } from "../../lib/transport/identifiers.ts";
import type { ForkedBranch } from "../../lib/proxy/response-context/context.ts";
import { isSameParty } from "../../lib/routing/hop-name.ts";
import { mandatoryHeadersOf } from "../shared/reparse.ts";
import type { RecordedCall } from "./contexts.ts";

/** On which side the sender of a request within the dialog is. */
export function senderOf({ fromTag }: DialogIds, { request }: RecordedCall): "caller" | "callee" {
  return mandatoryHeadersOf(request).fromTag === fromTag ? "caller" : "callee";
}

/** A late answer after a refusal does not change what the caller was told. */
export function isOver({ final, end }: CallNotes): boolean {
  return end !== undefined || (final !== undefined && final.status >= 300);
}

/** The phone of this home that is in an answered call; undefined if the call was forwarded. */
export function phoneIn({ context, notes }: RecordedCall): PhoneId | undefined {
  if (notes.dialog === undefined) return undefined;
  const answered = answeredBranch(context);
  if (answered?.retarget === undefined) return answered?.phone;
  return answered.retarget.cause === "route" && isFromPhone(context.answerTo) ? context.answerTo.phone : undefined;
}

function answeredBranch({ branches }: RecordedCall["context"]): ForkedBranch | undefined {
  return branches.find(({ final }) => final >= 200 && final < 300);
}

/** Whether one end of an answered call is in this home, and not both are elsewhere: then this home only hears of its end. */
export function hasEndAt({ context }: RecordedCall, home: HomeName): boolean {
  return answeredBranch(context)?.retarget === undefined || callerHomeOf(context) === home;
}

/**
 * Whether the end that is not in this home is there: another user may have a dialog with the same Call-ID and tags, and so may a phone that
 * rang beside the address that has answered.
 */
export function isWith(call: RecordedCall, home: HomeName, other: HomeName): boolean {
  if (!hasEndAt(call, home)) return false;
  const { context, notes } = call;
  const caller = callerHomeOf(context);
  if (answeredBranch(context)?.retarget === undefined) return isSameParty(caller, other);
  if (notes.ends === undefined) return true;
  const others = notes.ends.toSpliced(notes.ends.indexOf(home), 1);
  return others.some((end) => isSameParty(end, other));
}

function callerHomeOf({ search, answerTo }: RecordedCall["context"]): HomeName {
  return (search?.caller ?? answerTo).home;
}

/** Milliseconds: since when the phone of an answered call has no connection. */
export function lostSince({ timeline, final }: CallNotes): number | undefined {
  const last = timeline.findLast(({ event, branch }) => branch === undefined && (event === "flow lost" || event === "flow regained"));
  return last?.event === "flow lost" && last.at >= (final?.at ?? 0) ? last.at : undefined;
}

/** What is noted of a BYE that goes to the other end. */
export function noteBye(
  { dialog, requestUri, isBinding, isOurs, other }: Bye,
  call: RecordedCall,
  now: number,
): NonNullable<CallNotes["bye"]> {
  const by = senderOf(dialog, call);
  const { caller = targetMark(call.request), callee } = call.notes.targets ?? {};
  const target = by === "caller" ? callee : caller;
  return {
    at: now,
    by,
    ...(isStray(requestUri, [target]) ? { isStray: true } : {}),
    ...(isBinding ? { isBinding } : {}),
    ...(isOurs ? { other } : {}),
  };
}
