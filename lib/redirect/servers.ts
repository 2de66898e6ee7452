import { type NamedHop, writtenHost } from "../routing/hop-name.ts";
import type { Transport } from "../routing/transport.ts";
import { type SipUri, serialiseUri } from "../syntax/uri.ts";

const most = 5;

/**
 * The servers of another domain as Contacts of a 302 (RFC 3261 §8.3), best first: the same URI, with the server as `maddr` (RFC 3261
 * §19.1.1). So it differs from the Request-URI, but names the same user.
 */
export function serverContacts(uri: SipUri, hops: readonly NamedHop[]): readonly (readonly [string, string])[] {
  const rest = uri.parameters.filter(([name]) => !["maddr", "transport", "ttl"].includes(name.toLowerCase()));
  return hops.slice(0, most).map(({ transport, address, port }, index) => {
    const { scheme, written } = howWritten(uri.scheme, transport);
    const parameters: SipUri["parameters"] = [...rest, ["maddr", writtenHost(address)], ["transport", written]];
    return ["Contact", `<${serialiseUri({ ...uri, scheme, port, headers: undefined, parameters })}>;q=${(10 - index) / 10}`];
  });
}

/** TLS over TCP is `transport=tcp` of a SIPS URI (RFC 3261 §26.2.2), and there is no `wss` (RFC 7118 §5.2). */
function howWritten(scheme: SipUri["scheme"], transport: Transport): { readonly scheme: SipUri["scheme"]; readonly written: string } {
  if (transport === "wss") return { scheme: "sips", written: "ws" };
  return { scheme, written: scheme === "sips" && transport === "tls" ? "tcp" : transport };
}
