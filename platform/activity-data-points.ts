import type { EventType } from "../lib/web-hooks/web-hook.ts";

/** Octets of the index of a data point, by the platform; characters of the name of a method. */
const [maxIndex, maxMethod] = [96, 32] as const;
/** Events without a message that is counted. */
const counted: readonly EventType[] = ["registered", "unregistered", "message.stored"];
/** Of these requests 2xx are counted, too: a registration is an event, and a call has its record. */
const methods: readonly string[] = ["MESSAGE", "SUBSCRIBE", "PUBLISH"];

/** Counts what happens at a home and has no record, in data points for Analytics Engine. */
export interface Activity {
  /** A final response to a request. */
  responded(method: string, status: number): void;
  happened(type: EventType): void;
}

/**
 * The index of a data point is the domain; blobs: domain, event (or `response`), method; double: status, or 0. Refusals are counted, but not
 * challenges, which are the first step of each REGISTER.
 */
export function activityOf(dataset: AnalyticsEngineDataset | undefined, domain: string): Activity | undefined {
  if (dataset === undefined) return undefined;
  const write = (what: string, method: string, status: number) =>
    dataset.writeDataPoint({ indexes: [domain.slice(-maxIndex)], blobs: [domain, what, method.slice(0, maxMethod)], doubles: [status] });
  return {
    responded: (method, status) => {
      const isRefusal = status >= 300 && status !== 401 && status !== 407;
      if (isRefusal || (status >= 200 && status < 300 && methods.includes(method))) write("response", method, status);
    },
    happened: (type) => {
      if (counted.includes(type)) write(type, "", 0);
    },
  };
}
