import { listServer } from "../presence/back-end.ts";
import { ownEvent } from "../presence/event-package.ts";
import { agent } from "../presence/subscription.ts";
import type { RoutingDecision } from "../proxy/validate-and-route.ts";
import type { Request } from "../syntax/message.ts";

/**
 * Whether we answer a request with this routing decision ourselves: requests to this server, and event state of users, whose presence agent
 * we are. The last recipient ignores Max-Forwards (RFC 3261 §8.2, §16.3 step 3).
 */
export function endsHere(request: Request, way: RoutingDecision): boolean {
  if (way.kind === "server") return true;
  if (way.kind === "dialog") return way.receiver.phone === agent || way.receiver.phone === listServer;
  if (way.address.instance !== undefined) return false;
  return request.method === "PUBLISH" || (request.method === "SUBSCRIBE" && ownEvent(request) !== undefined);
}
