import { OpenAPIHono, createRoute } from "@hono/zod-openapi";
import type { WebHook } from "../../lib/web-hooks/web-hook.ts";
import { queuedEvent } from "../../platform/domain-events.ts";
import type { Environment } from "../../platform/environment.ts";
import { Problem } from "./problem.ts";
import { json, operation, problems } from "./responses.ts";
import { deliveriesQuery, deliveriesSchema, deliveryParameters, deliverySchema, deliveryView } from "./web-hook-schemas.ts";
import { readPlace, testSchema, webHookParameters, writePlace } from "./web-hook-schemas.ts";
import { eventsOf, webHookNamed } from "./web-hooks.ts";

const security = [{ bearer: [] }];
const path = "/domains/{domain}/web-hooks/{name}";
const list = createRoute({
  ...operation("listWebHookDeliveries", "List the deliveries of a web hook that wait or were given up", "Web hooks"),
  ...{ method: "get", path: `${path}/deliveries`, security, request: { params: webHookParameters, query: deliveriesQuery } },
  responses: { 200: json(deliveriesSchema, "The deliveries, the oldest first"), ...problems(400, 401, 404, 503) },
});
const replay = createRoute({
  ...operation("replayWebHookDelivery", "Deliver an event again, at once", "Web hooks"),
  ...{ method: "post", path: `${path}/deliveries/{id}/replay`, security, request: { params: deliveryParameters } },
  responses: { 200: json(deliverySchema, "The delivery, which is tried now"), ...problems(400, 401, 404, 409, 503) },
});
const test = createRoute({
  ...operation("testWebHook", "Send an event of the type test to a web hook", "Web hooks"),
  ...{ method: "post", path: `${path}/test`, security, request: { params: webHookParameters } },
  responses: { 202: json(testSchema, "The event is sent after this answer"), ...problems(400, 401, 404, 409, 503) },
});

/** /domains/{domain}/web-hooks/{name}/deliveries, and the test event. */
export const webHookDeliveryRoutes = new OpenAPIHono<{ Bindings: Environment }>();

webHookDeliveryRoutes.openapi(list, async (context) => {
  const { domain, name } = context.req.valid("param");
  const { limit, cursor } = context.req.valid("query");
  await webHookNamed(context.env, domain, name);
  const after = cursor === undefined ? undefined : readPlace(cursor);
  const found = await eventsOf(context.env, domain).deliveries(name, after, limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return context.json(
    { deliveries: page.map(deliveryView), next_cursor: found.length > limit && last !== undefined ? writePlace(last) : null },
    200,
  );
});

webHookDeliveryRoutes.openapi(replay, async (context) => {
  const { domain, name, id } = context.req.valid("param");
  refuseDisabled(await webHookNamed(context.env, domain, name));
  const delivery = await eventsOf(context.env, domain).replay(name, id);
  if (delivery === undefined) throw new Problem(404, `there is no delivery ${id} of ${name}: what was delivered is not kept`);
  return context.json(deliveryView(delivery), 200);
});

webHookDeliveryRoutes.openapi(test, async (context) => {
  const { domain, name } = context.req.valid("param");
  refuseDisabled(await webHookNamed(context.env, domain, name));
  const id = crypto.randomUUID();
  const event = queuedEvent({ id, type: "test", at: Date.now(), data: { web_hook: name } }, [name]);
  await eventsOf(context.env, domain).enqueue([event]);
  return context.json({ id }, 202);
});

function refuseDisabled({ name, disabled }: WebHook): void {
  if (disabled === undefined) return;
  throw new Problem(409, `the receiver of ${name} has answered 410, so nothing is sent: PUT the web hook again`);
}
