import type { Binding } from "../location/binding.ts";
import type { Carried } from "../transport/flow.ts";
import type { RegisterOutcome } from "./register.ts";

/**
 * Whether a registration need not be written: one binding, unchanged but for its time, still inside the lease of its row. Then
 * the flow's attachment remembers the exact expiry, and the row only that the binding exists.
 * @param rows the bindings as their rows have them
 */
export function isMereRefresh(outcome: RegisterOutcome, rows: readonly Binding[]): boolean {
  const [put, ...more] = outcome.put;
  if (put === undefined || more.length > 0 || outcome.removed.length > 0) return false;
  const row = rows.find((binding) => binding.key === put.key);
  return (
    row !== undefined &&
    row.contact === put.contact &&
    row.parameters === put.parameters &&
    row.callId === put.callId &&
    row.q === put.q &&
    row.path.join() === put.path.join() &&
    put.expires <= row.lease
  );
}

/** A binding as the flow that registered it carries it; with the lease of its row. */
export function carry(binding: Binding, lease: number): Carried {
  const { key, phone, contact, callId, cseq, expires } = binding;
  return { key, phone, contact, callId, cseq, expires, lease };
}

/** A row's binding with what its flow knows better: the CSeq and the exact expiry of the last refresh. */
export function withCarried(row: Binding, carried: Carried | undefined): Binding {
  if (carried === undefined || carried.callId !== row.callId) return row;
  return { ...row, cseq: Math.max(row.cseq, carried.cseq), expires: carried.expires };
}
