/**
 * A message as it goes to a client on TCP (RFC 3261 §18): homes write the names for WebSockets. Our Via says TCP; our own Record-Route and
 * Service-Route get the address where this client reaches us, instead of any host and transport (§16.6 step 4 and §16.7 step 8: we may
 * change what we put there), because a client on TCP opens its next connection by them.
 * @param place host and port of the listener that the client has connected to
 */
export function namedOnTcp(octets: string, place: string): string {
  const end = octets.indexOf("\r\n\r\n");
  if (end <= 0) return octets;
  const isRequest = !octets.startsWith("SIP/2.0 ");
  let hasVia = !isRequest;
  const lines = octets.slice(0, end).split("\r\n");
  const named = lines.map((line) => {
    const name = line.slice(0, line.indexOf(":") + 1).toLowerCase();
    if (name === "record-route:" || name === "route:") return line.replaceAll(ownRoute, `<$1@${place};transport=tcp;lr>`);
    if (name === "service-route:") return `Service-Route: <sip:${place};transport=tcp;lr>`;
    if (name !== "via:" || hasVia) return line;
    hasVia = true;
    return line.replace(ownVia, `Via: SIP/2.0/TCP ${place};`);
  });
  return named.join("\r\n") + octets.slice(end);
}

const ownRoute = /<(sips?:route\.[^<>@]*)@[^<>@]*>/gi;
const ownVia = /^Via: SIP\/2\.0\/WSS [^;]*;/;
