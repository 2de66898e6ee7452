import { isHopName } from "../../lib/routing/hop-name.ts";
import type { RequestEnvelope } from "../../lib/transport/envelope.ts";
import { isGuestHome, isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";

/** Whose share of a limit a request takes: a server whose users we do not know may say that it is any of them, and counts as one sender. */
export function senderOf({ identity, answerTo: { home } }: RequestEnvelope): string {
  return (isNonSubscriberHome(home) && !isGuestHome(home)) || isHopName(home) ? home : identity;
}
