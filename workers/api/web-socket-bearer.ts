/** The subprotocol of the sockets on which events are told. */
export const eventProtocol = "offhook-events";
const bearerProtocol = "bearer.";
/** Characters of a token in base64url. */
const maxLength = 2048;

/**
 * The bearer token that a page offers as a second subprotocol, `bearer.` and the token in base64url, since a page cannot give a WebSocket
 * an Authorization header and tokens do not belong in URLs.
 */
export function bearerOfWebSocket({ headers }: Request): string | undefined {
  if (headers.get("Upgrade")?.toLowerCase() !== "websocket") return undefined;
  const offered = headers.get("Sec-WebSocket-Protocol") ?? "";
  const written = offered
    .split(",")
    .map((name) => name.trim())
    .find((name) => name.startsWith(bearerProtocol))
    ?.slice(bearerProtocol.length);
  if (written === undefined || written.length > maxLength || !/^[\w-]+$/.test(written)) return undefined;
  return Buffer.from(written, "base64url").toString("utf8");
}
