import { createHmac } from "node:crypto";
import { type IceServer, needsCredential } from "../../lib/ice/ice-server.ts";
import type { SharedSecretIce } from "../../lib/ice/ice-settings.ts";

/**
 * A server with a credential that the server itself can check, since it has the secret too (draft-uberti-behave-turn-rest-00 §2.2).
 * @param user stands in the user name, for the log and the quota of the server
 * @param now milliseconds
 */
export function sharedSecretServer({ urls, secret, ttl }: SharedSecretIce, user: string, now: number): IceServer {
  if (!needsCredential({ urls })) return { urls };
  const username = `${Math.floor(now / 1000) + ttl}:${user}`;
  return { urls, username, credential: createHmac("sha1", secret).update(username).digest("base64") };
}
