import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { isPortForCalls } from "../../lib/routing/port.ts";

/** Below those that the system gives to others (`ip_local_port_range` begins at 32768): one that is freed stays free. */
const [first, last] = [20_000, 32_000] as const;
/** Each process begins elsewhere. */
let next = first + ((process.pid * 211) % (last - first));

/** Listens on a port of 127.0.0.1, or another address, that nobody gets who asks the system for any. */
export async function listenOnOwnPort(server: Server, address = "127.0.0.1"): Promise<void> {
  for (;;) {
    next = next + 1 >= last ? first : next + 1;
    // Users may not call the ports of databases: there are two of them here.
    if (!isPortForCalls(next)) continue;
    server.listen(next, address);
    const outcome = await Promise.race([
      once(server, "listening").then(() => undefined),
      once(server, "error").then(([error]) => error as NodeJS.ErrnoException),
    ]);
    if (outcome === undefined) return;
    if (outcome.code !== "EADDRINUSE") throw outcome;
  }
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
