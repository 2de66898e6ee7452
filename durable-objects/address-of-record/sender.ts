import { isHopName } from "../../lib/routing/hop-name.ts";
import type { RequestEnvelope } from "../../lib/transport/envelope.ts";
import { isGuestHome, isNonSubscriberHome } from "../../lib/transport/non-subscriber.ts";

/** The sender whose share of a limit a request uses: a server whose users we do not know can name any user, and counts as one sender. */
export function senderOf({ identity, answerTo: { home } }: RequestEnvelope): string {
  return (isNonSubscriberHome(home) && !isGuestHome(home)) || isHopName(home) ? home : identity;
}
