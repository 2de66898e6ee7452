import { networkPrefix } from "../lib/routing/network.ts";
import type { Configuration } from "../platform/configuration.ts";

/** Characters of a host name (RFC 1035 §2.3.4) and its port. */
const maxHost = 253 + ":65535".length;

/** Checks a WebSocket upgrade before anything else is done (RFC 7118 §5, RFC 6455 §4.2). Undefined if it is valid. */
export function refuseUpgrade(request: Request, configuration: Configuration): Response | undefined {
  const url = new URL(request.url);
  if (url.protocol === "http:" && !configuration.localDevelopment) {
    return plain(403, "SIP over WebSocket is served over TLS only: use wss://, so that credentials stay secret.");
  }
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    return plain(426, 'This address speaks SIP over WebSocket (RFC 7118): connect with a WebSocket and the subprotocol "sip".', {
      Upgrade: "websocket",
    });
  }
  const offered =
    request.headers
      .get("Sec-WebSocket-Protocol")
      ?.split(",")
      .map((name) => name.trim()) ?? [];
  if (!offered.includes("sip")) {
    return plain(400, 'The WebSocket subprotocol "sip" is required (RFC 7118 §5): new WebSocket(url, "sip").');
  }
  const origin = request.headers.get("Origin");
  if (configuration.allowedOrigins !== undefined && origin !== null && !configuration.allowedOrigins.includes(origin)) {
    return plain(403, `Pages of ${origin} may not connect here: add it to ALLOWED_ORIGINS.`);
  }
  // Before the directory is asked: a client must not learn from it whether there is a home.
  if (url.host.length > maxHost) return plain(400, "The name of this host is too long.");
  if (configuration.sealKeys.length === 0) {
    return plain(503, "This server is not set up yet: the secret SEAL_KEYS is missing (see the README).");
  }
  return undefined;
}

export function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers } });
}

/** Connections are counted by this: the address, or its /56 for IPv6, which is what a home line has. */
export function addressPrefix(request: Request): string {
  return networkPrefix(request.headers.get("CF-Connecting-IP") ?? "local", 56);
}
