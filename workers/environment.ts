import type { AddressOfRecord } from "../durable-objects/address-of-record.ts";
import type { NextHop } from "../durable-objects/next-hop.ts";
import type { Settings } from "./configuration.ts";

/** The bindings of wrangler.toml, the secrets, and the settings that `configuration.ts` reads. */
export interface Environment extends Settings {
  readonly ADDRESS_OF_RECORD: DurableObjectNamespace<AddressOfRecord>;
  readonly NEXT_HOP: DurableObjectNamespace<NextHop>;
  readonly DIRECTORY: D1Database;
  readonly ASSETS: Fetcher;
  readonly CONNECTION_RATE: RateLimit;
}
