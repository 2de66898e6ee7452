import type { AddressOfRecord } from "../durable-objects/address-of-record.ts";

/** The bindings of wrangler.toml, the secrets, and the settings that `configuration.ts` reads. */
export interface Environment extends Settings {
  readonly ADDRESS_OF_RECORD: DurableObjectNamespace<AddressOfRecord>;
  readonly DIRECTORY: D1Database;
  readonly ASSETS: Fetcher;
  readonly CONNECTION_RATE: RateLimit;
}

/** All optional; a text each, as the platform hands them over. */
export interface Settings {
  readonly ADMIN_TOKEN?: string;
  readonly SEAL_KEYS?: string;
  readonly LOCAL_DEVELOPMENT?: string;
  readonly PUBLIC_HOST?: string;
  readonly ALLOWED_ORIGINS?: string;
  readonly LOGGING?: string;
  readonly MINIMUM_EXPIRES?: string;
  readonly DEFAULT_EXPIRES?: string;
  readonly MAXIMUM_EXPIRES?: string;
  readonly EXPIRES_SPREAD?: string;
  readonly MAXIMUM_CONTACTS?: string;
  readonly LEASE_FACTOR?: string;
  readonly BINDING_GRACE?: string;
  readonly CALLER_GRACE?: string;
  readonly FIRST_MESSAGE_TIMEOUT?: string;
  readonly FLOW_LIFETIME?: string;
  readonly NONCE_LIFETIME?: string;
  readonly RING_TIMEOUT?: string;
  readonly TRANSACTION_TIMEOUT?: string;
  readonly COPY_LIFETIME?: string;
  readonly COPY_LAST_RESORT?: string;
  readonly MAXIMUM_UNAUTHENTICATED?: string;
  readonly MAXIMUM_LEGS?: string;
  readonly TRACE_LENGTH?: string;
}
