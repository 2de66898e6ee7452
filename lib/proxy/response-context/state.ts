import { type ResponseContext, isDone, ringsOn } from "./context.ts";

/**
 * What a response context does:
 * - waiting: no phone has the request; those that are away are waited for, or the decision of a router
 * - calling: phones, or other homes, have the request
 * - cancelling: the caller gave up; the branches have to end
 * - unconfirmed: the final response is saved until the caller's home has it
 * - ringing on: a phone has answered, and the caller wants the others to go on ringing (RFC 3841 §9.1)
 * - ending: the caller has the final response; branches that were cancelled have to end
 * - finished: it only waits to be deleted
 */
export type ContextState = "waiting" | "calling" | "cancelling" | "unconfirmed" | "ringing on" | "ending" | "finished";

/** What happens to it: what the router of the domain decides, responses of its branches, what the caller and the callee's phones do, time. */
export type ContextEvent =
  | "routed"
  | "1xx"
  | "2xx"
  | "refusal"
  | "CANCEL"
  | "CANCEL answered"
  | "flow registered"
  | "flow failed"
  | "deadline"
  | "confirmed";

/** The state of a context, which is all in its data. */
export function stateOf(context: ResponseContext): ContextState {
  const { final, cancelled, unconfirmed, branches } = context;
  if (final === 0 && cancelled !== undefined) return "cancelling";
  if (final === 0) return branches.some((branch) => !isDone(branch) && branch.sent > 0) ? "calling" : "waiting";
  if (unconfirmed !== undefined) return "unconfirmed";
  if (ringsOn(context)) return "ringing on";
  return branches.some((branch) => branch.cancelled !== 0 && !isDone(branch)) ? "ending" : "finished";
}

/** Whether the context only waits to be deleted. */
export function isFinished(context: ResponseContext): boolean {
  return stateOf(context) === "finished";
}

/** The states that a new context of an INVITE may have. */
export const initialStates: readonly ContextState[] = ["waiting", "calling"];

/** Where each event leads from each state; an event that is not named changes no state. */
export const transitions: Readonly<Record<ContextState, Readonly<Partial<Record<ContextEvent, readonly ContextState[]>>>>> = {
  waiting: {
    routed: ["calling", "unconfirmed"],
    "flow registered": ["calling"],
    "2xx": ["unconfirmed"],
    CANCEL: ["unconfirmed"],
    deadline: ["calling", "unconfirmed"],
  },
  calling: {
    "flow failed": ["waiting"],
    "2xx": ["unconfirmed"],
    refusal: ["unconfirmed", "waiting"],
    CANCEL: ["cancelling"],
    "CANCEL answered": ["unconfirmed", "waiting"],
    deadline: ["unconfirmed"],
  },
  cancelling: {
    "2xx": ["unconfirmed"],
    refusal: ["unconfirmed"],
    "CANCEL answered": ["unconfirmed"],
    deadline: ["unconfirmed"],
  },
  unconfirmed: {
    "2xx": ["finished"],
    confirmed: ["ending", "finished", "ringing on"],
  },
  "ringing on": {
    "2xx": ["finished"],
    refusal: ["finished"],
    "CANCEL answered": ["finished"],
    deadline: ["finished"],
  },
  ending: {
    "2xx": ["finished"],
    refusal: ["finished"],
    "CANCEL answered": ["finished"],
  },
  finished: {},
};
