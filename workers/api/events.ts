import { OpenAPIHono, createRoute } from "@hono/zod-openapi";
import { watchRequest } from "../../platform/event-watcher.ts";
import type { ApiEnvironment } from "./actor.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { operation, problems, unexpected } from "./responses.ts";
import { domainParameters } from "./schemas.ts";
import { eventProtocol } from "./web-socket-bearer.ts";
import { eventsOf } from "./web-hooks.ts";

const route = createRoute({
  ...operation("watchEvents", "Be told of the events of a domain as they happen, on a WebSocket", "Web hooks"),
  ...{ method: "get", path: "/domains/{domain}/events", security: [{ bearer: [] }], request: { params: domainParameters } },
  responses: {
    101: { description: `Each text frame is an event, as web hooks get it. The subprotocol is ${eventProtocol}` },
    ...problems(400, 401, 404, 426, 503),
    default: unexpected,
  },
});

/** GET /domains/{domain}/events. */
export const eventRoutes = new OpenAPIHono<ApiEnvironment>();

eventRoutes.openapi(route, async (context) => {
  const { domain } = context.req.valid("param");
  const { env, req } = context;
  await requireDomain(env, domain);
  if (req.header("Upgrade")?.toLowerCase() !== "websocket")
    throw new Problem(426, `this path takes WebSockets: new WebSocket(url, ["${eventProtocol}", "bearer.…"])`, { Upgrade: "websocket" });
  const offered = (req.header("Sec-WebSocket-Protocol") ?? "").split(",").map((name) => name.trim());
  if (!offered.includes(eventProtocol)) throw new Problem(400, `the WebSocket subprotocol ${eventProtocol} is required`);
  const actor = context.get("actor");
  const key = actor.kind === "key" ? actor.key.id : undefined;
  const { status, webSocket } = await eventsOf(env, domain).fetch(watchRequest({ key }));
  if (status === 429) throw new Problem(429, `too many look at the events of ${domain} already`, { "Retry-After": "60" });
  if (webSocket === null) throw new Problem(503, "the events cannot be told now: try again", { "Retry-After": "5" });
  return new Response(null, { status: 101, webSocket, headers: { "Sec-WebSocket-Protocol": eventProtocol } }) as never;
});
