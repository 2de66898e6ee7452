import type { IncomingCall } from "../routing/routing.ts";
import { isTrunkIdentity } from "../routing/trunk.ts";
import { type Request, headerValue } from "../syntax/message.ts";
import { legible } from "../syntax/octets.ts";
import { canonicalUser } from "../syntax/uri.ts";
import type { RoutedCall } from "../transport/routed-call.ts";
import { isGuestHome, isNonSubscriberHome } from "../transport/non-subscriber.ts";
import { recordId } from "./call-record/call-record.ts";

/** Headers that a router gets, and characters of a value. */
const maxHeaders = 16;
const maxValue = 512;

interface AskedCall {
  readonly transaction: string;
  readonly domain: string;
  /** The home of the caller, and the identity of its flow. */
  readonly home: string;
  readonly identity: string;
  readonly routed: Pick<RoutedCall, "dialled" | "trunk">;
  /** Milliseconds. */
  readonly started: number;
}

/** A call as a router is asked about it. */
export function incomingCall(request: Request, { transaction, domain, home, identity, routed, started }: AskedCall): IncomingCall {
  const value = (name: string) => legible(headerValue(request, name) ?? "", maxValue);
  const isUser = !isNonSubscriberHome(home) && !isTrunkIdentity(identity);
  return {
    id: recordId(started, transaction),
    ...{ call_id: value("call-id"), domain, from: value("from"), to: value("to") },
    dialled: canonicalUser(routed.dialled),
    caller: isUser ? identity : null,
    caller_kind: routed.trunk !== undefined ? "trunk" : isGuestHome(home) ? "guest" : isUser ? "user" : "peer",
    trunk: routed.trunk ?? null,
    user_agent: headerValue(request, "user-agent") === undefined ? null : value("user-agent"),
    headers: safeHeaders(request),
    time: new Date(started).toISOString(),
    is_test: false,
  };
}

/** Those that applications exchange; none that has secrets or addresses of phones. */
function safeHeaders(request: Request): Record<string, string> {
  const headers: Record<string, string> = {};
  const names = request.lines.map(({ name }) => name).filter((name) => name === "user-to-user" || name.startsWith("x-"));
  for (const name of [...new Set(names)].slice(0, maxHeaders)) headers[name] = legible(headerValue(request, name) ?? "", maxValue);
  return headers;
}
