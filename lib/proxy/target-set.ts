import type { Binding } from "../location/binding.ts";
import type { Destination } from "../transport/envelope.ts";

/** One phone that a request may be sent to, and by which of its contacts. */
export interface Target {
  readonly phone: string;
  readonly contact: string;
  /** Thousandths. */
  readonly q: number;
  /** Route values towards it (RFC 3327 §5.2). */
  readonly path: readonly string[];
}

/**
 * The target set of a request for an address of record (RFC 3261 §16.5): its bindings, the flows of one instance as one target
 * (RFC 5626 §5.3), only the named instance for a GRUU (RFC 5627 §5.5), never the phone that is calling.
 */
export function targetSet(bindings: readonly Binding[], to: Destination & { kind: "address" }, callingPhone: string | undefined): Target[] {
  const targets = new Map<string, Target>();
  for (const binding of [...bindings].sort((one, other) => other.q - one.q || other.expires - one.expires)) {
    const { phone, contact, q, path } = binding;
    if (phone === callingPhone || targets.has(targetKey(binding)) || !isNamed(binding, to)) continue;
    targets.set(targetKey(binding), { phone, contact, q, path });
  }
  return [...targets.values()];
}

function targetKey(binding: Binding): string {
  return binding.instance === undefined ? binding.key : binding.phone;
}

function isNamed(binding: Binding, to: Destination & { kind: "address" }): boolean {
  if (to.instance === undefined) return true;
  if (binding.instance?.toLowerCase() !== to.instance.toLowerCase()) return false;
  return to.registration === undefined || to.registration === binding.callId;
}
