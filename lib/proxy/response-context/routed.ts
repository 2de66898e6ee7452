import type { Decision, ProxyTimers, ReachableTarget, ResponseContext } from "./context.ts";
import { addBranches } from "./search.ts";

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

/** The call goes to these addresses: it is decided. */
export function routeTo({ asks: _asks, ...decided }: ResponseContext, targets: readonly ReachableTarget[], now: number): Decision {
  return addBranches(decided, targets, now, now);
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

/** It is decided that the call goes on as without a router. @param until milliseconds: when its target is looked for again */
export function withoutRouter(context: ResponseContext, until: number): ResponseContext {
  return context.asks === undefined ? context : { ...context, asks: { ...context.asks, isDecided: true, until } };
}
