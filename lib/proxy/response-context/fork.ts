import type { PhoneId } from "../../transport/identifiers.ts";
import type { EndedBy, SentRequest } from "../../transport/envelope.ts";
import type { RouterQuestion } from "../../transport/routed-call.ts";
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
import { addBranches, addressTarget, cancelPending, complete, tryOtherFlow } from "./search.ts";

/** RFC 3326: why a phone stops ringing although the caller did not cancel. */
const completedElsewhere = 'SIP;cause=200;text="Call completed elsewhere"';

/**
 * Opens the response context of a request: one branch for each target of the first group (RFC 3261 §16.6). Branches of phones without a
 * flow wait for the phone.
 * @param until milliseconds; how long to wait for phones that are away
 */
export function openContext(
  envelope: SentRequest,
  method: string,
  targets: readonly ReachableTarget[],
  times: { readonly now: number; readonly until: number; readonly timers: ProxyTimers; readonly hint?: string },
  search?: Search,
  asks?: RouterQuestion,
): Decision {
  const context: ResponseContext = {
    transaction: envelope.transaction,
    method,
    ...(times.hint === undefined ? {} : { hint: times.hint }),
    answerTo: envelope.answerTo,
    branches: [],
    final: 0,
    cancelled: undefined,
    unconfirmed: undefined,
    collect: times.now + times.timers.transaction,
    ...(search === undefined ? {} : { search }),
    ...(asks === undefined ? {} : { asks }),
  };
  return addBranches(context, targets, times.now, times.until);
}

/**
 * A phone registered or reconnected while the request is pending: it gets the request, the same bytes if it had it before. RFC 3261 §16.5
 * lets a proxy add to the target set until there is a final response.
 */
export function flowRegistered(context: ResponseContext, target: ReachableTarget, now: number): Decision {
  const unchanged: Decision = { context, effects: [] };
  const overdue = context.branches.find((branch) => branch.phone === target.phone && branch.owesCancel === true);
  if (overdue !== undefined && target.host !== undefined) {
    return { context, effects: [{ kind: "cancel", branch: overdue.index, reason: reasonOf(context), isOverdue: true }] };
  }
  const known = context.branches.findLast((branch) => branch.phone === target.phone);
  if (known !== undefined && known.cancelled !== 0 && !isDone(known) && target.host !== undefined) {
    // Its CANCEL may have been lost with the socket.
    return { context, effects: [{ kind: "cancel", branch: known.index, reason: reasonOf(context), isOverdue: true }] };
  }
  if (context.final !== 0 || context.cancelled !== undefined || target.host === undefined) return unchanged;
  if (known !== undefined && (isDone(known) || known.cancelled !== 0)) return unchanged;
  // RFC 3261 §16.7 step 5: after a 6xx there are no new branches.
  if (context.branches.some((branch) => branch.final >= 600)) return unchanged;
  if (known !== undefined) {
    const branch = { ...known, contact: target.contact, host: known.host || target.host, sent: now };
    return { context: withBranch(context, branch), effects: [{ kind: "forward", branch: branch.index }] };
  }
  const waits = context.search?.waiting.some((group) => group.some(({ phone }) => phone === target.phone)) === true;
  if (waits) return { context: whereWaiting(context, target), effects: [] };
  return context.search?.isClosed === true ? unchanged : addBranches(context, [target], now, now);
}

/** A phone of a later group can be reached again. */
function whereWaiting(context: ResponseContext, { phone, host, contact }: ReachableTarget): ResponseContext {
  const { search } = context;
  if (search === undefined) return context;
  const waiting = search.waiting.map((group) => group.map((one) => (one.phone === phone ? { ...one, host, contact } : one)));
  return { ...context, search: { ...search, waiting } };
}

/** Milliseconds: until when a phone that is away is waited for, and when a push notification wakes it, if one can. */
export interface AwayTimes {
  readonly until: number;
  readonly wakesAt?: number;
}

/**
 * The last socket of a ringing phone is lost: the phone is waited for, and gets the request again if it is back in time. If the branch was
 * cancelled, the CANCEL may have been lost with the socket.
 */
