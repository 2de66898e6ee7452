/** What is wrong with a list of ICE servers, in a sentence. */
export interface IceFault {
  readonly fault: string;
}

/**
 * Reads a list of ICE servers (RFC 7064, RFC 7065): `stun:HOST`, or `turn:HOST USERNAME CREDENTIAL`, separated by spaces or lines. Neither
 * a user name nor a credential may contain a space.
 */
export function readIceServers(written: string): RTCIceServer[] | IceFault {
  const words = written.split(/\s+|,(?=\s*(?:stuns?|turns?):)/).filter((word) => word !== "");
  const servers: RTCIceServer[] = [];
  for (let at = 0; at < words.length;) {
    const urls = (words[at] ?? "").replace(/,$/, "");
    const isTurn = /^turns?:/.test(urls);
    if (!isTurn && !/^stuns?:/.test(urls))
      return { fault: `"${urls}" is not an ICE server: it begins with stun:, stuns:, turn: or turns:` };
    const [username, credential] = isTurn ? words.slice(at + 1, at + 3) : [];
    if (isTurn && (!isCredential(username) || !isCredential(credential)))
      return { fault: `"${urls}" needs a user name and a credential: turn:HOST USERNAME CREDENTIAL` };
    servers.push(username === undefined || credential === undefined ? { urls } : { urls, username, credential });
    at += isTurn ? 3 : 1;
  }
  return refusedByBrowser(servers) ?? servers;
}

function isCredential(word: string | undefined): boolean {
  return word !== undefined && !/^(?:stuns?|turns?):/.test(word);
}

function refusedByBrowser(servers: readonly RTCIceServer[]): IceFault | undefined {
  const refused = servers.find((server) => !isAccepted(server));
  return refused && { fault: `"${String(refused.urls)}" is not an ICE server: the browser does not accept its address` };
}

/** The browser parses the addresses itself, and decides which it accepts. */
export function isAccepted(server: RTCIceServer): boolean {
  try {
    new RTCPeerConnection({ iceServers: [server] }).close();
    return true;
  } catch {
    return false;
  }
}
