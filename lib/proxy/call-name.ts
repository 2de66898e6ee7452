import { type Fault, fault } from "../syntax/fault.ts";
import { plainHash } from "../syntax/plain-hash.ts";

/** How a call is named by its Call-ID, before it is answered: short, so that many fit into an attachment. */
export function callName(callId: string): string {
  return plainHash(callId);
}

/** The parts of a message that a dialog is known by (RFC 3261 §12). */
export interface DialogIds {
  readonly callId: string;
  readonly fromTag?: string | undefined;
  readonly toTag?: string | undefined;
}

/** How a dialog of a call is named, the same from either end: of several phones that answer one call each has its own. */
export function dialogName({ callId, fromTag = "", toTag = "" }: DialogIds): string {
  return `${callName(callId)}.${plainHash([fromTag, toTag].sort().join(" "))}`;
}

/** The name of the call that a dialog belongs to. */
export function callOf(dialog: string): string {
  return dialog.slice(0, 12);
}

/**
 * Refuses to make a dialog with the Call-ID of a call that others have: with the tags of theirs as well, it could send requests that
 * look like ones of that call.
 */
export const inProgress: Fault = fault(482, "a call of others with this Call-ID is in progress");

/**
 * Refuses a request that gives itself out for one within a call, without the Route that its ends were given: phones look at Call-ID and
 * tags, and not at who sends it.
 */
export const withoutRoute: Fault = fault(481, "a request within a call takes the Route that the call has");
