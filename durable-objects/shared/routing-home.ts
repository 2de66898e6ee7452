import { numberHash } from "../../lib/syntax/plain-hash.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";

/** Homes among which the calls of a domain with a router are divided. */
const count = 16;

/** A routing home has a generation that no subscriber's home has. */
const generation = "#router";

/**
 * The home of a domain, and of no user, that keeps a call until the router of the domain has decided on it, and then forwards it. The CANCEL
 * of the call finds the same one by its Call-ID.
 */
export function routingHome(domain: string, callId: string): HomeName {
  return `sip:router-${numberHash(callId) % count}@${domain}${generation}`;
}
