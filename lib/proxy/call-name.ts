import { type Fault, fault } from "../syntax/fault.ts";
import { plainHash } from "../syntax/plain-hash.ts";
import { textHash } from "../syntax/text-hash.ts";

/** The name of a call before it is answered, from its Call-ID: short, so that many fit into an attachment. */
export function callName(callId: string): string {
  return textHash(callId);
}

/** The name that the first release has given to a call, answered or not. */
export function olderCallName(callId: string): string {
  return plainHash(callId);
}

/** The parts of a message that identify a dialog (RFC 3261 §12). */
export interface DialogIds {
  readonly callId: string;
  readonly fromTag?: string | undefined;
  readonly toTag?: string | undefined;
}

/** A message is asked several times which dialog it is of. */
const known = new WeakMap<DialogIds, string>();

/** The name of a dialog, the same at both ends. If several phones answer one call, each dialog has its own name. */
export function dialogName(ids: DialogIds): string {
  const before = known.get(ids);
  if (before !== undefined) return before;
  const { callId, fromTag = "", toTag = "" } = ids;
  const name = `${callName(callId)}.${textHash([fromTag, toTag].sort().join(" "))}`;
  known.set(ids, name);
  return name;
}

/** The name of the call that a dialog belongs to. */
export function callOf(dialog: string): string {
  const [call = dialog] = dialog.split(".", 1);
  return call;
}

/**
 * Refuses a dialog with the Call-ID of another users' call: with the tags of that call too, it could send requests that seem to belong to
 * it.
 */
export const inProgress: Fault = fault(482, "another call with this Call-ID is in progress");

/**
 * Refuses a request that claims to be within a call but lacks the Route that the ends of the call were given. Phones check the Call-ID and
 * tags, not the sender.
 */
export const withoutRoute: Fault = fault(481, "a request within a call needs the Route of the call");
