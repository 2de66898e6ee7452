import type { CallRecord } from "../lib/proxy/call-record/call-record.ts";
import { CallStore } from "./directory/call-store.ts";
import type { Environment } from "./environment.ts";

/** Keeps the records of calls: at least once on the way, exactly once at their end. */
export interface RecordStore {
  /** Rejects if the record has to be kept by its sender, and given again. */
  keep(record: CallRecord): Promise<void>;
}

/** Into the queue, if there is one, or directly into the directory. */
export function callRecordsOf({ CALL_RECORDS: queue, DIRECTORY }: Environment): RecordStore {
  if (queue !== undefined) return { keep: async (record) => void (await queue.send(record)) };
  return { keep: (record) => new CallStore(DIRECTORY).insert([record]) };
}
