import { hopName } from "../../lib/routing/hop-name.ts";
import { locate } from "../../lib/routing/locate.ts";
import { allows, isPublicAddress } from "../../lib/routing/network.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { type SipUri, parseUri } from "../../lib/syntax/uri.ts";
import type { Resolver } from "./resolver.ts";

/** The servers of a domain (RFC 3263), best first, as the names of the objects that hold the connections to them. */
export async function hopsOf(resolver: Resolver, networks: readonly string[], uri: SipUri, trunk = ""): Promise<readonly string[] | Fault> {
  const chance = (choices: number) => Math.floor(Math.random() * choices);
  const located = await resolver.settle((known) => locate(uri, known, { transports: ["tls", "tcp"], chance }));
  if (isFault(located)) return located;
  const allowed = located.hops.filter(({ address }) => isPublicAddress(address) || allows(networks, address));
  return allowed.length > 0
    ? allowed.map((hop) => hopName(hop, trunk))
    : fault(403, "the server is in a network that calls may not leave to");
}

/** A trunk has connections of its own, which nobody else's calls use. */
export async function trunkHops(
  resolver: Resolver,
  networks: readonly string[],
  { server, name, domain }: Trunk,
): Promise<readonly string[] | Fault> {
  const uri = parseUri(server);
  if (isFault(uri) || uri.kind !== "sip") return fault(500, "the trunk's server is no SIP URI");
  return hopsOf(resolver, networks, uri, `${name}@${domain}`);
}
