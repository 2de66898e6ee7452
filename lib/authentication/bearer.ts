import { type Fault, fault } from "../syntax/fault.ts";
import { type Request, headerValues } from "../syntax/message.ts";

/**
 * The bearer token of a request (RFC 8898 §2.1.3). JsSIP sends Authorization with all requests, also where a proxy would ask for
 * Proxy-Authorization.
 */
export function bearerIn(request: Request): string | undefined {
  const values = [...headerValues(request, "authorization"), ...headerValues(request, "proxy-authorization")];
  for (const value of values) {
    const token = /^Bearer (\S+)$/i.exec(value.trim())?.[1];
    if (token !== undefined) return token;
  }
  return undefined;
}

/**
 * A challenge that asks for a token too (RFC 8898 §2.1.1). Before the others, because JsSIP and SIP.js answer only the last one.
 * @param authorizationServer where tokens come from
 */
export function askForToken(challenge: Fault, request: Request, realm: string, authorizationServer: string): Fault {
  if (challenge.status !== 401 && challenge.status !== 407) return challenge;
  // Whatever is wrong with a token that came.
  const error = bearerIn(request) === undefined ? "" : ', error="invalid_token"';
  const server = authorizationServer.replace(/["\\]/g, "\\$&");
  const name = challenge.status === 401 ? "WWW-Authenticate" : "Proxy-Authenticate";
  const bearer = [name, `Bearer realm="${realm}", authz_server="${server}"${error}`] as const;
  return fault(challenge.status, challenge.fault, [bearer, ...(challenge.headers ?? [])]);
}
