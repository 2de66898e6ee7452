import type { Keyring } from "../lib/authentication/keyring.ts";
import { guestMark, guestNetworkMark } from "../lib/transport/non-subscriber.ts";
import { networkOf } from "../platform/connection/crowds.ts";

/**
 * Guests of one client address (with IPv6 of one site, 48 bits) have the same beginning of their names, and those of one network (24 bits of
 * IPv4) the same first half of it; only this server can link them to the address.
 * @param id distinguishes the guests of one address
 */
export function guestName(keyring: Keyring, address: string, id: string): string {
  const mark = (text: string) => keyring.mac("guest", text).replace(/[^A-Za-z0-9]/g, "x");
  return `${mark(networkOf(address)).slice(0, guestNetworkMark)}${mark(siteOf(address)).slice(guestNetworkMark, guestMark)}${id}`;
}

/** Of the first 56 bits of an IPv6 address the first 48; an IPv4 address as it is. */
function siteOf(address: string): string {
  return address.includes(":") ? address.split(":").slice(0, 3).join(":") : address;
}
