import type { EventType } from "../lib/web-hooks/web-hook.ts";
import type { CallRecord } from "../lib/proxy/call-record/call-record.ts";
import type { Settings } from "./configuration.ts";
import type { DomainEventsObject, HomeObject, NextHopObject } from "./object-rpc.ts";

/** An event as a queue has it: with the members of a web hook's body, its id, which is the same each time it comes, and its domain. */
export interface EventMessage {
  readonly id: string;
  readonly domain: string;
  readonly type: EventType;
  /** ISO 8601: when it happened. */
  readonly timestamp: string;
  readonly data: object;
}

/** The bindings of wrangler.toml, the secrets, and the settings that `configuration.ts` reads. */
export interface Environment extends Settings {
  readonly ADDRESS_OF_RECORD: DurableObjectNamespace<HomeObject>;
  readonly NEXT_HOP: DurableObjectNamespace<NextHopObject>;
  /** Optional: without it there are no web hooks. */
  readonly DOMAIN_EVENTS?: DurableObjectNamespace<DomainEventsObject>;
  readonly DIRECTORY: D1Database;
  readonly ASSETS: Fetcher;
  readonly CONNECTION_RATE: RateLimit;
  /** Calls of the guests of one client address; and what guests send besides, and to whom. */
  readonly GUEST_CALL_RATE?: RateLimit;
  readonly GUEST_RATE?: RateLimit;
  /** Optional: the records of calls go through it to the directory, many at a time. */
  readonly CALL_RECORDS?: Queue<CallRecord>;
  /** Optional: gets the events of all domains, for another Worker. */
  readonly EVENTS?: Queue<EventMessage>;
  /** Optional: gets a data point of each call. */
  readonly ANALYTICS?: AnalyticsEngineDataset;
  /** Optional: gets a data point of each registration, stored message, refusal, and response to MESSAGE, SUBSCRIBE and PUBLISH. */
  readonly ANALYTICS_EVENTS?: AnalyticsEngineDataset;
}
