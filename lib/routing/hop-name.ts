import type { Hop } from "./locate.ts";
import type { Transport } from "./transport.ts";

const prefix = "hop|";

/** The name of the object that holds the connection to a server: one for each transport and address. */
export function hopName({ transport, host, port, address }: Hop): string {
  return `${prefix}${transport}|${host}|${port}|${address}`;
}

export function isHopName(name: string): boolean {
  return name.startsWith(prefix);
}

export function readHopName(name: string): Hop {
  const [transport, host, port, address] = name.slice(prefix.length).split("|") as [Transport, string, string, string];
  return { transport, host, port: Number(port), address };
}