export function flowFailed(context: ResponseContext, phone: PhoneId, { until, wakesAt }: AwayTimes): ResponseContext {
  const isLost = (branch: ForkedBranch) =>
    branch.phone === phone && !isDone(branch) && (branch.cancelled === 0 ? context.final === 0 && branch.sent > 0 : !branch.owesCancel);
  if (!context.branches.some(isLost)) return context;
  const lost = (branch: ForkedBranch): ForkedBranch => {
    if (branch.cancelled !== 0) return { ...branch, owesCancel: true };
    return { ...branch, sent: 0, until, ...(wakesAt === undefined || branch.isWoken === true ? {} : { wakeAt: wakesAt }) };
  };
  return { ...context, branches: context.branches.map((branch) => (isLost(branch) ? lost(branch) : branch)) };
}

/** No push notification wakes a phone any more: it is not waited for. */
export function phoneIsGone(context: ResponseContext, phone: PhoneId, now: number): ResponseContext {
  const waits = (branch: ForkedBranch) => branch.phone === phone && branch.sent === 0 && isPending(branch);
  if (!context.branches.some(waits)) return context;
  return { ...context, branches: context.branches.map((branch) => (waits(branch) ? { ...branch, until: now } : branch)) };
}

/** A response as the response context gets it; the text is without our Via. */
export interface BranchResponse {
  readonly status: number;
  readonly text: string;
  /** Whether the branch had a provisional response before this one. */
  readonly wasProceeding: boolean;
  /** The Contact URIs of a 3xx. */
  readonly contacts?: readonly string[];
  /** It is this server's own. */
  readonly why?: string | undefined;
}

/** How many Contacts of one 3xx are tried: a limit against amplification. */
const maxRecursions = 5;

/** RFC 3261 §16.7 steps 3 to 10, with RFC 6026 §7.2 for 2xx. */
export function receiveResponse(
  context: ResponseContext,
  index: number,
  response: BranchResponse,
  now: number,
  timers: ProxyTimers,
): Decision {
  const branch = context.branches[index];
  if (branch === undefined) return { context, effects: [] };
  if (response.status < 200) return provisional(noteProceeding(context, branch, now), branch, response);
  if (response.status < 300) return success(context, branch, response, now, timers);
  if (isDone(branch)) return { context: branch.owesCancel === true ? withBranch(context, told(branch)) : context, effects: [] };
  const recursion = recurse(context, branch, response, now);
  if (recursion !== undefined) return recursion;
  const why = response.why === undefined ? {} : { why: response.why };
  const failed = withBranch(context, { ...told(branch), final: response.status, response: keptRefusal(response), ...why });
  if (response.status === 430) {
    const { context: retried, effects } = tryOtherFlow(failed, branch, now);
    return complete(retried, effects, now, timers);
  }
  const done = failed;
  if (response.status < 600 || context.method !== "INVITE") return complete(done, [], now, timers);
  // RFC 3261 §16.7 step 5: a 6xx ends the search, and goes upstream when the other branches have been cancelled.
  const { context: cancelled, effects } = cancelPending(done, undefined, now);
  return complete(cancelled, effects, now, timers);
}

/**
 * The phone has answered a CANCEL: it need not be sent again. If it answers that it knows no such INVITE, it will not answer the INVITE
 * either, and the branch is over at once (RFC 3261 §9.1 would wait for 64*T1).
 */
export function cancelAnswered(context: ResponseContext, index: number, status: number, now: number, timers: ProxyTimers): Decision {
  const branch = context.branches[index];
  if (branch === undefined || status < 200) return { context, effects: [] };
  const isOver = status === 481 && branch.cancelled !== 0 && !isDone(branch);
  const answered = told(branch);
  if (isOver) return complete(withBranch(context, { ...answered, final: 487 }), [], now, timers);
  return { context: answered === branch ? context : withBranch(context, answered), effects: [] };
}

/** Characters of a refusal that is kept until the end of the search; of a longer one only the status is kept. */
const maxRefusal = 16_384;

function keptRefusal({ text }: BranchResponse): string | undefined {
  return text.length > maxRefusal ? undefined : text;
}

function told(branch: ForkedBranch): ForkedBranch {
  return branch.owesCancel === true ? { ...branch, owesCancel: false } : branch;
}

/** Milliseconds. Saved for the first provisional response, and then at this interval: each time writes a row. */
const noteAgainAfter = 60_000;

function noteProceeding(context: ResponseContext, branch: ForkedBranch, now: number): ResponseContext {
  if (branch.retarget === undefined || isDone(branch) || now - (branch.proceeding ?? 0) < noteAgainAfter) return context;
  return withBranch(context, { ...branch, proceeding: now });
}

