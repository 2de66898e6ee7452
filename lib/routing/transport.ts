import { parameter } from "../syntax/parameters.ts";
import type { SipUri } from "../syntax/uri.ts";

export type Transport = "tls" | "tcp" | "wss" | "ws";

interface Naming {
  /** In a NAPTR record (RFC 3263 §4.1, RFC 7118 §5.5). */
  readonly service: string;
  /** Before the domain of an SRV record (RFC 3263 §4.2). RFC 7118 names none for WebSocket; these follow the same rule. */
  readonly prefix: string;
  readonly port: number;
  readonly isSecure: boolean;
}

const namings: Readonly<Record<Transport, Naming>> = {
  tls: { service: "sips+d2t", prefix: "_sips._tcp", port: 5061, isSecure: true },
  tcp: { service: "sip+d2t", prefix: "_sip._tcp", port: 5060, isSecure: false },
  wss: { service: "sips+d2w", prefix: "_sips._ws", port: 443, isSecure: true },
  ws: { service: "sip+d2w", prefix: "_sip._ws", port: 80, isSecure: false },
};

/** What a transport parameter means in each scheme; `tls` is deprecated but in use (RFC 3261 §26.2.2), `wss` is a common mistake. */
const parameters: ReadonlyMap<string, { readonly sip: Transport; readonly sips: Transport }> = new Map([
  ["tcp", { sip: "tcp", sips: "tls" }],
  ["tls", { sip: "tls", sips: "tls" }],
  ["ws", { sip: "ws", sips: "wss" }],
  ["wss", { sip: "wss", sips: "wss" }],
]);

/** Our transports that a URI permits, in our order; for a SIPS URI never one without TLS (RFC 3261 §26.2.2). */
export function permittedTransports(uri: SipUri, ours: readonly Transport[]): readonly Transport[] {
  const written = parameter(uri.parameters, "transport");
  if (written === undefined) return uri.scheme === "sips" ? ours.filter((transport) => namings[transport].isSecure) : ours;
  const meant = parameters.get(written.toLowerCase())?.[uri.scheme];
  return ours.filter((transport) => transport === meant);
}

/**
 * The transport if neither the URI nor the DNS names one: TLS for a SIPS URI.
 * DEVIATION(RFC 3263 §4.1): a SIP URI gets TCP instead of UDP, which the platform does not offer; every SIP element has both (RFC 3261
 * §18).
 */
export function defaultTransport(uri: SipUri, permitted: readonly Transport[]): Transport | undefined {
  const usual = uri.scheme === "sips" ? "tls" : "tcp";
  return permitted.includes(usual) ? usual : permitted[0];
}

export function isSecure(transport: Transport): boolean {
  return namings[transport].isSecure;
}

export function defaultPort(transport: Transport): number {
  return namings[transport].port;
}

/** Whether the platform opens connections of this kind by name only (an HTTP request), and not to an address that was looked up. */
export function goesByName(transport: Transport): boolean {
  return transport === "wss" || transport === "ws";
}

/** The name of a domain's SRV records for a transport. */
export function serviceName(transport: Transport, domain: string): string {
  return `${namings[transport].prefix}.${domain}`;
}

/** The permitted transport in the service field of a NAPTR record; undefined for any other service. */
export function transportOfService(services: string, permitted: readonly Transport[]): Transport | undefined {
  return permitted.find((transport) => namings[transport].service === services.toLowerCase());
}
