import { OpenAPIHono, createRoute } from "@hono/zod-openapi";
import type { IceSettings, ReadIceSettings } from "../../lib/ice/ice-settings.ts";
import { keepSecrets } from "../../lib/ice/kept-secrets.ts";
import { keyringFor } from "../../platform/directory/directory.ts";
import { IceStore } from "../../platform/directory/ice-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { whyUnreachable } from "../../platform/web-hook-receiver.ts";
import { requireDomain } from "./existing.ts";
import { iceBody, iceSchema, iceView, sentIceSettings } from "./ice-schemas.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";

const shared = { path: "/domains/{domain}/ice", security: [{ bearer: [] }] };
const read = createRoute({
  ...operation("readIce", "Read the STUN and TURN servers of a domain", "Media"),
  ...{ method: "get", ...shared, request: { params: domainParameters } },
  responses: { 200: json(iceSchema, "The servers, without their secrets"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putIce", "Set or replace the STUN and TURN servers of a domain", "Media"),
  ...{ method: "put", ...shared },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: iceBody } } } },
  responses: { 200: json(iceSchema, "The new servers, without their secrets"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteIce", "Delete the STUN and TURN servers of a domain", "Media"),
  ...{ method: "delete", ...shared, request: { params: domainParameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains/{domain}/ice. */
export const iceRoutes = new OpenAPIHono<{ Bindings: Environment }>();

iceRoutes.openapi(read, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  const found = await new IceStore(context.env.DIRECTORY).find(domain, keyringFor(context.env));
  if (found === undefined) throw none(domain);
  return context.json(iceView(found), 200);
});

iceRoutes.openapi(put, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  const keyring = keyringFor(context.env);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: servers cannot be stored");
  const store = new IceStore(context.env.DIRECTORY);
  const settings = complete(sentIceSettings(context.req.valid("json")), await store.find(domain, keyring));
  const why = settings.kind === "cloudflare" ? await whyUnreachable(context.env, settings.endpoint) : undefined;
  if (why !== undefined) throw new Problem(400, `endpoint: ${why}`);
  await store.put(domain, settings, keyring);
  return context.json(iceView({ settings, isLost: false }), 200);
});

iceRoutes.openapi(remove, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  if (!(await new IceStore(context.env.DIRECTORY).delete(domain))) throw none(domain);
  return context.body(null, 204);
});

/** With the secrets that were left out. */
function complete(sent: Parameters<typeof keepSecrets>[0], before: ReadIceSettings | undefined): IceSettings {
  const settings = keepSecrets(sent, before?.settings);
  if (!("missing" in settings)) return settings;
  const { missing } = settings;
  if (before?.isLost === true && before.settings.kind === sent.kind)
    throw new Problem(409, `${missing}: no key in SEAL_KEYS opens the one that is stored: send it again`);
  throw new Problem(400, `${missing}: is missing, and there is none to keep`);
}

function none(domain: string): Problem {
  return new Problem(404, `${domain} has no STUN or TURN servers`);
}
