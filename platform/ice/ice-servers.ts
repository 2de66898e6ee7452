import { canonicalUser } from "../../lib/syntax/uri.ts";
import { keyringFor } from "../directory/directory.ts";
import { IceStore } from "../directory/ice-store.ts";
import type { Environment } from "../environment.ts";
import { fetchCloudflareServers } from "./cloudflare-turn.ts";
import type { IceAnswer, IceUnavailable } from "./ice-answer.ts";
import { sharedSecretServer } from "./shared-secret-turn.ts";

/** Seconds after which a phone asks again for servers that do not expire: they may have been changed. */
const unlimited = 7200;

/**
 * The STUN and TURN servers for a user of a domain, with credentials for now; none if the domain has none.
 * @param user name without escapes
 * @param now milliseconds
 */
export async function iceServersFor(
  environment: Environment,
  { user, domain }: { readonly user: string; readonly domain: string },
  now: number,
): Promise<IceAnswer | IceUnavailable> {
  const found = await new IceStore(environment.DIRECTORY).find(domain, keyringFor(environment));
  if (found === undefined) return { kind: "servers", servers: [], ttl: unlimited };
  if (found.isLost) return { kind: "unavailable", why: "no key in SEAL_KEYS opens the secrets: PUT the servers again with them" };
  const { settings } = found;
  switch (settings.kind) {
    case "static":
      return { kind: "servers", servers: settings.servers, ttl: unlimited };
    case "shared_secret":
      return { kind: "servers", servers: [sharedSecretServer(settings, `${canonicalUser(user)}@${domain}`, now)], ttl: settings.ttl };
    case "cloudflare":
      return fetchCloudflareServers(environment, settings);
  }
}
