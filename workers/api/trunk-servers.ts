import { allows, isPublicAddress } from "../../lib/routing/network.ts";
import { permittedTransports } from "../../lib/routing/transport.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { isIpv6, parseUri } from "../../lib/syntax/uri.ts";
import { Problem } from "./problem.ts";

/** Refuses a server in a private network that is not connected to over TCP. */
export function refuseUnlessTcp(member: string, text: string): void {
  const uri = parseUri(text);
  if (isFault(uri) || uri.kind !== "sip" || permittedTransports(uri, ["tcp"]).length > 0) return;
  throw new Problem(400, `${member}: its transport is not tcp: servers in a network are connected to over TCP, which the tunnel encrypts`);
}

/**
 * Refuses a trunk's server that calls cannot reach: one with a transport that this server does not support, or an address in a private
 * network that is not allowed. Names are looked up when they are needed; the trunk's status has the result.
 * @param networks ALLOWED_NETWORKS, in CIDR notation
 */
export function refuseUnreachable(member: string, text: string, networks: readonly string[]): void {
  const uri = parseUri(text);
  if (isFault(uri) || uri.kind !== "sip") return;
  if (permittedTransports(uri, ["tls", "tcp", "wss", "ws"]).length === 0)
    throw new Problem(400, `${member}: its transport is not one of tls, tcp, wss and ws; this server has no UDP`);
  const address = uri.host.replace(/^\[|\]$/g, "");
  const isNumeric = /^\d+(?:\.\d+){3}$/.test(address) || isIpv6(address);
  if (isNumeric && !isPublicAddress(address) && !allows(networks, address))
    throw new Problem(400, `${member}: ${uri.host} is in a private network, which the setting ALLOWED_NETWORKS does not allow`);
}
