import type { Rules } from "../../lib/location/rules.ts";
import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { Permission, WatcherRules } from "../../lib/location/watcher-rules.ts";
import { noWatcherRules } from "../../lib/location/watcher-rules.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { homesOf } from "./homes.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { permissionSchema, shownName, shownWatchers, subscriberParameters, watcherName } from "./schemas.ts";
import { Store } from "../../platform/directory/store.ts";

const maxWatchers = 200;

const params = subscriberParameters.extend({
  watcher: watcherName.openapi({
    param: { name: "watcher", in: "path" },
    description: "user@domain, or *@domain for all of a domain",
    example: "carol@example.com",
  }),
});
const rulesSchema = z
  .object({
    default: permissionSchema.optional(),
    watchers: z.record(z.string(), permissionSchema).openapi({ description: "The permission of each watcher: user@domain, or *@domain" }),
  })
  .openapi("Watchers");
export const permissionBody = z.strictObject({ permission: permissionSchema }).openapi("WatcherPermission");

const path = "/domains/{domain}/subscribers/{username}/watchers";
const security = [{ bearer: [] }, { basic: [] }];
const list = createRoute({
  ...operation("listWatchers", "List the permissions of a user's watchers", "Presence"),
  ...{ method: "get", path, security, request: { params: subscriberParameters } },
  responses: { 200: json(rulesSchema, "The permissions of the subscriber's watchers"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putWatcher", "Set the permission of a watcher", "Presence"),
  ...{ method: "put", path: `${path}/{watcher}`, security },
  request: { params, body: { required: true, content: { "application/json": { schema: permissionBody } } } },
  responses: { 200: json(permissionBody, "The new permission of this watcher"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteWatcher", "Remove the rule for a watcher", "Presence"),
  ...{ method: "delete", path: `${path}/{watcher}`, security, request: { params } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** …/watchers: the part of the rules that subscribers may change themselves, with their own passwords. */
export const watcherRoutes = new OpenAPIHono<{ Bindings: Environment }>();

watcherRoutes.openapi(list, async (context) => {
  const { domain, username } = context.req.valid("param");
  const { watching = noWatcherRules } = (await new Store(context.env.DIRECTORY).existing(domain, username)).rules;
  return context.json({ ...watching, watchers: shownWatchers(watching.watchers) }, 200);
});

watcherRoutes.openapi(put, async (context) => {
  const { domain, username, watcher } = context.req.valid("param");
  const { permission } = context.req.valid("json");
  await changeWatchers(context, domain, username, (watchers) => ({ ...watchers, [watcher]: permission }));
  return context.json({ permission }, 200);
});

watcherRoutes.openapi(remove, async (context) => {
  const { domain, username, watcher } = context.req.valid("param");
  await changeWatchers(context, domain, username, ({ [watcher]: known, ...others }) => {
    if (known === undefined) throw new Problem(404, `there is no rule for ${shownName(watcher)}`);
    return others;
  });
  return context.body(null, 204);
});

type Permissions = Readonly<Record<string, Permission>>;

export async function changeWatchers(
  { env, executionCtx }: { readonly env: Environment; readonly executionCtx: { waitUntil(work: Promise<unknown>): void } },
  domain: string,
  username: string,
  changed: (watchers: Permissions) => Permissions,
): Promise<void> {
  const store = new Store(env.DIRECTORY);
  const changedRules = (rules: Rules): Rules => {
    const watching: WatcherRules = { ...(rules.watching ?? noWatcherRules), watchers: changed(rules.watching?.watchers ?? {}) };
    if (Object.keys(watching.watchers).length > maxWatchers) throw new Problem(409, `there are rules for ${maxWatchers} watchers already`);
    return { ...rules, watching };
  };
  const subscriber = await store.changeRules(domain, username, changedRules, Date.now());
  directoryOf(env).forget(domain);
  await homesOf(env, (work) => executionCtx.waitUntil(work)).changed(subscriber);
}
