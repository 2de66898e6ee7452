import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, HonoRequest } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import type { ApiEnvironment } from "./actor.ts";
import { allowedMethods } from "./allowed-methods.ts";
import { auditRoutes } from "./audit.ts";
import { isDirectoryAway } from "../../platform/directory/guarded.ts";
import { authorise } from "./authorisation.ts";
import { bindingRoutes } from "./bindings.ts";
import { callRecordRoutes } from "./call-records.ts";
import { callTraceRoutes } from "./call-trace.ts";
import { callRoutes } from "./calls.ts";
import { crossOrigin } from "./cross-origin.ts";
import { domainSettingRoutes } from "./domain-settings.ts";
import { domainTraceRoutes } from "./domain-trace.ts";
import { domainRoutes } from "./domains.ts";
import { eventRoutes } from "./events.ts";
import { exportRoutes } from "./export.ts";
import { iceRoutes } from "./ice.ts";
import { iceServerRoutes } from "./ice-servers.ts";
import { issuerRoutes } from "./issuers.ts";
import { keyRoutes } from "./keys.ts";
import { importRoutes } from "./import.ts";
import { listRoutes } from "./lists.ts";
import { describeIdempotency, idempotent } from "./idempotency.ts";
import { meRoutes } from "./me.ts";
import { pathInApi } from "./path.ts";
import { peerRoutes } from "./peers.ts";
import { mediaRoutes } from "./media.ts";
import { signingRoutes } from "./signing.ts";
import { pushRoutes } from "./push.ts";
import { offeredPushRoutes } from "./offered-push.ts";
import { presenceRoutes } from "./presence.ts";
import { firstFault } from "./plain-english.ts";
import { messageRoutes } from "./messages.ts";
import { entityTags } from "./preconditions.ts";
import { Problem, answerProblem } from "./problem.ts";
import { DirectoryRefusal, type RefusalReason } from "../../platform/directory/errors.ts";
import { refuseUnknownQuery } from "./query.ts";
import { routeRoutes } from "./routes.ts";
import { routerRoutes } from "./router.ts";
import { ruleRoutes } from "./rules.ts";
import { traceRoutes } from "./traces.ts";
import { trunkPresetRoutes } from "./trunk-presets.ts";
import { trunkRoutes } from "./trunks.ts";
import { turnstileRoutes } from "./turnstile.ts";
import { userTokenRoutes } from "./user-tokens.ts";
import { subscriberRoutes } from "./subscribers.ts";
import { tags } from "./responses.ts";
import { webHookRoutes } from "./web-hooks.ts";
import { webHookDeliveryRoutes } from "./web-hook-deliveries.ts";
import { describeEvents } from "./web-hook-events.ts";
import { watcherRoutes } from "./watchers.ts";

const largestBody = 65_536;
const statusOf = { missing: 404, taken: 409, incomplete: 400 } as const satisfies Record<RefusalReason, number>;
const away = new Problem(503, "the database cannot be reached: try again", { "Retry-After": "5" });
const notMigrated = new Problem(503, "the database lacks tables: npx wrangler d1 migrations apply offhook --remote", {
  "Retry-After": "60",
});
const notJson = new Problem(415, "the body has to be JSON, with Content-Type: application/json");

/** The provisioning API, mounted at /api/v1. */
export const api = new OpenAPIHono<ApiEnvironment>({
  defaultHook: (result) => {
    if (result.success) return;
    throw new Problem(400, firstFault(result.error));
  },
});

api.doc31("/openapi.json", {
  openapi: "3.1.0",
  info: {
    title: "Offhook",
    version: "1",
    description:
      "Provisioning of domains, users and other servers; state of their phones and calls. JSON answers to GET have an ETag: PUT and DELETE take If-Match with it, or If-None-Match: * to create only (412 if it does not fit).",
    license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
  },
  servers: [{ url: "/api/v1", description: "This server" }],
  tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
});
api.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
  ...{ type: "http", scheme: "bearer" },
  description: "The ADMIN_TOKEN of the server: for everything; or an API key, which has a scope, and may be for one domain",
});
api.openAPIRegistry.registerComponent("securitySchemes", "basic", {
  ...{ type: "http", scheme: "basic" },
  description: "Name and password of a subscriber: for that subscriber's own watchers, lists and calls, and for ICE servers",
});

