import { parseHostPort } from "../syntax/uri.ts";

/** A STUN or TURN server as browsers take it (RTCIceServer). */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** Characters of the URI of a server. */
export const maxIceUri = 320;

/** Whether a text is the URI of a STUN server (RFC 7064 §3.1) or of a TURN server (RFC 7065 §3.1). */
export function isIceUri(text: string): boolean {
  if (text.length > maxIceUri) return false;
  const [, scheme = "", place = "", transport] = /^(stuns?|turns?):([^?]*)(\?transport=(?:udp|tcp))?$/.exec(text) ?? [];
  if (scheme === "" || (transport !== undefined && !isTurnUri(text))) return false;
  return parseHostPort(place) !== undefined;
}

/** Whether a URI is that of a TURN server, which needs a user name and a credential. */
export function isTurnUri(uri: string): boolean {
  return /^turns?:/.test(uri);
}

/** Whether a server needs a user name and a credential: browsers refuse it without. */
export function needsCredential({ urls }: Pick<IceServer, "urls">): boolean {
  return urls.some(isTurnUri);
}
