import type { PresentedCredentials } from "../lib/authentication/presented-credentials.ts";
import type { Opening } from "../lib/transport/opening.ts";
import { type NonSubscriber, nonSubscriberHome } from "../lib/transport/non-subscriber.ts";
import { findPeer } from "../platform/directory/peers.ts";
import type { Environment } from "../platform/environment.ts";
import { connectDedicated, openingOf } from "./home-socket.ts";
import { plain } from "./upgrade.ts";

/**
 * Connects the server of another domain. One that was changed or deleted meanwhile is disconnected: when that happened, its home may not have
 * had this connection yet.
 * @param peer found by these credentials
 */
export async function connectKnownPeer(
  environment: Environment,
  shown: PresentedCredentials,
  peer: NonSubscriber,
  arrival: Pick<Opening, "way" | "host" | "address">,
): Promise<Response> {
  const connected = await connectDedicated(environment, openingOf(peer, arrival));
  const newest = await findPeer(environment, shown);
  if (JSON.stringify(newest) === JSON.stringify(peer)) return connected;
  await environment.ADDRESS_OF_RECORD.getByName(nonSubscriberHome(peer)).subscriberDeleted();
  return peerRefusal();
}

export function peerRefusal(): Response {
  return plain(401, "No peer has this token.", { "WWW-Authenticate": "Bearer" });
}
