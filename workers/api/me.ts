import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { type CallRecord, startIn } from "../../lib/proxy/call-record/call-record.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { parseNameAddress } from "../../lib/syntax/name-address.ts";
import { canonicalUser, nameOfUser, parseUri } from "../../lib/syntax/uri.ts";
import { CallStore } from "../../platform/directory/call-store.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import type { Actor, ApiEnvironment, Identity } from "./actor.ts";
import { recordSchema } from "./call-record-schemas.ts";
import { Problem } from "./problem.ts";
import { inQuery, pageCursor, pageLimit } from "./query-parameters.ts";
import { json, operation, problems } from "./responses.ts";
import { domainName, watcherName } from "./schemas.ts";
import { changeWatchers, permissionBody } from "./watchers.ts";

const security = [{ basic: [] }, { bearer: [] }];
const query = z.object({
  domain: domainName.optional().openapi(inQuery("domain", "The domain, if the name in the credentials is not an address")),
  user: z.string().max(128).optional().openapi(inQuery("user", "The name of the user, for administrators and keys")),
});
const callsQuery = query.extend({ limit: pageLimit("calls"), cursor: pageCursor((id) => startIn(id) !== undefined) });

const meSchema = z
  .object({ address: z.string().openapi({ description: "The address of the user, as its phone registers", example: "alice@example.com" }) })
  .openapi("Me");
const { id, started, answered, ended, seconds, outcome } = recordSchema.shape;
const callSchema = z
  .object({
    ...{ id, started, answered, ended, seconds, outcome },
    direction: z.enum(["incoming", "outgoing"]).openapi({ description: "Whether the user was called or called" }),
    peer: z.string().openapi({ description: "The address at the other end: of the caller, or the one that was dialled" }),
  })
  .openapi("MyCall");
const callsSchema = z
  .object({
    calls: z.array(callSchema).openapi({ description: "The calls, the newest first" }),
    next_cursor: z.string().nullable().openapi({ description: "The cursor of the next page; null if this is the last" }),
  })
  .openapi("MyCalls");

const readMe = createRoute({
  ...operation("readMe", "Read who the credentials are of", "Subscribers"),
  ...{ method: "get", path: "/me", security, request: { query } },
  responses: { 200: json(meSchema, "The user"), ...problems(400, 401, 404, 503) },
});
const listCalls = createRoute({
  ...operation("listMyCalls", "List the user's own calls that are over", "Calls"),
  ...{ method: "get", path: "/me/calls", security, request: { query: callsQuery } },
  responses: { 200: json(callsSchema, "The calls, the newest first"), ...problems(400, 401, 404, 503) },
});
const putWatcher = createRoute({
  ...operation("putMyWatcher", "Set the permission of a watcher of the user", "Presence"),
  ...{ method: "put", path: "/me/watchers/{watcher}", security },
  request: {
    query,
    params: z.object({
      watcher: watcherName.openapi({
        param: { name: "watcher", in: "path" },
        description: "user@domain, or *@domain for all of a domain",
        example: "carol@example.com",
      }),
    }),
    body: { required: true, content: { "application/json": { schema: permissionBody } } },
  },
  responses: { 200: json(permissionBody, "The new permission of this watcher"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});

/** /me: what the phone of a user reads and changes with the user's own credentials, also on pages of other origins. */
export const meRoutes = new OpenAPIHono<ApiEnvironment>();

meRoutes.openapi(readMe, async (context) => {
  const { user, domain } = await identityOf(context.env, context.get("actor"), context.req.valid("query"));
  return context.json({ address: `${canonicalUser(user)}@${domain}` }, 200, { "Cache-Control": "no-store" });
});

meRoutes.openapi(listCalls, async (context) => {
  const { limit, cursor, ...named } = context.req.valid("query");
  const { user, domain } = await identityOf(context.env, context.get("actor"), named);
  const address = `${canonicalUser(user)}@${domain}`;
  const before = cursor === undefined ? undefined : { started: startIn(cursor) ?? 0, id: cursor };
  const all = { since: 0, until: Number.MAX_SAFE_INTEGER, outcome: undefined, number: undefined };
  const found = await new CallStore(context.env.DIRECTORY).list(domain, { ...all, before, user: address, limit: limit + 1 });
  const calls = found.slice(0, limit).map((record) => callView(record, address));
  return context.json({ calls, next_cursor: found.length > limit ? (calls.at(-1)?.id ?? null) : null }, 200);
});

meRoutes.openapi(putWatcher, async (context) => {
  const { user, domain } = await identityOf(context.env, context.get("actor"), context.req.valid("query"));
  const { permission } = context.req.valid("json");
  const { watcher } = context.req.valid("param");
  await changeWatchers(context, domain, user, (watchers) => ({ ...watchers, [watcher]: permission }));
  return context.json({ permission }, 200);
});

/** Of a user: their own. An administrator may try it, and names the user. */
async function identityOf(environment: Environment, actor: Actor, { user, domain }: z.infer<typeof query>): Promise<Identity> {
  if (actor.kind === "subscriber") {
    if (actor.identity === undefined) throw new Problem(403, "the credentials are for another path");
    return actor.identity;
  }
  if (domain === undefined || user === undefined) throw new Problem(400, "user, domain: are missing");
  await new Store(environment.DIRECTORY).existing(domain, user);
  return { user, domain };
}

/** A record as one of its users may see it: without what happened at the other side. */
function callView(record: CallRecord, address: string): z.infer<typeof callSchema> {
  const { answered: answeredAt, ended: endedAt } = record;
  const isOutgoing = record.caller === address;
  return {
    id: record.id,
    direction: isOutgoing ? "outgoing" : "incoming",
    peer: isOutgoing ? addressIn(record.dialled) : addressOf(record.from),
    started: written(record.started),
    answered: answeredAt === undefined ? null : written(answeredAt),
    ended: written(endedAt),
    seconds: answeredAt === undefined ? 0 : Math.round((endedAt - answeredAt) / 1000),
    outcome: record.outcome,
  };
}

function addressOf(header: string): string {
  const parsed = parseNameAddress(header);
  return isFault(parsed) ? header : addressIn(parsed.uri);
}

/** `alice@example.com`, of a URI; as it is if it has no such form. */
function addressIn(text: string): string {
  const uri = parseUri(text);
  if (isFault(uri) || !("host" in uri)) return text;
  return uri.user === undefined ? uri.host : `${nameOfUser(uri.user) ?? uri.user}@${uri.host}`;
}

function written(time: number): string {
  return new Date(time).toISOString();
}
