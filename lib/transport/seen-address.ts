import { isFault } from "../syntax/fault.ts";
import { parameter } from "../syntax/parameters.ts";
import { isHost } from "../syntax/uri.ts";
import { parseVia } from "../syntax/via.ts";

/**
 * Our address as the other side sees it, from our Via in its response (RFC 3581 §4, RFC 3261 §18.2.1): `192.0.2.1:40312`, IPv6 in brackets
 * whether it wrote them or not (RFC 5118 §4.5). Undefined if the response does not have it.
 * @param written the topmost Via of the response
 */
export function seenAddress(written: string): string | undefined {
  const via = parseVia(written);
  if (isFault(via)) return undefined;
  const received = parameter(via.parameters, "received") ?? "";
  const host = received.includes(":") && !received.startsWith("[") ? `[${received}]` : received;
  if (!isHost(host)) return undefined;
  const port = parameter(via.parameters, "rport") ?? "";
  return /^[1-9]\d{0,4}$/.test(port) ? `${host}:${port}` : host;
}
