import type { IncomingCall } from "../routing/routing.ts";
import { isTrunkIdentity } from "../routing/trunk.ts";
import { type Request, headerValue } from "../syntax/message.ts";
import { legible } from "../syntax/octets.ts";
import { canonicalUser } from "../syntax/uri.ts";
import type { HomeName } from "../transport/identifiers.ts";
import type { RoutedCall } from "../transport/routed-call.ts";
import type { Verification } from "../transport/verification.ts";
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
  readonly verification: Verification | undefined;
  /** Milliseconds. */
  readonly started: number;
}

/** A call as a router is asked about it. */
export function incomingCall(
  request: Request,
  { transaction, domain, home, identity, routed, verification, started }: AskedCall,
): IncomingCall {
  const value = (name: string) => legible(headerValue(request, name) ?? "", maxValue);
  const kind = routed.trunk === undefined ? callerKind(home, identity, domain) : "trunk";
  return {
    id: recordId(started, transaction),
    ...{ call_id: value("call-id"), domain, from: value("from"), to: value("to") },
    dialled: canonicalUser(routed.dialled),
    caller: kind === "user" || kind === "other_domain" ? identity : null,
    caller_kind: kind,
    trunk: routed.trunk ?? null,
    verification: verification === undefined ? null : { result: verification.result, attestation: verification.attestation ?? null },
    user_agent: headerValue(request, "user-agent") === undefined ? null : value("user-agent"),
    headers: safeHeaders(request),
    time: new Date(started).toISOString(),
    is_test: false,
  };
}

/** A user of another domain of this server is as foreign to the called domain as any other caller. */
function callerKind(home: HomeName, identity: string, domain: string): IncomingCall["caller_kind"] {
  if (isGuestHome(home)) return "guest";
  if (isNonSubscriberHome(home) || isTrunkIdentity(identity)) return "peer";
  return identity.slice(identity.lastIndexOf("@") + 1) === domain ? "user" : "other_domain";
}

/** Those that applications exchange; none that has secrets or addresses of phones. */
function safeHeaders(request: Request): Record<string, string> {
  const headers: Record<string, string> = {};
  const names = request.lines.map(({ name }) => name).filter((name) => name === "user-to-user" || name.startsWith("x-"));
  for (const name of [...new Set(names)].slice(0, maxHeaders)) headers[name] = legible(headerValue(request, name) ?? "", maxValue);
  return headers;
}
