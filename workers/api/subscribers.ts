import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { FailedCall } from "../../lib/failed-call.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { isListUser } from "../../lib/presence/resource-list.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import { CallStore } from "../../platform/directory/call-store.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { homesOf } from "./homes.ts";
import { Problem } from "./problem.ts";
import { inQuery } from "./query-parameters.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import {
  domainParameters,
  pageQuery,
  subscriberBody,
  subscriberParameters,
  subscriberSchema,
  subscribersSchema,
  traceQuery,
  traceSchema,
} from "./schemas.ts";
import { type Listed, Store, nameOf } from "../../platform/directory/store.ts";
import { ofCall, traceAsText } from "./trace-text.ts";

const security = [{ bearer: [] }];
const deletionQuery = z.object({
  call_records: z
    .enum(["keep", "delete"])
    .default("keep")
    .openapi(inQuery("call_records", "Whether the records of the user's calls are deleted too")),
});
const path = "/domains/{domain}/subscribers/{username}";

const list = createRoute({
  ...operation("listSubscribers", "List or search the users of a domain", "Subscribers"),
  ...{ method: "get", path: "/domains/{domain}/subscribers", security },
  request: { params: domainParameters, query: pageQuery },
  responses: { 200: json(subscribersSchema, "The subscribers, by name"), ...problems(400, 401, 404, 503) },
});
const read = createRoute({
  ...operation("readSubscriber", "Read a user", "Subscribers"),
  method: "get",
  path,
  security,
  request: { params: subscriberParameters },
  responses: { 200: json(subscriberSchema, "The subscriber"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putSubscriber", "Create or change a user", "Subscribers"),
  ...{ method: "put", path, security },
  request: { params: subscriberParameters, body: { required: true, content: { "application/json": { schema: subscriberBody } } } },
  responses: {
    200: json(subscriberSchema, "It was changed"),
    201: json(subscriberSchema, "It was created"),
    ...problems(400, 401, 404, 409, 412, 413, 503),
  },
});
const remove = createRoute({
  ...operation("deleteSubscriber", "Delete a user and all their data; the records of their calls if asked to", "Subscribers"),
  method: "delete",
  path,
  security,
  request: { params: subscriberParameters, query: deletionQuery },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});
const trace = createRoute({
  ...operation("readTrace", "Read the last messages of a user's home, and the calls of the last day that failed", "Calls"),
  ...{ method: "get", path: `${path}/trace`, security, request: { params: subscriberParameters, query: traceQuery } },
  responses: {
    200: {
      ...json(traceSchema, "The last messages of the subscriber's home, credentials masked, and the calls of the last day that failed"),
    },
    ...problems(400, 401, 404, 503),
  },
});

/** /domains/{domain}/subscribers and below. */
export const subscriberRoutes = new OpenAPIHono<{ Bindings: Environment }>();

subscriberRoutes.openapi(list, async (context) => {
  const { domain } = context.req.valid("param");
  const { cursor, limit, search } = context.req.valid("query");
  const found = await new Store(context.env.DIRECTORY).subscribers(domain, { after: cursor, limit: limit + 1, search });
  const page = found.slice(0, limit).map(shown);
  return context.json({ subscribers: page, next_cursor: found.length > limit ? (page.at(-1)?.username ?? null) : null }, 200);
});

subscriberRoutes.openapi(read, async (context) => {
  const { domain, username } = context.req.valid("param");
  return context.json(shown(await new Store(context.env.DIRECTORY).listed(domain, username)), 200);
});

subscriberRoutes.openapi(put, async (context) => {
  const { domain, username } = context.req.valid("param");
  const { password, ha1, aliases, displayName } = context.req.valid("json");
  const reserved = [username, ...(aliases ?? [])].find(isListUser);
  if (reserved !== undefined) throw new Problem(400, `${reserved} is reserved: names that begin with "list." are those of lists`);
  const others = aliases === undefined ? undefined : [...new Set(aliases)].filter((alias) => alias !== username);
  const change = { password, ha1, aliases: others, displayName };
  const { created, value } = await new Store(context.env.DIRECTORY).putSubscriber(domain, username, change, Date.now());
  directoryOf(context.env).forget(domain);
  await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).changed(value.subscriber);
  return created ? context.json(shown(value), 201) : context.json(shown(value), 200);
});

subscriberRoutes.openapi(remove, async (context) => {
  const { domain, username } = context.req.valid("param");
  const deleteRecords = async () => {
    if (context.req.valid("query").call_records !== "delete") return;
    await new CallStore(context.env.DIRECTORY).deleteOfUser(domain, `${canonicalUser(username)}@${domain}`);
  };
  // Before, so that the request can be repeated if this fails; afterwards, for the calls that end with the user.
  await deleteRecords();
  const deleted = await new Store(context.env.DIRECTORY).deleteSubscriber(domain, username);
  directoryOf(context.env).forget(domain);
  await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).deleted(deleted);
  await deleteRecords();
  return context.body(null, 204);
});

subscriberRoutes.openapi(trace, async (context) => {
  const subscriber = await existing(context.env, context.req.valid("param"));
  const whole = await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).trace(subscriber);
  const { format, call_id: callId } = context.req.valid("query");
  const { entries, failed } = callId === undefined ? whole : ofCall(whole, callId);
  const asText = format === "text" || (format === undefined && (context.req.header("Accept") ?? "").startsWith("text/plain"));
  if (asText) return context.body(traceAsText({ entries, failed }), 200, { "Content-Type": "text/plain; charset=utf-8" }) as never;
  return context.json({ entries: [...entries], failed: failed.map(shownCall) }, 200);
});

function existing(environment: Environment, name: { readonly domain: string; readonly username: string }): Promise<Subscriber> {
  return new Store(environment.DIRECTORY).existing(name.domain, name.username);
}

/** A subscriber without secrets, names without escapes. */
function shown({ subscriber: { domain, username, aliases, opened }, displayName }: Listed) {
  return { domain, username: nameOf(username), displayName, aliases: aliases.map(nameOf), opened };
}

function shownCall({ callId, messages, ...call }: FailedCall) {
  return { ...call, call_id: callId, messages: [...messages] };
}
