import type { ReachableTarget, Search } from "./context.ts";

/** Requests to other addresses that one call becomes at most, one after another too. */
export const maxForwards = 100;

/** Of what is left: kept for the rule that may apply later, and as much for the addresses that a 3xx may name. */
const keptPart = 0.1;

/** How many requests each of some targets may become, itself included; undefined for a phone. */
export interface Shares {
  readonly shares: readonly (number | undefined)[];
  /** The search with what is left. */
  readonly search: Search | undefined;
}

/**
 * Gives its share to each target that is another address, and takes it away from what the call may still become: so all shares together are
 * never more than that. Addresses that wait have as much as these; if there are too many, the last ones get nothing.
 */
export function shareForwards(search: Search | undefined, targets: readonly ReachableTarget[]): Shares {
  let left = search?.forwards ?? maxForwards;
  const addresses = [...targets, ...(search?.waiting.flat() ?? [])].filter(isAddress).length;
  const each = Math.max(1, Math.floor((left - keptOf(search, left)) / Math.max(1, addresses)));
  const shares = targets.map((target) => {
    if (!isAddress(target)) return undefined;
    const share = Math.min(each, left);
    left -= share;
    return share;
  });
  return { shares, search: search === undefined ? undefined : { ...search, forwards: left, ...(left === 0 ? noRules : {}) } };
}

/** What is kept for later steps: one rule, since it ends the search, and redirections. */
function keptOf(search: Search | undefined, left: number): number {
  if (search === undefined) return 0;
  const { onBusy, onUnregistered, onNoAnswer, recurses } = search;
  const steps = [recurses, (onBusy ?? onUnregistered ?? onNoAnswer) !== undefined].filter(Boolean).length;
  return steps * Math.ceil(left * keptPart);
}

/** No rule applies when the call may become no other request: the phones go on ringing, and the caller gets their response. */
export const noRules = { onBusy: undefined, onUnregistered: undefined, onNoAnswer: undefined };

function isAddress({ retarget }: ReachableTarget): boolean {
  return retarget !== undefined;
}
