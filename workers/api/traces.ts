import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { homesOf } from "./homes.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { subscriberParameters } from "./schemas.ts";

const minute = 60_000;
const path = "/domains/{domain}/subscribers/{username}/trace";
const security = [{ bearer: [] }];
const wishSchema = z
  .strictObject({
    minutes: z.int().min(1).max(1440).openapi({ description: "For so long from now; a new number replaces the old one", example: 10 }),
  })
  .openapi("TraceWish");
const untilSchema = z
  .object({ until: z.iso.datetime().openapi({ description: "Until when messages are kept; each then stays for a day" }) })
  .openapi("TraceTime");

const put = createRoute({
  ...operation("keepTrace", "Keep all messages of a user for some minutes", "Calls"),
  ...{ method: "put", path, security },
  request: { params: subscriberParameters, body: { required: true, content: { "application/json": { schema: wishSchema } } } },
  responses: { 200: json(untilSchema, "They are kept from now on, 2,000 at most"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteTrace", "Keep no more messages of a user, and delete those that were kept", "Calls"),
  ...{ method: "delete", path, security, request: { params: subscriberParameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** PUT and DELETE …/trace: whether all messages of a user are kept. */
export const traceRoutes = new OpenAPIHono<{ Bindings: Environment }>();

traceRoutes.openapi(put, async (context) => {
  const { domain, username } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  if (!subscriber.opened) throw new Problem(409, "no phone of this user has ever registered: there are no messages");
  const until = Date.now() + context.req.valid("json").minutes * minute;
  await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).keepTrace(subscriber, until);
  return context.json({ until: new Date(until).toISOString() }, 200);
});

traceRoutes.openapi(remove, async (context) => {
  const { domain, username } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  if (subscriber.opened) await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).keepTrace(subscriber, undefined);
  return context.body(null, 204);
});
