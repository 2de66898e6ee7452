import type { RequestEnvelope } from "../../lib/transport/envelope.ts";
import type { HomeName, TransactionId } from "../../lib/transport/identifiers.ts";
import { type ReturnAddress, isFromPhone, takerOf } from "../../lib/transport/return-address.ts";

interface RequestSender {
  readonly home: HomeName;
  readonly forwardedBy?: ReturnAddress;
  readonly transaction?: TransactionId;
}

/** Where a request of a home comes from: its caller's home, and its transaction there, or the response context that has forwarded it. */
export function senderOf(envelope: RequestEnvelope): RequestSender {
  const home = callerOf(envelope);
  const { answerTo } = envelope;
  if (answerTo.home !== home) return isFromPhone(answerTo) ? { home } : { home, forwardedBy: answerTo };
  const taker = takerOf(answerTo);
  return taker.kind === "context" ? { home, transaction: taker.transaction } : { home };
}

/** The home of the caller's end, also if the call was forwarded. */
export function callerOf({ caller, answerTo }: RequestEnvelope): HomeName {
  return (caller ?? answerTo).home;
}
