import { OpenAPIHono, createRoute } from "@hono/zod-openapi";
import { iceServersFor } from "../../platform/ice/ice-servers.ts";
import type { ApiEnvironment } from "./actor.ts";
import { iceServersSchema } from "./ice-schemas.ts";
import { ownIdentity, ownQuery } from "./own-identity.ts";
import { Problem } from "./problem.ts";
import { json, operation, problems } from "./responses.ts";

const read = createRoute({
  ...operation("readIceServers", "Get STUN and TURN servers with credentials, as the phone of a user uses them", "Media"),
  ...{ method: "get", path: "/ice-servers", security: [{ basic: [] }, { bearer: [] }], request: { query: ownQuery } },
  responses: { 200: json(iceServersSchema, "The servers of the user's domain"), ...problems(400, 401, 404, 503) },
});

/** /ice-servers: for users, with their own credentials. An administrator may try them. */
export const iceServerRoutes = new OpenAPIHono<ApiEnvironment>();

iceServerRoutes.openapi(read, async (context) => {
  const identity = await ownIdentity(context.env, context.get("actor"), context.req.valid("query").domain);
  const answer = await iceServersFor(context.env, identity, Date.now());
  if (answer.kind === "unavailable") {
    console.error(JSON.stringify({ note: "there are no ICE servers for a user", domain: identity.domain, why: answer.why }));
    throw new Problem(503, "the TURN service gave no servers: try again; the log has more", { "Retry-After": "30" });
  }
  const iceServers = answer.servers.map(({ urls, ...rest }) => ({ urls: [...urls], ...rest }));
  const body = { iceServers, ttl: answer.ttl, refresh_after: Math.floor(answer.ttl / 2) };
  return context.json(body, 200, { "Cache-Control": "no-store" });
});
