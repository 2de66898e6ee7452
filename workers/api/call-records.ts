import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { startIn } from "../../lib/proxy/call-record/call-record.ts";
import { recordView } from "../../lib/proxy/call-record/record-view.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import { type CallQuery, CallStore } from "../../platform/directory/call-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { filterQuery, recordQuery, recordSchema, recordsSchema } from "./call-record-schemas.ts";
import { csvHeader, csvRow } from "./csv.ts";
import { existingRecord, requireDomain } from "./existing.ts";
import { json, operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";

/** Calls that are read at a time for an export. */
const exportPage = 500;

const security = [{ bearer: [] }];
const path = "/domains/{domain}/calls";
const list = createRoute({
  ...operation("listCallRecords", "List or search the calls of a domain that are over", "Calls"),
  ...{ method: "get", path, security, request: { params: domainParameters, query: recordQuery } },
  responses: { 200: json(recordsSchema, "The calls, the newest first"), ...problems(400, 401, 404, 503) },
});
const read = createRoute({
  ...operation("readCallRecord", "Read the record of a call", "Calls"),
  ...{ method: "get", path: `${path}/{id}`, security },
  request: {
    params: domainParameters.extend({ id: z.string().openapi({ param: { name: "id", in: "path" }, description: "The id of the record" }) }),
  },
  responses: { 200: json(recordSchema, "The record"), ...problems(400, 401, 404, 503) },
});
const exported = createRoute({
  ...operation("exportCallRecords", "Export the calls of a domain as CSV", "Calls"),
  ...{ method: "get", path: "/domains/{domain}/calls.csv", security, request: { params: domainParameters, query: filterQuery } },
  responses: {
    200: { description: "A line for each call, the newest first; times in UTC", content: { "text/csv": { schema: z.string() } } },
    ...problems(400, 401, 404, 503),
  },
});

/** /domains/{domain}/calls: the records of calls. */
export const callRecordRoutes = new OpenAPIHono<{ Bindings: Environment }>();

callRecordRoutes.openapi(list, async (context) => {
  const { domain } = context.req.valid("param");
  const { cursor, limit, ...filter } = context.req.valid("query");
  await requireDomain(context.env, domain);
  const query = { ...queryOf(filter, domain), before: cursor === undefined ? undefined : placeOf(cursor), limit: limit + 1 };
  const found = await new CallStore(context.env.DIRECTORY).list(domain, query);
  const page = found.slice(0, limit).map((record) => recordView(record, domain));
  return context.json({ calls: page, next_cursor: found.length > limit ? (page.at(-1)?.id ?? null) : null }, 200);
});

callRecordRoutes.openapi(exported, async (context) => {
  const { domain } = context.req.valid("param");
  const filter = context.req.valid("query");
  await requireDomain(context.env, domain);
  const store = new CallStore(context.env.DIRECTORY);
  let before: CallQuery["before"];
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (stream) => stream.enqueue(encoder.encode(csvHeader)),
    pull: async (stream) => {
      const page = await store.list(domain, { ...queryOf(filter, domain), before, limit: exportPage });
      if (page.length > 0) stream.enqueue(encoder.encode(page.map((record) => csvRow({ ...recordView(record, domain) })).join("")));
      before = page.at(-1);
      if (page.length < exportPage) stream.close();
    },
  });
  const name = { "Content-Disposition": `attachment; filename="calls-${domain}.csv"` };
  return context.body(body, 200, { "Content-Type": "text/csv; charset=utf-8", ...name }) as never;
});

callRecordRoutes.openapi(read, async (context) => {
  const { domain, id } = context.req.valid("param");
  await requireDomain(context.env, domain);
  const record = await existingRecord(context.env, domain, id);
  return context.json(recordView(record, domain), 200);
});

function queryOf({ user, outcome, number, since, until }: z.infer<typeof filterQuery>, domain: string) {
  return {
    user: user === undefined ? undefined : `${canonicalUser(user)}@${domain}`,
    ...{ outcome, number },
    since: since === undefined ? 0 : Date.parse(since),
    until: until === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(until),
  };
}

function placeOf(id: string): CallQuery["before"] {
  return { started: startIn(id) ?? 0, id };
}