describeEvents(api.openAPIRegistry);

for (const path of ["/ice-servers", "/push-services", "/me", "/me/*"]) api.use(path, crossOrigin("GET, PUT"));
api.use("/domains/:domain/turnstile/tokens", crossOrigin("POST"));
api.use("*", async (context, next) => {
  context.set("actor", await authorise(context));
  context.set("readPresent", async () => readPresent(context));
  const { method, url } = context.req;
  refuseUnknownQuery(api.openAPIRegistry.definitions, method, pathInApi(url), new URL(url).searchParams);
  await next();
});
api.use("*", entityTags);
const limited = bodyLimit({ maxSize: largestBody, onError: refuseLargeBody });
// An import is read line by line, with a limit of its own.
const isImport = ({ method, path }: HonoRequest) => method === "POST" && path.endsWith("/subscribers/import");
api.use("*", (context, next) => (isImport(context.req) ? next() : limited(context, next)));
api.use("*", idempotent);

api.route("/", domainRoutes);
api.route("/", domainSettingRoutes);
api.route("/", iceRoutes);
api.route("/", iceServerRoutes);
api.route("/", pushRoutes);
api.route("/", offeredPushRoutes);
api.route("/", mediaRoutes);
api.route("/", signingRoutes);
api.route("/", meRoutes);
api.route("/", trunkRoutes);
api.route("/", trunkPresetRoutes);
api.route("/", routeRoutes);
api.route("/", routerRoutes);
api.route("/", peerRoutes);
api.route("/", importRoutes);
api.route("/", exportRoutes);
api.route("/", subscriberRoutes);
api.route("/", ruleRoutes);
api.route("/", watcherRoutes);
api.route("/", presenceRoutes);
api.route("/", messageRoutes);
api.route("/", bindingRoutes);
api.route("/", callRoutes);
api.route("/", callRecordRoutes);
api.route("/", callTraceRoutes);
api.route("/", traceRoutes);
api.route("/", domainTraceRoutes);
api.route("/", listRoutes);
api.route("/", issuerRoutes);
api.route("/", userTokenRoutes);
api.route("/", turnstileRoutes);
api.route("/", keyRoutes);
api.route("/", auditRoutes);
api.route("/", eventRoutes);
api.route("/", webHookRoutes);
api.route("/", webHookDeliveryRoutes);

describeIdempotency(api.openAPIRegistry.definitions);

// Not `notFound`: the outer app's handler would be used instead.
api.all("*", (context) => {
  const allowed = allowedMethods(api.openAPIRegistry.definitions, pathInApi(context.req.url)).join(", ");
  if (allowed === "") throw new Problem(404, "there is nothing at this path");
  throw new Problem(405, `this path takes ${allowed}`, { Allow: allowed });
});

api.onError((error, context) => {
  if (error instanceof Problem) return answerProblem(context, error);
  if (error instanceof DirectoryRefusal) return answerProblem(context, new Problem(statusOf[error.reason], error.message));
  if (error instanceof HTTPException && error.status === 415) return answerProblem(context, notJson);
  if (error instanceof HTTPException && error.status < 500) return answerProblem(context, new Problem(400, error.message));
  if (isDirectoryAway(error)) return answerProblem(context, away);
  console.error(JSON.stringify({ note: "an API request failed", error: String(error) }));
  if (/no such (?:table|column)/.test(String(error))) return answerProblem(context, notMigrated);
  return answerProblem(context, new Problem(500, "something went wrong here; the log has more"));
});

/** A GET of the path of a request, by its sender. */
function readPresent({ req, env, executionCtx }: Context<ApiEnvironment>): Response | Promise<Response> {
  const url = new URL(req.url);
  url.pathname = pathInApi(req.url);
  const names = ["Authorization", "CF-Connecting-IP"];
  const headers = names.flatMap((name) => {
    const value = req.header(name);
    return value === undefined ? [] : [[name, value] as [string, string]];
  });
  return api.fetch(new Request(url, { headers }), env, executionCtx);
}

function refuseLargeBody(): never {
  throw new Problem(413, `the body is larger than ${largestBody} octets`);
}
