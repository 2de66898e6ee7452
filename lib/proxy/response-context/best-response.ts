import { type Effect, type ForkedBranch, type ResponseContext, isDone } from "./context.ts";

/** Statuses that tell the caller what to change, most preferred first (RFC 3261 §16.7 step 6). */
const mostInformative = [401, 407, 415, 420, 484];
/** Statuses with the least information: chosen only if there is no other of their class. */
const leastPreferred = [480, 408, 404, 430, 487, 503];

/**
 * What the caller gets instead. A 503 would tell the client that this whole proxy is out of service (RFC 3261 §16.7 step 6); a 430 is for
 * servers that know the flows (RFC 5626 §5.3).
 */
const substitute: Readonly<Record<number, number | undefined>> = { 430: 480, 503: 500 };

/** Chooses the best final response of a context whose branches are all done (RFC 3261 §16.7 steps 6 and 7). */
export function chooseBestResponse(context: ResponseContext): Effect & { kind: "answer" } {
  const all = context.branches.filter((branch) => isDone(branch) && branch.isReplaced !== true);
  // The 487 of a branch that we cancelled ourselves, to try another target, is not an answer for the caller.
  const ofOthers = all.filter((branch) => branch.final !== 487 || branch.cancelled === 0);
  const answered = context.cancelled !== undefined || ofOthers.length === 0 ? all : ofOthers;
  // RFC 4320 §4.2: only an INVITE may be answered with 408; any other request would get it too late.
  const ranked = answered
    .filter(({ final }) => final !== 408 || context.method === "INVITE")
    .sort((one, other) => rank(one.final, context) - rank(other.final, context));
  const best = ranked[0];
  if (best === undefined) return { kind: "answer", status: context.cancelled === undefined ? 480 : 487, text: undefined, also: [] };
  const also = isChallenge(best) ? ranked.filter((branch) => branch !== best && isChallenge(branch)) : [];
  return {
    kind: "answer",
    status: substitute[best.final] ?? best.final,
    text: substitute[best.final] === undefined ? best.response : undefined,
    also: also.flatMap((branch) => branch.response ?? []),
    ...(best.why === undefined || context.cancelled !== undefined ? {} : { why: best.why }),
  };
}

function rank(status: number, context: ResponseContext): number {
  if (status >= 600) return 0;
  const ofClass = Math.floor(status / 100) * 1000;
  if (context.cancelled !== undefined && status === 487) return ofClass;
  if (mostInformative.includes(status)) return ofClass + 1 + mostInformative.indexOf(status);
  if (leastPreferred.includes(status)) return ofClass + 900 + leastPreferred.indexOf(status);
  return ofClass + 100;
}

function isChallenge(branch: ForkedBranch): boolean {
  return branch.final === 401 || branch.final === 407;
}
