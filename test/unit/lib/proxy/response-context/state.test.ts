import { expect, it } from "vitest";
import type { Decision, ReachableTarget, ResponseContext, Search } from "../../../../../lib/proxy/response-context/context.ts";
import { nextDeadline, passDeadlines } from "../../../../../lib/proxy/response-context/deadlines.ts";
import {
  cancelAnswered,
  cancelContext,
  flowFailed,
  flowRegistered,
  openContext,
  receiveResponse,
} from "../../../../../lib/proxy/response-context/fork.ts";
import { answerRouted, isAsking, routeTo } from "../../../../../lib/proxy/response-context/routed.ts";
import { addressTarget } from "../../../../../lib/proxy/response-context/search.ts";
import {
  type ContextEvent,
  type ContextState,
  initialStates,
  stateOf,
  transitions,
} from "../../../../../lib/proxy/response-context/state.ts";
import type { RouterQuestion } from "../../../../../lib/transport/routed-call.ts";
import { envelope, now, target, timers } from "../support.ts";

/** A context on its way through all that can happen to it. */
interface Step {
  readonly context: ResponseContext;
  /** The branches that have had a provisional response, and when. */
  readonly proceeding: ReadonlyMap<number, number>;
  readonly at: number;
}

const plain: Search = {
  ...{ waiting: [], groupTime: 20_000, groupUntil: now + 20_000, isClosed: false, cancelsNobody: false, recurses: false },
  ...{ forwardingTrail: [], breadth: 60, identity: "alice@example.com" },
};
const [here, away] = [target("here"), target("away", { host: undefined })];
const asks: RouterQuestion = {
  ...{ dialled: "bob", by: { user: "alice", domain: "example.com" }, caller: "alice@example.com" },
  ...{ timeout: 500, fallback: "continue", until: now + 500 },
};
const toAddress = addressTarget("sip:carol@example.com", { cause: "router" });
const later = { ...toAddress, delay: 5000, ringTime: 10_000 };
/**
 * What contexts are opened with: one or two phones, some of them away, groups, rules of the user, no-cancel of the caller, the question to
 * a router, and targets that it has named.
 */
const beginnings: readonly (readonly [readonly ReachableTarget[], Search?, RouterQuestion?])[] = [
  [[], { ...plain, isClosed: true }, asks],
  [[toAddress, later], { ...plain, isClosed: true }],
  [[here]],
  [[away]],
  [[here, away]],
  [[here, target("other")], { ...plain, cancelsNobody: true }],
  [[here], { ...plain, onBusy: "sip:carol@example.com" }],
  [[away], { ...plain, onUnregistered: "sip:carol@example.com" }],
  [[here], { ...plain, waiting: [[target("later")]] }],
];

/** The first final response is saved with its context until the caller's home has it. */
function saved(before: ResponseContext, { context, effects }: Decision): ResponseContext {
  if (before.final !== 0 || before.unconfirmed !== undefined) return context;
  const last = effects.find((effect) => effect.kind === "answer" && effect.status >= 200);
  return last?.kind === "answer" ? { ...context, unconfirmed: { status: last.status, text: "" } } : context;
}

function* after({ context, proceeding, at }: Step): Generator<readonly [ContextEvent, Step]> {
  const step = (decision: Decision, more: Partial<Step> = {}): Step => ({ proceeding, at, ...more, context: saved(context, decision) });
  for (const { index, phone, sent } of context.branches) {
    if (sent > 0) {
      const response = (status: number) => ({ status, text: `${status}`, wasProceeding: proceeding.has(index) });
      yield [
        "1xx",
        step(receiveResponse(context, index, response(180), at, timers), { proceeding: new Map([...proceeding, [index, at]]) }),
      ];
      yield ["2xx", step(receiveResponse(context, index, response(200), at, timers))];
      for (const status of [486, 603]) yield ["refusal", step(receiveResponse(context, index, response(status), at, timers))];
      yield ["CANCEL answered", step(cancelAnswered(context, index, 481, at, timers))];
    }
    if (phone === "") continue;
    yield ["flow failed", step({ context: flowFailed(context, phone, { until: at + timers.grace }), effects: [] })];
    yield ["flow registered", step(flowRegistered(context, target(phone), at))];
  }
  if (isAsking(context)) {
    yield ["routed", step(routeTo(context, [toAddress, later], at))];
    yield ["routed", step(answerRouted(context, { status: 302, text: "", why: "" }, at, timers))];
  }
  yield ["CANCEL", step(cancelContext(context, { reason: undefined }, at, timers))];
  const since = ({ index }: { readonly index: number }) => proceeding.get(index);
  const due = nextDeadline(context, timers, since);
  if (Number.isFinite(due) && due > 0) yield ["deadline", step(passDeadlines(context, due, timers, since), { at: Math.max(at, due) })];
  if (context.unconfirmed !== undefined) yield ["confirmed", step({ context: { ...context, unconfirmed: undefined }, effects: [] })];
}

/** A context without its times: what has been looked at once is not looked at again. */
function keyOf({ context, proceeding }: Step): string {
  const branches = context.branches.map(({ phone, sent, cancelled, final, owesCancel }) => [
    phone,
    sent > 0,
    cancelled > 0,
    final,
    owesCancel,
  ]);
  const { final, cancelled, unconfirmed, search } = context;
  return JSON.stringify([
    branches,
    final,
    cancelled,
    unconfirmed?.status,
    search?.waiting.length,
    search?.isClosed,
    isAsking(context),
    [...proceeding.keys()],
  ]);
}

function explore(): { readonly first: Set<ContextState>; readonly changes: Set<string> } {
  const first = new Set<ContextState>();
  const changes = new Set<string>();
  const seen = new Set<string>();
  const queue: Step[] = beginnings.map(([targets, search, question]) => {
    const opened = openContext(envelope, "INVITE", targets, { now, until: now + timers.grace, timers }, search, question);
    first.add(stateOf(opened.context));
    return { context: opened.context, proceeding: new Map(), at: now + 1 };
  });
  for (let step = queue.pop(); step !== undefined; step = queue.pop()) {
    const from = stateOf(step.context);
    for (const [event, next] of after(step)) {
      const to = stateOf(next.context);
      if (to !== from) changes.add(`${from} --${event}--> ${to}`);
      const key = keyOf(next);
      if (seen.has(key) || next.context.branches.length > 4) continue;
      seen.add(key);
      queue.push(next);
    }
  }
  return { first, changes };
}

it("every transition of a response context is in the table, and every one in the table is reached", () => {
  const { first, changes } = explore();
  expect([...first].sort()).toEqual([...initialStates].sort());
  const written = Object.entries(transitions).flatMap(([from, events]) =>
    Object.entries(events).flatMap(([event, states]) => states.map((to) => `${from} --${event}--> ${to}`)),
  );
  expect([...changes].sort()).toEqual(written.sort());
});
