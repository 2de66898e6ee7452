import type { CallRecord } from "../lib/proxy/call-record/call-record.ts";
import type { KeptRecord } from "./directory/call-store.ts";

/** Octets of the index of a data point, and data points of one invocation, by the platform. */
const [maxIndex, maxPoints] = [96, 250] as const;

/**
 * A data point of each call for Analytics Engine, which keeps them for three months. The index is the domain; blobs: domain, outcome, who
 * has ended it, trunk; doubles: final status, and the seconds to the ringing, of the ringing and of the call, -1 where there are none.
 */
export function writeCallDataPoints(dataset: AnalyticsEngineDataset, records: readonly KeptRecord[]): void {
  for (const { domain, record } of records.slice(0, maxPoints))
    dataset.writeDataPoint({
      indexes: [domain.slice(-maxIndex)],
      blobs: [domain, record.outcome, record.endedBy, record.trunk ?? ""],
      doubles: [record.status, ...durationsOf(record)],
    });
}

function durationsOf({ started, rang, answered, ended }: CallRecord): number[] {
  const seconds = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? -1 : Math.max(0, to - from) / 1000;
  return [seconds(started, rang), seconds(rang, answered), seconds(answered, ended)];
}
