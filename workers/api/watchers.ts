import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { Permission, WatcherRules } from "../../lib/presence/policy.ts";
import { noWatcherRules } from "../../lib/presence/policy.ts";
import { directoryOf } from "../directory.ts";
import type { Environment } from "../environment.ts";
import { homesOf } from "./homes.ts";
import { Problem } from "./problem.ts";
import { json, noContent, problems } from "./responses.ts";
import { permissionSchema, subscriberParameters, watcherName } from "./schemas.ts";
import { Store } from "./store.ts";

const mostWatchers = 200;

const params = subscriberParameters.extend({
  watcher: watcherName.openapi({ param: { name: "watcher", in: "path" }, example: "carol@example.com" }),
});
const rulesSchema = z
  .object({ default: permissionSchema.optional(), watchers: z.record(z.string(), permissionSchema) })
  .openapi("Watchers");
const body = z.strictObject({ permission: permissionSchema }).openapi("WatcherPermission");

const path = "/domains/{domain}/subscribers/{username}/watchers";
const security = [{ bearer: [] }, { basic: [] }];
const list = createRoute({
  ...{ method: "get", path, security, request: { params: subscriberParameters } },
  responses: { 200: json(rulesSchema, "Who may watch the subscriber"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...{ method: "put", path: `${path}/{watcher}`, security },
  request: { params, body: { required: true, content: { "application/json": { schema: body } } } },
  responses: { 200: json(body, "What holds for this watcher from now on"), ...problems(400, 401, 404, 409, 413, 503) },
});
const remove = createRoute({
  ...{ method: "delete", path: `${path}/{watcher}`, security, request: { params } },
  responses: { 204: noContent, ...problems(400, 401, 404, 503) },
});

/** …/watchers: the part of the rules that the subscriber himself may set, with his own password. */
export const watcherRoutes = new OpenAPIHono<{ Bindings: Environment }>();

watcherRoutes.openapi(list, async (context) => {
  const { domain, username } = context.req.valid("param");
  const { watching = noWatcherRules } = (await new Store(context.env.DIRECTORY).existing(domain, username)).rules;
  return context.json({ ...watching, watchers: { ...watching.watchers } }, 200);
});

watcherRoutes.openapi(put, async (context) => {
  const { domain, username, watcher } = context.req.valid("param");
  const { permission } = context.req.valid("json");
  await change(context, domain, username, (watchers) => ({ ...watchers, [watcher]: permission }));
  return context.json({ permission }, 200);
});

watcherRoutes.openapi(remove, async (context) => {
  const { domain, username, watcher } = context.req.valid("param");
  await change(context, domain, username, ({ [watcher]: known, ...others }) => {
    if (known === undefined) throw new Problem(404, `there is no rule for ${watcher}`);
    return others;
  });
  return context.body(null, 204);
});

type Permissions = Readonly<Record<string, Permission>>;

async function change(
  { env, executionCtx }: { readonly env: Environment; readonly executionCtx: { waitUntil(work: Promise<unknown>): void } },
  domain: string,
  username: string,
  changed: (watchers: Permissions) => Permissions,
): Promise<void> {
  const store = new Store(env.DIRECTORY);
  const { rules } = await store.existing(domain, username);
  const watching: WatcherRules = { ...(rules.watching ?? noWatcherRules), watchers: changed(rules.watching?.watchers ?? {}) };
  if (Object.keys(watching.watchers).length > mostWatchers) throw new Problem(409, `there are rules for ${mostWatchers} watchers already`);
  const subscriber = await store.putRules(domain, username, { ...rules, watching }, Date.now());
  directoryOf(env).forget(domain);
  await homesOf(env, (work) => executionCtx.waitUntil(work)).changed(subscriber);
}
