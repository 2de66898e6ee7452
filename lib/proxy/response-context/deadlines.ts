import { withBranch } from "./fork.ts";
import {
  type Decision,
  type Effect,
  type ForkedBranch,
  type ProxyTimers,
  type ResponseContext,
  isDone,
  isToCome,
  ringsOn,
} from "./context.ts";
import { complete, openNextGroup, sendOn, started, tryOtherFlow, wakeSleeping } from "./search.ts";

/** Milliseconds by which the other home's timers fire before ours. */
const headStart = 1000;

/** When the last provisional response of a branch came, in milliseconds; undefined if none has come. */
export type ProceedingSince = (branch: ForkedBranch) => number | undefined;

/**
 * When a context next has something to do, in milliseconds; Infinity if it only waits to be deleted. Only INVITEs have timers: no other
 * request may be answered with 408 (RFC 4320 §4.2).
 */
export function nextDeadline(context: ResponseContext, timers: ProxyTimers, since: ProceedingSince): number {
  if (context.unconfirmed !== undefined) return 0;
  if (hasNoTimers(context)) return Number.POSITIVE_INFINITY;
  const branches = context.branches
    .filter((branch) => !isDone(branch))
    .map((branch) => {
      const heard = heardSince(branch, since);
      return Math.min(deadlineOf(branch, timers, heard), wakeTime(context, branch, heard));
    });
  return Math.min(...branches, ...searchDeadlines(context));
}

/** When a push notification is due for the phone of a branch that has not answered. */
function wakeTime(
  { final, cancelled }: ResponseContext,
  { wakeAt, cancelled: isCancelled }: ForkedBranch,
  heard: number | undefined,
): number {
  const isOver = final !== 0 || cancelled !== undefined || isCancelled !== 0 || heard !== undefined;
  return isOver || wakeAt === undefined ? Number.POSITIVE_INFINITY : wakeAt;
}

function hasNoTimers(context: ResponseContext): boolean {
  return context.method !== "INVITE" || (context.final !== 0 && !ringsOn(context));
}

/** When the time of the present group ends, and when the user's rules forward an unanswered call. */
function searchDeadlines({ search, cancelled, final, asks }: ResponseContext): number[] {
  if (search === undefined || cancelled !== undefined || final !== 0) return [];
  const { waiting, groupUntil, onNoAnswer } = search;
  return [
    ...(asks === undefined ? [] : [asks.until]),
    ...(waiting.length > 0 ? [groupUntil] : []),
    ...(onNoAnswer === undefined ? [] : [onNoAnswer.at]),
  ];
}

/** Ends the branches whose time is over: Timer B, Timer C, the wait after a CANCEL, the wait for a phone (RFC 3261 §16.8, §9.1). */
export function passDeadlines(before: ResponseContext, now: number, timers: ProxyTimers, since: ProceedingSince): Decision {
  if (hasNoTimers(before)) return { context: before, effects: [] };
  const { context, effects: wakes } = wakeSleeping(before, now, since);
  const { context: searched, effects: found } = passSearch(context, now, timers);
  const effects: Effect[] = [...wakes, ...found];
  let passed = searched;
  for (const branch of context.branches) {
    if (passed !== context && passed.branches[branch.index]?.cancelled !== branch.cancelled) continue;
    const heard = heardSince(branch, since);
    if (isDone(branch) || now < deadlineOf(branch, timers, heard)) continue;
    if (isToCome(branch) && context.final === 0) {
      effects.push({ kind: "forward", branch: branch.index });
      passed = started(passed, [branch], now);
    } else if (branch.sent > 0 && branch.cancelled === 0 && (heard !== undefined || hasRungOut(branch, now))) {
      // RFC 3261 §16.8: if Timer C fires after a provisional response, the branch is cancelled.
      effects.push({ kind: "cancel", branch: branch.index, reason: undefined });
      passed = withBranch(passed, { ...branch, cancelled: now });
    } else {
      // A phone that rang when it disconnected, or did not answer its CANCEL, may still ring: the CANCEL is sent when it reconnects.
      const mayRing = branch.retarget === undefined && branch.host !== "" && (branch.sent === 0 || branch.cancelled !== 0);
      const owesCancel = mayRing ? { owesCancel: true } : {};
      if (branch.retarget !== undefined) effects.push({ kind: "abandon", branch: branch.index });
      passed = withBranch(passed, { ...branch, final: statusAtDeadline(context, branch), ...owesCancel });
      const retried = tryOtherFlow(passed, branch, now);
      passed = retried.context;
      effects.push(...retried.effects);
    }
  }
  return complete(passed, effects, now, timers);
}

/** Whether a forwarded branch had no response until Timer B: its server is silent, and another one may be tried (RFC 3263 §4.3). */
export function isSilent(context: ResponseContext, branch: ForkedBranch, now: number, timers: ProxyTimers): boolean {
  if (hasNoTimers(context) || context.cancelled !== undefined || branch.retarget === undefined) return false;
  const isWaiting = branch.sent > 0 && branch.final === 0 && branch.cancelled === 0 && branch.proceeding === undefined;
  return isWaiting && now >= silentAt(branch, timers);
}

function passSearch(context: ResponseContext, now: number, timers: ProxyTimers): { context: ResponseContext; effects: Effect[] } {
  const { search } = context;
  if (search === undefined || context.cancelled !== undefined || context.final !== 0) return { context, effects: [] };
  const { onNoAnswer, waiting, groupUntil } = search;
  const passed =
    onNoAnswer !== undefined && onNoAnswer.at <= now
      ? sendOn(context, onNoAnswer.to, { cause: "no-answer", status: 408 }, now)
      : waiting.length > 0 && groupUntil <= now
        ? openNextGroup(context, now, timers)
        : { context, effects: [] };
  return { context: passed.context, effects: [...passed.effects] };
}

/** A forwarded branch has no socket here, so the time in its own row counts. If the other home has timers, they fire first. */
function heardSince(branch: ForkedBranch, since: ProceedingSince): number | undefined {
  if (branch.retarget === undefined) return since(branch);
  return branch.proceeding === undefined ? undefined : branch.proceeding + headStart;
}

function deadlineOf(branch: ForkedBranch, timers: ProxyTimers, since: number | undefined): number {
  if (branch.cancelled !== 0) return branch.cancelled + timers.transaction;
  if (branch.sent === 0) return branch.until;
  const due = since === undefined ? silentAt(branch, timers) : since + timers.timerC;
  return Math.min(due, branch.sent + (branch.ringTime ?? Number.POSITIVE_INFINITY));
}

/** Timer B. */
function silentAt(branch: ForkedBranch, timers: ProxyTimers): number {
  return branch.sent + timers.transaction + (branch.retarget === undefined ? 0 : headStart);
}

/** The time is over that the router has given it. */
function hasRungOut({ sent, ringTime }: ForkedBranch, now: number): boolean {
  return ringTime !== undefined && now >= sent + ringTime;
}

function statusAtDeadline(context: ResponseContext, branch: ForkedBranch): number {
  if (context.cancelled !== undefined) return 487;
  return branch.sent === 0 ? 480 : 408;
}
