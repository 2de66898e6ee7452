import { type Effect, type ForkedBranch, type ResponseContext, isDone } from "./response-context.ts";

/** Statuses that tell the caller what it could change, in the order of preference (RFC 3261 §16.7 step 6). */
const mostInformative = [401, 407, 415, 420, 484];
/** Statuses that say the least: chosen only where no other of their class is there. */
const leastPreferred = [480, 408, 404, 430, 487, 503];

/**
 * What the caller is told in their place: a 503 would say to his client that this whole proxy is out of service (RFC 3261 §16.7
 * step 6), and a 430 is for those who know the flows (RFC 5626 §5.3).
 */
const substitute: Readonly<Record<number, number | undefined>> = { 430: 480, 503: 500 };

/** Chooses the best final response of a context whose branches are all done: RFC 3261 §16.7 steps 6 and 7. */
export function chooseBestResponse(context: ResponseContext): Effect & { kind: "answer" } {
  const all = context.branches.filter((branch) => isDone(branch) && branch.isReplaced !== true);
  // That we have cancelled a branch ourselves, to try somebody else, is no answer to the caller.
  const ofOthers = all.filter((branch) => branch.final !== 487 || branch.cancelled === 0);
  const answered = context.cancelled !== undefined || ofOthers.length === 0 ? all : ofOthers;
  // RFC 4320 §4.2: nobody may answer 408 to anything but an INVITE; it would come too late anyway.
  const ranked = answered
    .filter(({ final }) => final !== 408 || context.method === "INVITE")
    .sort((one, other) => rank(one.final, context) - rank(other.final, context));
  const best = ranked[0];
  if (best === undefined) return { kind: "answer", status: 480, text: undefined, also: [] };
  const also = isChallenge(best) ? ranked.filter((branch) => branch !== best && isChallenge(branch)) : [];
  return {
    kind: "answer",
    status: substitute[best.final] ?? best.final,
    text: substitute[best.final] === undefined ? best.response : undefined,
    also: also.flatMap((branch) => branch.response ?? []),
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
