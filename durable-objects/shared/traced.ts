import { wantsCall } from "../../lib/domain-trace.ts";
import { callIdOf } from "../../lib/failed-call.ts";
import type { Envelope } from "../../lib/transport/envelope.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { Directory } from "../../platform/directory/directory.ts";

/**
 * An envelope on its way to a home, with a mark if messages of its call are kept in the domain of that home: the sender has just read the
 * domain, and the home has perhaps not.
 */
export function traced(directory: Directory, home: HomeName, envelope: Envelope, now: number): Envelope {
  if (envelope.kind !== "request") return envelope;
  const trace = directory.traceOf(home.slice(home.lastIndexOf("@") + 1, home.lastIndexOf("#")));
  if (trace === undefined || !wantsCall(trace, envelope.text, callIdOf(envelope.text) ?? "", now)) return envelope;
  return { ...envelope, isTraced: true };
}