/** A CANCEL may only follow a provisional response (RFC 3261 §9.1): a CANCEL that waited for one is sent now. */
function provisional(context: ResponseContext, branch: ForkedBranch, response: BranchResponse): Decision {
  if (isDone(branch)) return { context, effects: [] };
  const effects: Effect[] = [];
  if (response.status > 100 && context.final === 0) {
    effects.push({ kind: "answer", status: response.status, text: response.text, also: [] });
  }
  if (branch.cancelled !== 0 && !response.wasProceeding) effects.push({ kind: "cancel", branch: branch.index, reason: reasonOf(context) });
  return { context, effects };
}

/** RFC 3261 §16.7 steps 5 and 10: each 2xx goes upstream at once, and the other branches are cancelled. */
function success(context: ResponseContext, branch: ForkedBranch, response: BranchResponse, now: number, timers: ProxyTimers): Decision {
  const isInvite = context.method === "INVITE";
  if (!isInvite && context.final !== 0) return { context, effects: [] };
  const answer: Effect = { kind: "answer", status: response.status, text: response.text, also: [] };
  const isFirst = context.final < 200 || context.final >= 300;
  if (isDone(branch) && !isFirst) return { context, effects: [answer] };
  const done = withoutToCome(withBranch(context, { ...told(branch), final: response.status }), now);
  const answered = { ...done, final: response.status, unconfirmed: undefined, collect: now + timers.transaction };
  if (!isInvite || !isFirst) return { context: answered, effects: [answer] };
  if (context.search?.cancelsNobody === true) return { context: answered, effects: [answer] };
  const { context: cancelled, effects } = cancelPending(answered, completedElsewhere, now);
  return { context: cancelled, effects: [answer, ...effects] };
}

/** Whose turn has not come does not ring any more, also if the caller wants nothing cancelled (RFC 3841 §9.1). */
function withoutToCome(context: ResponseContext, now: number): ResponseContext {
  const ended = (branch: ForkedBranch) => (isToCome(branch) ? { ...branch, cancelled: now, final: 487 } : branch);
  return context.branches.some(isToCome) ? { ...context, branches: context.branches.map(ended) } : context;
}

/** RFC 3261 §16.7 step 4: the Contacts of a 3xx are tried instead of it, each address once. */
function recurse(context: ResponseContext, branch: ForkedBranch, { status, contacts }: BranchResponse, now: number): Decision | undefined {
  if (status < 300 || status > 399 || context.search?.recurses !== true) return undefined;
  if (context.final !== 0 || context.cancelled !== undefined || context.branches.some(({ final }) => final >= 600)) return undefined;
  const tried = new Set(context.branches.map(({ contact }) => contact));
  // RFC 5393 §5.3.3: no more at a time than the branches that the request may have.
  const active = context.branches.filter((one) => one.index !== branch.index && isPending(one)).length;
  const room = Math.min(maxRecursions, Math.max(0, context.search.breadth - active));
  const fresh = [...new Set(contacts)].filter((contact) => !tried.has(contact)).slice(0, room);
  if (fresh.length === 0) return undefined;
  const spent = withBranch(context, { ...branch, final: status, isReplaced: true });
  // Only a phone of the user may have the user's right to call: another server names no number for our trunks.
  const right = branch.phone === "" ? { isWithoutTrunk: true } : {};
  const targets = fresh.map((contact) => addressTarget(contact, { cause: "deflection", status, ...right }));
  return addBranches(spent, targets, now, now);
}

/** The caller cancelled (RFC 3261 §16.10). The caller gets the 487 when all branches have ended. */
export function cancelContext(
  context: ResponseContext,
  { reason, by }: { readonly reason: string | undefined; readonly by?: EndedBy },
  now: number,
  timers: ProxyTimers,
): Decision {
  if (context.final !== 0 || context.cancelled !== undefined) return { context, effects: [] };
  const given = { ...context, cancelled: reason ?? "", ...(by === undefined ? {} : { cancelledBy: by }) };
  const { context: cancelled, effects } = cancelPending(given, reason, now);
  return complete(cancelled, effects, now, timers);
}

export function withBranch(context: ResponseContext, branch: ForkedBranch): ResponseContext {
  return { ...context, branches: context.branches.map((one) => (one.index === branch.index ? branch : one)) };
}

function reasonOf(context: ResponseContext): string | undefined {
  if (context.cancelled !== undefined) return context.cancelled === "" ? undefined : context.cancelled;
  return context.final >= 200 && context.final < 300 ? completedElsewhere : undefined;
}
