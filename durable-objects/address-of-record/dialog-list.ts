import { callOf, dialogName } from "../../lib/proxy/call-name.ts";
import type { CallInProgress } from "../../lib/transport/flow.ts";
import type { AnsweredCall } from "./answered-call.ts";

/** Maximum dialogs of a socket; and of those with details, because attachments are small. */
export const maxDialogs = 50;
const maxDetailed = 4;
/** Milliseconds: an older call has ended without a message, or need not be counted. */
const maxCall = 4 * 3_600_000;

/** Maximum dialogs of one call: each phone that answers makes one (RFC 3261 §13.2.2.4). */
const maxOfCall = 8;

/**
 * The dialogs of a flow, with this one added if it is new; without those that are too old. A call that has many takes no place of another
 * one.
 */
export function withDialog(activeCalls: readonly CallInProgress[] = [], answered: AnsweredCall, now: number): readonly CallInProgress[] {
  const { details } = answered;
  const name = dialogName(answered);
  const likely = activeCalls.filter((one) => isLikely(one.since, now));
  const ofCall = likely.filter((one) => callOf(one.name) === callOf(name));
  if (ofCall.some((one) => one.name === name) || ofCall.length >= maxOfCall) return likely;
  if (ofCall.length > 0 && likely.length >= maxDialogs) return likely;
  const call: CallInProgress = { name, since: now, ...(details === undefined ? {} : { details }) };
  return [...likely.slice(1 - maxDialogs), call].map((one, index, all) => (index < all.length - maxDetailed ? brief(one) : one));
}

export function withNewTarget({ details, ...call }: CallInProgress, newTarget: string): CallInProgress {
  return details === undefined ? call : { ...call, details: { ...details, newTarget } };
}

function brief({ name, since }: CallInProgress): CallInProgress {
  return { name, since };
}

export function isLikely(since: number, now: number): boolean {
  return now - since < maxCall;
}

export function without(activeCalls: readonly CallInProgress[], names: readonly string[]): readonly CallInProgress[] {
  return activeCalls.filter(({ name }) => !names.includes(name));
}
