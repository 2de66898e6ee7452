import type { ResponseContext } from "../response-context/context.ts";
import type { EndedBy } from "../../transport/envelope.ts";
import type { CallEnd, CallNotes } from "./call-notes.ts";

/** What became of a call. */
export type Outcome = "answered" | "missed" | "busy" | "declined" | "cancelled" | "redirected" | "failed" | "answered elsewhere";

const outcomes: Readonly<Record<number, Outcome>> = {
  ...{ 486: "busy", 600: "busy" },
  ...{ 603: "declined", 607: "declined", 608: "declined" },
  ...{ 408: "missed", 480: "missed", 487: "missed" },
};

/** RFC 3326 §3.1: a CANCEL with this cause says that the call was answered at another place. */
const answeredElsewhere = /^SIP\s*;[^"]*\bcause\s*=\s*200\b/i;

/** @param status the final response to the caller */
export function outcomeOf(status: number, cancelled: string | undefined): Outcome {
  if (status >= 200 && status < 300) return "answered";
  if (cancelled !== undefined) return answeredElsewhere.test(cancelled) ? "answered elsewhere" : "cancelled";
  if (status < 400) return "redirected";
  return outcomes[status] ?? "failed";
}

/** The end of a call that was not answered; undefined while it rings, and for an answered one. */
export function endOfUnanswered(
  { cancelled, cancelledBy = "caller", branches }: ResponseContext,
  { final }: CallNotes,
): CallEnd | undefined {
  if (final === undefined || final.status < 300) return undefined;
  const isOfPhone = branches.some(
    (branch) => branch.response !== undefined && branch.why === undefined && branch.final === final.status && branch.cancelled === 0,
  );
  const by: EndedBy = cancelled === undefined ? (isOfPhone ? "callee" : "server") : cancelledBy;
  return { at: final.at, by };
}
