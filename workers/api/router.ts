import { OpenAPIHono, createRoute, type z } from "@hono/zod-openapi";
import type { Router } from "../../lib/location/router.ts";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { isBound } from "../../platform/router/ask-router.ts";
import { whyUnreachable } from "../../platform/web-hook-receiver.ts";
import { createSecret } from "../../platform/web-hook-sender.ts";
import { type ApiEnvironment, refuseBinding } from "./actor.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { createdRouterSchema, routerBody, routerSchema, routerView } from "./router-schemas.ts";
import { domainParameters } from "./schemas.ts";

const shared = { path: "/domains/{domain}/router", security: [{ bearer: [] }] };
const read = createRoute({
  ...operation("readRouter", "Read who decides where the calls of a domain go", "Other servers"),
  ...{ method: "get", ...shared, request: { params: domainParameters } },
  responses: { 200: json(routerSchema, "The router, without its secret"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putRouter", "Let a program of yours decide where the calls of a domain go", "Other servers"),
  ...{ method: "put", ...shared },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: routerBody } } } },
  responses: {
    200: json(routerSchema, "It was replaced; its secret is the same"),
    201: json(createdRouterSchema, "It was created; the secret of a URL is shown only here"),
    ...problems(400, 401, 404, 412, 413, 503),
  },
});
const remove = createRoute({
  ...operation("deleteRouter", "Let the calls of a domain go by its routes again", "Other servers"),
  ...{ method: "delete", ...shared, request: { params: domainParameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains/{domain}/router. */
export const routerRoutes = new OpenAPIHono<ApiEnvironment & { Bindings: Environment }>();

routerRoutes.openapi(read, async (context) => {
  return context.json(routerView(await routerIn(context.env, context.req.valid("param").domain)), 200);
});

routerRoutes.openapi(put, async (context) => {
  const { domain } = context.req.valid("param");
  const sent = context.req.valid("json");
  const { router: before } = await new Store(context.env.DIRECTORY).domainSettings(domain);
  const refusal = sent.kind === "service" ? refuseBinding(context.get("actor")) : undefined;
  if (refusal !== undefined) throw refusal;
  const { router, secret } = sent.kind === "service" ? bound(context.env, sent) : await sealed(context.env, domain, sent, before);
  await new Store(context.env.DIRECTORY).putRouter(domain, router);
  directoryOf(context.env).forget(domain);
  if (before !== undefined && secret === undefined) return context.json(routerView(router), 200);
  return context.json({ ...routerView(router), ...(secret === undefined ? {} : { secret }) }, 201);
});

routerRoutes.openapi(remove, async (context) => {
  const { domain } = context.req.valid("param");
  await routerIn(context.env, domain);
  await new Store(context.env.DIRECTORY).putRouter(domain, undefined);
  directoryOf(context.env).forget(domain);
  return context.body(null, 204);
});

async function routerIn(environment: Environment, domain: string): Promise<Router> {
  const { router } = await new Store(environment.DIRECTORY).domainSettings(domain);
  if (router === undefined) throw new Problem(404, `${domain} has no router`);
  return router;
}

type Sent = z.infer<typeof routerBody>;

/** What is stored, and the secret if it is new. */
interface Made {
  readonly router: Router;
  readonly secret?: string;
}

function bound(environment: Environment, sent: Sent & { kind: "service" }): Made {
  if (!isBound(environment, sent.binding)) throw new Problem(400, `binding: this deployment has no service binding ${sent.binding}`);
  return { router: sent };
}

/** The secret is kept as long as the router is a URL, and a key opens it. */
async function sealed(environment: Environment, domain: string, sent: Sent & { kind: "http" }, before: Router | undefined): Promise<Made> {
  const why = await whyUnreachable(environment, sent.url);
  if (why !== undefined) throw new Problem(400, `url: ${why}`);
  const keyring = keyringFor(environment);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: a router with a URL cannot be stored");
  const kept = before?.kind === "http" ? keyring.open("router-secret", before.secret, domain) : undefined;
  const secret = kept ?? createSecret();
  const router = { ...sent, secret: keyring.seal("router-secret", secret, domain) };
  return { router, ...(kept === undefined ? { secret } : {}) };
}
