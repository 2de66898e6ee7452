import type { Rules } from "./rules.ts";

/** A subscriber's row as the directory reads it and the home copies it. */
export interface Subscriber {
  /** Canonical user part of the address of record, case kept. */
  readonly username: string;
  /** Lower case. */
  readonly domain: string;
  /** HA1 = H(name:domain:password), hexadecimal (RFC 7616 §3.4.2); the name has no escapes. */
  readonly md5: string;
  readonly sha256: string;
  /** The same, made with the canonical user part, if that differs from the name. */
  readonly escaped?: { readonly md5: string; readonly sha256: string } | undefined;
  /** Other user parts of the same domain, canonical. */
  readonly aliases: readonly string[];
  /** Part of the home's name: grows when a deleted subscriber is created again. */
  readonly generation: number;
  /** Grows with each change; only a newer row replaces an older one. */
  readonly version: number;
  /** Rules for calls to the subscriber. */
  readonly rules: Rules;
  /** Milliseconds: tokens that were issued before are revoked. */
  readonly tokensSince?: number;
  /** Whether the first authenticated flow of the user has opened the home. */
  readonly opened: boolean;
}
