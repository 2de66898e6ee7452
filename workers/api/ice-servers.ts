import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { Environment } from "../../platform/environment.ts";
import { iceServersFor } from "../../platform/ice/ice-servers.ts";
import type { Actor, ApiEnvironment, Identity } from "./actor.ts";
import { requireDomain } from "./existing.ts";
import { iceServersSchema } from "./ice-schemas.ts";
import { Problem } from "./problem.ts";
import { inQuery } from "./query-parameters.ts";
import { json, operation, problems } from "./responses.ts";
import { domainName } from "./schemas.ts";

/** The user in the credentials that an administrator gets, to try them. */
const administrator = "administrator";

const query = z.object({
  domain: domainName
    .optional()
    .openapi(inQuery("domain", "The domain, if the name in the credentials is not an address; for administrators and keys always")),
});
const read = createRoute({
  ...operation("readIceServers", "Get STUN and TURN servers with credentials, as the phone of a user uses them", "Media"),
  ...{ method: "get", path: "/ice-servers", security: [{ basic: [] }, { bearer: [] }], request: { query } },
  responses: { 200: json(iceServersSchema, "The servers of the user's domain"), ...problems(400, 401, 404, 503) },
});

/** /ice-servers: for users, with their own credentials. An administrator may try them. */
export const iceServerRoutes = new OpenAPIHono<ApiEnvironment>();

iceServerRoutes.openapi(read, async (context) => {
  const identity = await identityOf(context.env, context.get("actor"), context.req.valid("query").domain);
  const answer = await iceServersFor(context.env, identity, Date.now());
  if (answer.kind === "unavailable") {
    console.error(JSON.stringify({ note: "there are no ICE servers for a user", domain: identity.domain, why: answer.why }));
    throw new Problem(503, "the TURN service gave no servers: try again; the log has more", { "Retry-After": "30" });
  }
  const iceServers = answer.servers.map(({ urls, ...rest }) => ({ urls: [...urls], ...rest }));
  const body = { iceServers, ttl: answer.ttl, refresh_after: Math.floor(answer.ttl / 2) };
  return context.json(body, 200, { "Cache-Control": "no-store" });
});

/** Of a user: their own. */
async function identityOf(environment: Environment, actor: Actor, domain: string | undefined): Promise<Identity> {
  if (actor.kind === "subscriber") {
    if (actor.identity === undefined) throw new Problem(403, "the credentials are for another path");
    return actor.identity;
  }
  if (domain === undefined) throw new Problem(400, "domain: is missing");
  await requireDomain(environment, domain);
  return { user: administrator, domain };
}
