import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { DomainTrace } from "../../lib/location/domain-settings.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";

const minute = 60_000;
const shared = { path: "/domains/{domain}/trace", security: [{ bearer: [] }] };
const which = {
  number: z
    .string()
    .max(32)
    .regex(/^\+?[-0-9*#.() ]+$/, "is not a telephone number")
    .optional()
    .openapi({ description: "Only calls from and to this number; absent: of all numbers and names", example: "+493012345" }),
  one_in: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .openapi({ description: "Only one call in so many, the same ones at all homes; absent: all", example: 100 }),
};
const wishSchema = z
  .strictObject({
    minutes: z.int().min(1).max(1440).openapi({ description: "For so long from now; a new PUT replaces the old one", example: 10 }),
    ...which,
  })
  .openapi("DomainTraceWish");
const traceSchema = z
  .object({ until: z.iso.datetime().openapi({ description: "Calls that begin before that" }), ...which })
  .openapi("DomainTrace");

const read = createRoute({
  ...operation("readTraceOfDomain", "Read which calls of a domain the messages are kept of", "Calls"),
  ...{ method: "get", ...shared, request: { params: domainParameters } },
  responses: { 200: json(traceSchema, "Which calls, and until when"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("keepTraceOfDomain", "Keep all messages of the calls of a domain, of a number, or of one call in so many", "Calls"),
  ...{ method: "put", ...shared },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: wishSchema } } } },
  responses: { 200: json(traceSchema, "They are kept within half a minute, each for a day"), ...problems(400, 401, 404, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteTraceOfDomain", "Keep no messages of new calls of a domain; those that were kept stay for their day", "Calls"),
  ...{ method: "delete", ...shared, request: { params: domainParameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains/{domain}/trace. */
export const domainTraceRoutes = new OpenAPIHono<{ Bindings: Environment }>();

domainTraceRoutes.openapi(read, async (context) => {
  const { domain } = context.req.valid("param");
  const { trace } = await new Store(context.env.DIRECTORY).domainSettings(domain);
  if (trace === undefined || trace.until <= Date.now()) throw new Problem(404, `no messages of new calls are kept in ${domain}`);
  return context.json(written(trace), 200);
});

domainTraceRoutes.openapi(put, async (context) => {
  const { domain } = context.req.valid("param");
  const { minutes, number, one_in: oneIn } = context.req.valid("json");
  const trace: DomainTrace = {
    until: Date.now() + minutes * minute,
    ...(number === undefined ? {} : { number }),
    ...(oneIn === undefined ? {} : { oneIn }),
  };
  await new Store(context.env.DIRECTORY).putDomainTrace(domain, trace);
  directoryOf(context.env).forget(domain);
  return context.json(written(trace), 200);
});

domainTraceRoutes.openapi(remove, async (context) => {
  const { domain } = context.req.valid("param");
  await new Store(context.env.DIRECTORY).putDomainTrace(domain, undefined);
  directoryOf(context.env).forget(domain);
  return context.body(null, 204);
});

function written({ until, number, oneIn }: DomainTrace): z.infer<typeof traceSchema> {
  return { until: new Date(until).toISOString(), number, one_in: oneIn };
}
