import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { type AuditEntry, AuditStore, timeIn } from "../../platform/directory/audit-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { requireDomain } from "./existing.ts";
import { inQuery, pageCursor, pageLimit } from "./query-parameters.ts";
import { json, operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";

const time = z.iso.datetime();
const actorSchema = z
  .object({
    kind: z.enum(["administrator", "key", "subscriber"]).openapi({
      description: "administrator: with the ADMIN_TOKEN; key: with an API key; subscriber: a user, with their own password",
    }),
    id: z.string().optional().openapi({ description: "The id of the key" }),
    name: z.string().optional().openapi({ description: "The name of the key, or the address of the user" }),
  })
  .openapi("AuditActor");
const entrySchema = z
  .object({
    id: z.string().openapi({ description: "The id of the entry", example: "mjuoj5dt-0001k2m95de0" }),
    at: time.openapi({ description: "When it was answered" }),
    domain: z
      .string()
      .nullable()
      .openapi({ description: "The domain; null if the path has none. Of a key for one domain always that one" }),
    actor: actorSchema.openapi({ description: "Who asked for the change" }),
    action: z.string().openapi({ description: "The operationId of this description", example: "putSubscriber" }),
    target: z.string().openapi({ description: "The path", example: "/domains/example.com/subscribers/alice" }),
    status: z.number().int().openapi({ description: "The status of the answer; 403: it was refused", example: 200 }),
  })
  .openapi("AuditEntry");
const entriesSchema = z
  .object({
    entries: z.array(entrySchema).openapi({ description: "The entries, the newest first" }),
    next_cursor: z.string().nullable().openapi({ description: "The cursor of the next page; null if this is the last" }),
  })
  .openapi("AuditEntries");

const query = z.object({
  limit: pageLimit("entries"),
  cursor: pageCursor((id) => timeIn(id) !== undefined),
  since: time.optional().openapi(inQuery("since", "Only entries of this time or later")),
});

const security = [{ bearer: [] }];
const listAll = createRoute({
  ...operation("listAudit", "List the changes by the API in all domains", "Keys"),
  ...{ method: "get", path: "/audit", security, request: { query } },
  responses: { 200: json(entriesSchema, "The changes, the newest first"), ...problems(400, 401, 503) },
});
const listOfDomain = createRoute({
  ...operation("listAuditOfDomain", "List the changes by the API in a domain", "Keys"),
  ...{ method: "get", path: "/domains/{domain}/audit", security, request: { params: domainParameters, query } },
  responses: { 200: json(entriesSchema, "The changes, the newest first"), ...problems(400, 401, 404, 503) },
});

/** /audit, and /domains/{domain}/audit. */
export const auditRoutes = new OpenAPIHono<{ Bindings: Environment }>();

auditRoutes.openapi(listAll, async (context) => context.json(await pageOf(context.env, undefined, context.req.valid("query")), 200));

auditRoutes.openapi(listOfDomain, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  return context.json(await pageOf(context.env, domain, context.req.valid("query")), 200);
});

async function pageOf({ DIRECTORY }: Environment, domain: string | undefined, { limit, cursor, since }: z.infer<typeof query>) {
  const question = { domain, before: cursor, since: since === undefined ? 0 : Date.parse(since), limit: limit + 1 };
  const found = await new AuditStore(DIRECTORY).list(question);
  const entries = found.slice(0, limit).map(shown);
  return { entries, next_cursor: found.length > limit ? (entries.at(-1)?.id ?? null) : null };
}

function shown({ at, domain, ...entry }: AuditEntry): z.infer<typeof entrySchema> {
  return { ...entry, at: new Date(at).toISOString(), domain: domain ?? null };
}
