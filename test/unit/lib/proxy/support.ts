import type { ForkedBranch, ProxyTimers, ReachableTarget, ResponseContext } from "../../../../lib/proxy/response-context/context.ts";
import type { RequestEnvelope } from "../../../../lib/transport/envelope.ts";

export const now = 1_700_000_000_000;
export const timers: ProxyTimers = { transaction: 32_000, timerC: 185_000, grace: 30_000 };
export const answerTo = { home: "sip:alice@example.com#1", flow: "flowflow", phone: "alicesph" };
export const transaction = "0123456789abcdef";

export const envelope: RequestEnvelope = {
  kind: "request",
  text: "",
  answerTo,
  transaction,
  identity: "sip:alice@example.com",
  to: { kind: "address", instance: undefined, registration: undefined },
  recordRoute: undefined,
};

/** A phone of bob's, which is here unless it is told to be away. */
export function target(phone: string, more: Partial<ReachableTarget> = {}): ReachableTarget {
  return { phone, contact: `sip:bob@${phone}.invalid`, q: 1000, path: [], host: "sip.example.com", ...more };
}

export function branch(index: number, more: Partial<ForkedBranch> = {}): ForkedBranch {
  const { phone, contact, path, host = "" } = target(`phone-${index}`);
  return { index, phone, contact, path, host, sent: now, until: now, cancelled: 0, final: 0, response: undefined, ...more };
}

export function contextOf(branches: readonly ForkedBranch[], more: Partial<ResponseContext> = {}): ResponseContext {
  return {
    transaction,
    method: "INVITE",
    answerTo,
    branches,
    final: 0,
    cancelled: undefined,
    unconfirmed: undefined,
    collect: now,
    ...more,
  };
}

/** A context whose branches all have these final statuses. */
export function finished(statuses: readonly number[], more: Partial<ResponseContext> = {}): ResponseContext {
  return contextOf(
    statuses.map((final, index) => branch(index, { final, response: `text of ${final} from ${index}` })),
    more,
  );
}
