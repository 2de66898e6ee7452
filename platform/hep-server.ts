import { isIpv6 } from "../lib/syntax/uri.ts";
import { toOctets } from "../lib/syntax/octets.ts";
import type { HepSender } from "../lib/hep.ts";

/** The operator's server for captures, a Homer, and how we name ourselves there. */
export interface HepServer extends HepSender {
  /** A name, or an address; that of IPv6 in brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The name in its certificate; undefined: without TLS. */
  readonly certified: string | undefined;
}

interface Written {
  readonly HEP_SERVER?: string;
  readonly HEP_PASSWORD?: string;
}

const usualPort = "9060";
/** Octets of the password. */
const maxPassword = 1024;

/**
 * `hep:host:port` over TCP, `heps:host:port` over TLS; undefined: no messages are exported.
 * @throws Error with the name of a wrong setting
 */
export function readHepServer({ HEP_SERVER, HEP_PASSWORD }: Written, captureId: number): HepServer | undefined {
  if (HEP_SERVER === undefined || HEP_SERVER === "") return undefined;
  const [, scheme = "", host = "", port = usualPort] = /^(heps?):([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i.exec(HEP_SERVER) ?? [];
  const isHost = host.startsWith("[") ? isIpv6(host.slice(1, -1)) : host !== "";
  if (!isHost || Number(port) < 1 || Number(port) > 65_535) {
    throw new Error(`the setting HEP_SERVER is "${HEP_SERVER}", not hep:host:port, or heps:host:port for TLS`);
  }
  const password = HEP_PASSWORD ? toOctets(HEP_PASSWORD) : undefined;
  if (password !== undefined && password.length > maxPassword) throw new Error(`HEP_PASSWORD has more than ${maxPassword} octets`);
  return {
    ...{ hostname: host, port: Number(port), captureId, password },
    certified: scheme.toLowerCase() === "heps" ? host.replace(/^\[|\]$/g, "") : undefined,
  };
}
