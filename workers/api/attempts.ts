import type { Context } from "hono";
import { readConfiguration } from "../../platform/configuration.ts";
import { addressPrefix } from "../upgrade.ts";
import type { ApiEnvironment } from "./actor.ts";
import { Problem } from "./problem.ts";

/** Throws 429 if an address sends too many credentials: it is counted as the connections of phones are. */
export async function refuseFrequent({ env, req }: Context<ApiEnvironment>): Promise<void> {
  const { success } = await env.CONNECTION_RATE.limit({ key: addressPrefix(req.raw) });
  if (!success) throw new Problem(429, "too many attempts from this address", { "Retry-After": "60" });
}

/** Throws 403 for credentials that came without TLS, outside local development. */
export function refuseWithoutTls({ env, req }: Context<ApiEnvironment>, what: string): void {
  const { localDevelopment } = readConfiguration(env);
  if (new URL(req.url).protocol === "http:" && !localDevelopment) throw new Problem(403, `${what} are accepted over TLS only`);
}
