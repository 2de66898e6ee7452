import { OpenAPIHono, createRoute } from "@hono/zod-openapi";
import { type WebHook, rotationTime, withNewSecret, writeWebHook } from "../../lib/web-hooks/web-hook.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import { WebHookStore } from "../../platform/directory/web-hook-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { whyUnreachable } from "../../platform/web-hook-receiver.ts";
import { createSecret } from "../../platform/web-hook-sender.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";
import { createdWebHookSchema, secretSchema, webHookBody, webHookParameters } from "./web-hook-schemas.ts";
import { webHookSchema, webHookView, webHooksSchema } from "./web-hook-schemas.ts";

/** Web hooks of a domain. */
const maxWebHooks = 10;

const security = [{ bearer: [] }];
const path = "/domains/{domain}/web-hooks/{name}";
const list = createRoute({
  ...operation("listWebHooks", "List the web hooks of a domain", "Web hooks"),
  ...{ method: "get", path: "/domains/{domain}/web-hooks", security, request: { params: domainParameters } },
  responses: { 200: json(webHooksSchema, "The web hooks, without their secrets"), ...problems(400, 401, 404, 503) },
});
const read = createRoute({
  ...operation("readWebHook", "Read a web hook", "Web hooks"),
  ...{ method: "get", path, security, request: { params: webHookParameters } },
  responses: { 200: json(webHookSchema, "The web hook, without its secret"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putWebHook", "Create or replace a web hook, or enable it again", "Web hooks"),
  ...{ method: "put", path, security },
  request: { params: webHookParameters, body: { required: true, content: { "application/json": { schema: webHookBody } } } },
  responses: {
    200: json(webHookSchema, "It was replaced; its secret is the same"),
    201: json(createdWebHookSchema, "It was created; the secret is shown only here"),
    ...problems(400, 401, 404, 409, 412, 413, 503),
  },
});
const remove = createRoute({
  ...operation("deleteWebHook", "Delete a web hook and its deliveries", "Web hooks"),
  ...{ method: "delete", path, security, request: { params: webHookParameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});
const rotate = createRoute({
  ...operation("rotateWebHookSecret", "Make a new secret; the one before signs for another 24 hours", "Web hooks"),
  ...{ method: "post", path: `${path}/secret`, security, request: { params: webHookParameters } },
  responses: { 200: json(secretSchema, "The new secret, which is shown only here"), ...problems(400, 401, 404, 503) },
});

/** /domains/{domain}/web-hooks. */
export const webHookRoutes = new OpenAPIHono<{ Bindings: Environment }>();

webHookRoutes.openapi(list, async (context) => {
  const hooks = await webHooksOf(context.env, context.req.valid("param").domain);
  return context.json({ web_hooks: hooks.map(webHookView) }, 200);
});

webHookRoutes.openapi(read, async (context) => {
  const { domain, name } = context.req.valid("param");
  return context.json(webHookView(await webHookNamed(context.env, domain, name)), 200);
});

webHookRoutes.openapi(put, async (context) => {
  const { domain, name } = context.req.valid("param");
  const { url, events } = context.req.valid("json");
  const hooks = await webHooksOf(context.env, domain);
  const keyring = mustSeal(context.env);
  const queue = eventsOf(context.env, domain);
  const before = hooks.find((one) => one.name === name);
  if (before === undefined && hooks.length >= maxWebHooks)
    throw new Problem(409, `${domain} has ${maxWebHooks} web hooks, which is the limit`);
  if (before?.isLost === true)
    throw new Problem(409, `no key in SEAL_KEYS opens the secret of ${name}: put the key back, or make a new secret with POST …/secret`);
  const why = await whyUnreachable(context.env, url);
  if (why !== undefined) throw new Problem(400, `url: ${why}`);
  const { disabled: _disabled, ...kept } = before ?? { domain, name, secrets: [{ secret: createSecret() }] };
  if (before === undefined) await queue.forget(name);
  const hook: WebHook = { ...kept, url, events: [...new Set(events)] };
  await store(context.env, hook, keyring);
  const [created] = before === undefined ? hook.secrets : [];
  if (created === undefined) return context.json(webHookView(hook), 200);
  return context.json({ ...webHookView(hook), secret: created.secret }, 201);
});

webHookRoutes.openapi(remove, async (context) => {
  const { domain, name } = context.req.valid("param");
  await webHookNamed(context.env, domain, name);
  await new WebHookStore(context.env.DIRECTORY).delete(domain, name);
  await announceChange(context.env, domain);
  return context.body(null, 204);
});

webHookRoutes.openapi(rotate, async (context) => {
  const { domain, name } = context.req.valid("param");
  const before = await webHookNamed(context.env, domain, name);
  const [now, secret] = [Date.now(), createSecret()];
  await store(context.env, withNewSecret(before, secret, now), mustSeal(context.env));
  return context.json({ secret, previous_until: new Date(now + rotationTime).toISOString() }, 200);
});

/** The object that delivers the events of a domain. */
export function eventsOf({ DOMAIN_EVENTS }: Environment, domain: string) {
  if (DOMAIN_EVENTS === undefined) throw new Problem(503, "this deployment has no binding DOMAIN_EVENTS: there are no web hooks");
  return DOMAIN_EVENTS.getByName(domain);
}

export async function webHookNamed(environment: Environment, domain: string, name: string): Promise<WebHook> {
  const hook = (await webHooksOf(environment, domain)).find((one) => one.name === name);
  if (hook === undefined) throw new Problem(404, `there is no web hook ${name} in ${domain}`);
  return hook;
}

async function webHooksOf(environment: Environment, domain: string): Promise<WebHook[]> {
  await requireDomain(environment, domain);
  return new WebHookStore(environment.DIRECTORY).list(domain, keyringFor(environment));
}

function mustSeal(environment: Environment): Keyring {
  const keyring = keyringFor(environment);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: web hooks cannot be stored");
  return keyring;
}

async function store(environment: Environment, hook: WebHook, keyring: Keyring): Promise<void> {
  await new WebHookStore(environment.DIRECTORY).put(hook, writeWebHook(hook, keyring));
  await announceChange(environment, hook.domain);
}

/** Other isolates read the change within ten seconds; so does the object, if it cannot be reached now. */
export async function announceChange(environment: Environment, domain: string): Promise<void> {
  directoryOf(environment).forget(domain);
  try {
    await environment.DOMAIN_EVENTS?.getByName(domain).hooksChanged();
  } catch (error) {
    console.error(JSON.stringify({ note: "a change of web hooks is not known at once", domain, error: String(error) }));
  }
}
