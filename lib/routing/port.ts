/**
 * Ports that browsers do not connect to either (WHATWG Fetch, "bad port"), without SIP's own, and ports of databases and similar, from 1024
 * on.
 */
const closed: ReadonlySet<number> = new Set([
  ...[1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5432, 5672, 5900, 5984, 6000, 6379, 6443],
  ...[6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 7001, 8086, 9042, 9092, 9200, 9300, 10_080, 10_250, 11_211, 15_672, 27_017, 27_018],
  28_017,
]);

/** Exceptions below 1024: the ports of HTTP, where SIP over WebSocket is, and often TLS. */
const open: ReadonlySet<number> = new Set([80, 443]);

/**
 * Whether a server may be connected to at a port that was not named by an administrator, but in a URI or in the DNS: other ports do not
 * have a SIP server, and their service might read a line of a message as a command.
 */
export function isPortForCalls(port: number): boolean {
  return open.has(port) || (port >= 1024 && port <= 65_535 && !closed.has(port));
}
