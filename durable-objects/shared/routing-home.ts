import type { Keyring } from "../../lib/authentication/keyring.ts";
import { numberHash } from "../../lib/syntax/plain-hash.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";

/** Homes among which the calls of a domain with a router are divided. */
const count = 16;

/** A routing home has a generation that no subscriber's home has. */
const generation = "#router";

/**
 * The home of a domain, and of no user, that keeps a call until the router of the domain has decided on it, and then forwards it. The CANCEL
 * of the call finds the same one by its Call-ID, also after a restart. The choice has a key: callers must not be able to fill one of them.
 */
export function routingHome(keyring: Keyring, domain: string, callId: string): HomeName {
  return `sip:router-${numberHash(keyring.mac("routing-home", `${domain} ${callId}`)) % count}@${domain}${generation}`;
}

export function isRoutingHome(home: HomeName): boolean {
  return home.endsWith(generation);
}
