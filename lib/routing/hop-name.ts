import type { HomeName } from "../transport/identifiers.ts";
import { isNonSubscriberHome } from "../transport/non-subscriber.ts";
import type { Hop } from "./locate.ts";
import type { Transport } from "./transport.ts";

const prefix = "hop|";

/** The connection of a name. */
export interface NamedHop extends Hop {
  /** `name@domain` of the trunk it belongs to, "" if to none. */
  readonly trunk: string;
  /** The number of its connection to that server, from 0. */
  readonly line: number;
}

/** The name of the object that holds the connection to a server: one for each transport and address, and one or more for each trunk. */
export function hopName({ transport, host, port, address, network }: Hop, trunk = "", line = 0): HomeName {
  const more = network === undefined ? (line === 0 ? "" : `|${line}`) : `|${line}|${network}`;
  return `${prefix}${transport}|${host}|${port}|${address}|${trunk}${more}`;
}

export function isHopName(name: HomeName): boolean {
  return name.startsWith(prefix);
}

export function readHopName(name: HomeName): NamedHop {
  const [transport, host, port, address, trunk, line, network] = name.slice(prefix.length).split("|") as [
    Transport,
    string,
    string,
    string,
    string,
    string?,
    string?,
  ];
  return { transport, host, port: Number(port), address, trunk, line: Number(line ?? 0), ...(network === undefined ? {} : { network }) };
}

/** Whether a home is that of a user, and not of a guest, a peer or another server. */
export function isUserHome(home: HomeName): boolean {
  return !isHopName(home) && !isNonSubscriberHome(home);
}

/** Whether it is that of a user of this domain. */
export function isHomeOfUser(home: HomeName, domain: string): boolean {
  return isUserHome(home) && home.replace(/#[^#]*$/, "").endsWith(`@${domain}`);
}

/** A host as written in a URI: IPv6 in brackets. */
export function writtenHost(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** Whether two homes are one, or both are connections of one trunk. */
export function isSameParty(one: HomeName, other: HomeName): boolean {
  if (one === other) return true;
  const [trunk, another] = [one, other].map((home) => (isHopName(home) ? readHopName(home).trunk : ""));
  return trunk !== "" && trunk === another;
}
