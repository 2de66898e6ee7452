import { chooseBestResponse } from "./best-response.ts";
import {
  type Decision,
  type Effect,
  type ForkedBranch,
  type ProxyTimers,
  type ReachableTarget,
  type ResponseContext,
  type Search,
  isDone,
  isPending,
  isToCome,
} from "./context.ts";
import { noRules, shareForwards } from "./forwards.ts";
import type { Retarget } from "./target-set.ts";

/** Statuses that mean: the user is busy. */
const busy = [486, 600];

/**
 * RFC 3261 §16.7 step 6: once all branches are done the best response goes upstream, unless there are targets that have not been tried, or
 * the user's rules forward the call.
 */
export function complete(context: ResponseContext, effects: readonly Effect[], now: number, timers: ProxyTimers): Decision {
  if (context.final !== 0) return { context, effects };
  if (!isSettled(context)) return startEarly(context, effects, now);
  const next = continueSearch(context, now, timers);
  if (next !== undefined) return { context: next.context, effects: [...effects, ...next.effects] };
  const best = chooseBestResponse(context);
  return { context: { ...context, final: best.status, collect: now + timers.transaction }, effects: [...effects, best] };
}

/** Adds a branch for each target (RFC 3261 §16.6). If its phone is away, the branch waits until the time in the target, or else `until`. */
export function addBranches(
  context: ResponseContext,
  targets: readonly ReachableTarget[],
  now: number,
  until: number,
): Decision & { readonly effects: readonly (Effect & { kind: "forward" | "wake" })[] } {
  const first = context.branches.length;
  const { shares, search } = shareForwards(context.search, targets);
  const added = targets.map((target, index) => branchTo(target, shares[index], first + index, now, until));
  const opened = { ...context, ...(search === undefined ? {} : { search }), branches: [...context.branches, ...added] };
  const forward = added.filter((branch) => branch.sent > 0).map(({ index }) => ({ kind: "forward", branch: index }) as const);
  const { context: woken, effects } = wakeSleeping(opened, now, () => undefined);
  return { context: woken, effects: [...forward, ...effects] };
}

/**
 * A push notification is requested for each phone that has no connection, or that does not answer on it (RFC 8599 §5.6.2).
 * @param since when a branch had its last provisional response
 */
export function wakeSleeping(
  context: ResponseContext,
  now: number,
  since: (branch: ForkedBranch) => number | undefined,
): { readonly context: ResponseContext; readonly effects: readonly (Effect & { kind: "wake" })[] } {
  if (context.method !== "INVITE" || context.final !== 0 || context.cancelled !== undefined) return { context, effects: [] };
  const isDue = (branch: ForkedBranch) =>
    branch.wakeAt !== undefined && branch.wakeAt <= now && isPending(branch) && since(branch) === undefined;
  const due = context.branches.filter(isDue);
  if (due.length === 0) return { context, effects: [] };
  const woken = (branch: ForkedBranch): ForkedBranch => (due.includes(branch) ? { ...branch, wakeAt: undefined, isWoken: true } : branch);
  return {
    context: { ...context, branches: context.branches.map(woken) },
    effects: due.map(({ index }) => ({ kind: "wake", branch: index })),
  };
}

/** The time of the present group is over: it stops ringing, and the next one rings. */
export function openNextGroup(context: ResponseContext, now: number, timers: ProxyTimers): Decision {
  const { search } = context;
  const [group, ...waiting] = search?.waiting ?? [];
  if (search === undefined || group === undefined) return { context, effects: [] };
  const { context: cancelled, effects } = cancelPending(context, undefined, now);
  const opened = addBranches(
    { ...cancelled, search: { ...search, waiting, groupUntil: now + search.groupTime } },
    group,
    now,
    now + timers.grace,
  );
  return { context: opened.context, effects: [...effects, ...opened.effects] };
}

/** Forwards the request to another address, and tries no other target any more. */
export function sendOn(context: ResponseContext, to: string, retarget: Retarget, now: number): Decision {
  const { context: cancelled, effects } = cancelPending(context, undefined, now);
  const sent = addBranches({ ...cancelled, ...without(cancelled.search) }, [addressTarget(to, retarget)], now, now);
  return { context: sent.context, effects: [...effects, ...sent.effects] };
}

export function addressTarget(contact: string, retarget: Retarget): ReachableTarget {
  return { phone: "", contact, q: 1000, path: [], host: "", retarget };
}

