import { OpenAPIHono, createRoute } from "@hono/zod-openapi";
import { offeredService } from "../../lib/push/push-service.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import type { ApiEnvironment } from "./actor.ts";
import { ownIdentity, ownQuery } from "./own-identity.ts";
import { offeredSchema } from "./push-schemas.ts";
import { json, operation, problems } from "./responses.ts";

const read = createRoute({
  ...operation("readOfferedPush", "Get what the phone of a user needs to be woken by push notifications", "Push"),
  ...{ method: "get", path: "/push-services", security: [{ basic: [] }, { bearer: [] }], request: { query: ownQuery } },
  responses: { 200: json(offeredSchema, "The push notification services of the user's domain"), ...problems(400, 401, 404, 503) },
});

/** /push-services: for users, with their own credentials. */
export const offeredPushRoutes = new OpenAPIHono<ApiEnvironment>();

offeredPushRoutes.openapi(read, async (context) => {
  const { domain } = await ownIdentity(context.env, context.get("actor"), context.req.valid("query").domain);
  const services = (await directoryOf(context.env).pushServices(domain)).filter(({ isLost }) => !isLost);
  const offered = services.map(({ service }) => offeredService(service));
  const shown = offered.map(({ provider, vapidKey }) => ({ provider, ...(vapidKey === undefined ? {} : { public_key: vapidKey }) }));
  return context.json({ services: shown }, 200, { "Cache-Control": "no-store" });
});
