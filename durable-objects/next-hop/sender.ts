import type { RequestEnvelope } from "../../lib/transport/envelope.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { type ReturnAddress, isFromPhone } from "../../lib/transport/return-address.ts";

/** Where a request of a home comes from: its caller's home, and the response context that has forwarded it, if that is in another one. */
export function senderOf(envelope: RequestEnvelope): { readonly home: HomeName; readonly forwardedBy?: ReturnAddress } {
  const home = callerOf(envelope);
  const { answerTo } = envelope;
  return { home, ...(answerTo.home === home || isFromPhone(answerTo) ? {} : { forwardedBy: answerTo }) };
}

/** The home of the caller's end, also if the call was forwarded. */
export function callerOf({ caller, answerTo }: RequestEnvelope): HomeName {
  return (caller ?? answerTo).home;
}