/** RFC 5626 §5.3: the flow has failed, or no response came on it: the next flow of the same phone is tried. */
export function tryOtherFlow(context: ResponseContext, branch: ForkedBranch, now: number): Decision {
  const [next, ...others] = branch.others ?? [];
  if (next === undefined || context.final !== 0 || context.cancelled !== undefined) return { context, effects: [] };
  const { phone, host } = branch;
  return addBranches(context, [{ phone, host, q: 1000, ...next, others }], now, now);
}

/** Cancels all branches that ring (RFC 3261 §9.1, §16.10). */
export function cancelPending(context: ResponseContext, reason: string | undefined, now: number): Decision {
  const effects: Effect[] = [];
  const branches = context.branches.map((branch) => {
    if (!isPending(branch)) return branch;
    if (branch.sent === 0) return { ...branch, cancelled: now, final: 487, owesCancel: branch.host !== "" };
    effects.push({ kind: "cancel", branch: branch.index, reason });
    return { ...branch, cancelled: now };
  });
  return { context: { ...context, branches }, effects };
}

function continueSearch(context: ResponseContext, now: number, timers: ProxyTimers): Decision | undefined {
  const { search, branches } = context;
  if (search === undefined || context.cancelled !== undefined) return undefined;
  const { status } = chooseBestResponse(context);
  if (search.onBusy !== undefined && busy.includes(status)) return sendOn(context, search.onBusy, { cause: "user-busy", status }, now);
  // RFC 3261 §16.7 step 5: after a 6xx there are no new branches.
  if (branches.some((branch) => branch.final >= 600)) return undefined;
  if (search.waiting.length > 0) return openNextGroup(context, now, timers);
  const isAbsent = branches.every((branch) => branch.sent === 0 || branch.final === 430);
  if (search.onUnregistered !== undefined && isAbsent) return sendOn(context, search.onUnregistered, { cause: "unavailable" }, now);
  if (search.onNoAnswer !== undefined && status === 408) return sendOn(context, search.onNoAnswer.to, { cause: "no-answer", status }, now);
  return undefined;
}

/** All that was tried has failed: the addresses whose turn is next ring at once. */
function startEarly(context: ResponseContext, effects: readonly Effect[], now: number): Decision {
  const toCome = context.branches.filter(isToCome);
  const isOver = context.branches.every((branch) => isDone(branch) || isToCome(branch));
  if (toCome.length === 0 || !isOver) return { context, effects };
  const first = Math.min(...toCome.map(({ until }) => until));
  const next = toCome.filter(({ until }) => until === first);
  return {
    context: started(context, next, now),
    effects: [...effects, ...next.map(({ index }) => ({ kind: "forward", branch: index }) as const)],
  };
}

/** These branches get the request now. */
export function started(context: ResponseContext, branches: readonly ForkedBranch[], now: number): ResponseContext {
  return { ...context, branches: context.branches.map((branch) => (branches.includes(branch) ? { ...branch, sent: now } : branch)) };
}

/** All branches are done. Phones that were away from the start do not delay the result once another one has answered. */
function isSettled(context: ResponseContext): boolean {
  if (context.asks !== undefined && context.cancelled === undefined) return false;
  const isAway = (branch: ForkedBranch) => branch.sent === 0 && branch.host === "" && !isToCome(branch);
  return context.branches.every((branch) => isDone(branch) || (isAway(branch) && context.branches.some(isDone)));
}

/** The call is forwarded: the rest of the search is dropped. */
function without(search: Search | undefined): Pick<ResponseContext, "search"> {
  if (search === undefined) return {};
  return { search: { ...search, ...noRules, waiting: [], isClosed: true } };
}

function branchTo(target: ReachableTarget, forwards: number | undefined, index: number, now: number, until: number): ForkedBranch {
  const { phone, contact, path, key, others, retarget, delay = 0, ringTime, wakeAfter } = target;
  return {
    index,
    phone,
    contact,
    path,
    host: target.host ?? "",
    sent: target.host === undefined || delay > 0 ? 0 : now,
    until: delay > 0 ? now + delay : (target.until ?? until),
    cancelled: 0,
    final: 0,
    response: undefined,
    ...(delay > 0 ? { isDelayed: true as const } : {}),
    ...(ringTime === undefined ? {} : { ringTime }),
    ...(wakeAfter === undefined ? {} : { wakeAt: now + wakeAfter }),
    ...(key === undefined ? {} : { key }),
    ...(others === undefined ? {} : { others }),
    ...(retarget === undefined ? {} : { retarget }),
    ...(forwards === undefined ? {} : { forwards }),
  };
}
