/** The ranking values of an SRV record, or of a trunk's server. */
export interface Ranked {
  readonly priority: number;
  readonly weight: number;
}

/**
 * The order in which the servers of a service are tried (RFC 2782, "Usage rules"): by priority, within one at random in proportion to the
 * weights. `random(n)` is one of the integers 0 … n - 1.
 */
export function orderServers<T extends Ranked>(records: readonly T[], random: (n: number) => number): readonly T[] {
  const waiting = records.toSorted((one, other) => one.priority - other.priority || Number(one.weight > 0) - Number(other.weight > 0));
  const ordered: T[] = [];
  for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
    const { priority } = first;
    const level = waiting.filter((record) => record.priority === priority);
    ordered.push(...waiting.splice(drawn(level, random), 1));
  }
  return ordered;
}

/**
 * The same for small weights: RFC 2782 draws from 0 to the sum inclusive, so the first of two servers with the weight 1 would get two calls
 * of three.
 */
export function orderFairly<T extends Ranked>(servers: readonly T[], random: (n: number) => number): readonly T[] {
  const scaled = servers.map((server) => ({ server, priority: server.priority, weight: server.weight * 1000 }));
  return orderServers(scaled, random).map(({ server }) => server);
}

/** "The RR whose running sum value is the first in the selected order which is greater than or equal to the random number". */
function drawn(level: readonly Ranked[], random: (n: number) => number): number {
  const total = level.reduce((sum, record) => sum + record.weight, 0);
  const mark = level.length === 1 ? 0 : random(total + 1);
  let sum = 0;
  return level.findIndex((record) => (sum += record.weight) >= mark);
}
