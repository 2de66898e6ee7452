import type { Decision, ProxyTimers, ReachableTarget, ResponseContext } from "./context.ts";
import { addBranches } from "./search.ts";
import { portions } from "./target-set.ts";

/** An answer of the server itself. */
export interface OwnAnswer {
  readonly status: number;
  readonly text: string;
  /** For the administrator. */
  readonly why: string;
}

/** Whether a call still waits for its targets. */
export function isAsking({ asks, final, cancelled }: ResponseContext): boolean {
  return asks !== undefined && final === 0 && cancelled === undefined;
}

/** The call goes to these addresses: it is decided. Those beyond the breadth of the request wait, the latest ones (RFC 5393 §5.3.3). */
export function routeTo({ asks: _asks, ...decided }: ResponseContext, targets: readonly ReachableTarget[], now: number): Decision {
  const { search } = decided;
  if (search === undefined || targets.length <= search.breadth) return addBranches(decided, targets, now, now);
  const inTurn = [...targets].sort((one, other) => (one.delay ?? 0) - (other.delay ?? 0));
  const [first = [], ...waiting] = portions(inTurn, search.breadth);
  const atOnce = waiting.map((group) => group.map(({ delay: _delay, ...target }) => target));
  return addBranches({ ...decided, search: { ...search, waiting: atOnce, groupUntil: now + search.groupTime } }, first, now, now);
}

/** The call is answered, and rings nowhere. */
export function answerRouted(
  { asks: _asks, ...decided }: ResponseContext,
  { status, text, why }: OwnAnswer,
  now: number,
  timers: ProxyTimers,
): Decision {
  const context = { ...decided, final: status, collect: now + timers.transaction };
  return { context, effects: [{ kind: "answer", status, text, also: [], why }] };
}

/**
 * It is decided that the call goes on as without a router.
 * @param until milliseconds: when its target is looked for again
 * @param isOnlyForUsers the call may not leave the server
 */
export function withoutRouter(context: ResponseContext, until: number, isOnlyForUsers: boolean): ResponseContext {
  const { asks } = context;
  if (asks === undefined) return context;
  return { ...context, asks: { ...asks, isDecided: true, until, ...(isOnlyForUsers ? { isOnlyForUsers } : {}) } };
}
