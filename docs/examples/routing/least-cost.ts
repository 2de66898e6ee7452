import { WorkerEntrypoint } from "cloudflare:workers";
import type { Decision, IncomingCall } from "offhook/routing";

/** Cents for a minute, by the prefix of the number. */
const prices: Record<string, Record<string, number>> = {
  north: { "+49": 1, "+1": 4 },
  south: { "+49": 2, "+1": 2, "+": 20 },
};

function priceOf(trunk: string, number: string): number {
  const prefixes = Object.entries(prices[trunk] ?? {}).filter(([prefix]) => number.startsWith(prefix));
  const [longest] = prefixes.sort(([one], [other]) => other.length - one.length);
  return longest?.[1] ?? Number.POSITIVE_INFINITY;
}

/** Numbers go to the cheapest trunk. The next one gets what it refuses, or does not connect within 15 seconds. */
export class Router extends WorkerEntrypoint {
  route({ dialled, caller_kind }: IncomingCall): Decision {
    if (caller_kind !== "user" || !/^\+\d+$/.test(dialled)) return { action: "continue" };
    const trunks = Object.keys(prices).filter((trunk) => Number.isFinite(priceOf(trunk, dialled)));
    if (trunks.length === 0) return { action: "reject", status: 403, reason: "No trunk for this number" };
    trunks.sort((one, other) => priceOf(one, dialled) - priceOf(other, dialled));
    return { action: "ring", targets: trunks.map((trunk, index) => ({ to: dialled, trunk, after: 15 * index, seconds: 60 })) };
  }
}
