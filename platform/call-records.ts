import type { CallRecord } from "../lib/proxy/call-record/call-record.ts";
import { recordView } from "../lib/proxy/call-record/record-view.ts";
import { writeCallDataPoints } from "./call-data-points.ts";
import { readConfiguration } from "./configuration.ts";
import { CallStore, type KeptRecord } from "./directory/call-store.ts";
import { type DomainEvent, enqueueEvents, maxPayload } from "./domain-events.ts";
import type { Environment } from "./environment.ts";

/** Keeps the records of calls: at least once on the way, exactly once at their end. */
export interface RecordStore {
  /** Rejects if the record has to be kept by its sender, and given again. */
  keep(record: CallRecord): Promise<void>;
}

/** Octets of an event besides its data. */
const around = 200;

/** Into the queue, if there is one, or directly into the directory; undefined if this server keeps no records. */
export function callRecordsOf(environment: Environment): RecordStore | undefined {
  if (readConfiguration(environment).callRecordDays === 0) return undefined;
  const { CALL_RECORDS: queue } = environment;
  if (queue !== undefined) return { keep: async (record) => void (await queue.send(record)) };
  return { keep: (record) => keepRecords(environment, [record]) };
}

/**
 * Puts records into the directory, and then their events into the queues of web hooks. Rejects if one of both fails: then it is done again,
 * and an event may come twice, with the same id.
 */
export async function keepRecords(environment: Environment, records: readonly CallRecord[]): Promise<void> {
  const kept = await new CallStore(environment.DIRECTORY).insert(records, Date.now());
  if (environment.ANALYTICS !== undefined) writeCallDataPoints(environment.ANALYTICS, kept);
  const ofDomains = Map.groupBy(kept, ({ domain }) => domain);
  await Promise.all(
    [...ofDomains].map(([domain, ofDomain]) => enqueueEvents(environment, domain, "call.ended", () => ofDomain.map(eventOf))),
  );
}

/** An event has the id of its record. A record that is too long goes without its timeline, and with ten addresses at most. */
function eventOf({ record, domain }: KeptRecord): DomainEvent {
  const view = recordView(record, domain);
  const isTooLong = new TextEncoder().encode(JSON.stringify(view)).length > maxPayload - around;
  return {
    id: record.id,
    type: "call.ended",
    at: record.ended,
    data: isTooLong ? { ...view, forwarded: view.forwarded.slice(0, 10), timeline: [] } : view,
  };
}
