import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { PushProvider } from "../../lib/push/push-device.ts";
import { type PushService, type ReadPushService, isSamePlace } from "../../lib/push/push-service.ts";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import { PushStore } from "../../platform/directory/push-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { createVapidKeys } from "../../platform/push/web-push.ts";
import { whyUnreachable } from "../../platform/web-hook-receiver.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { apnsBody, fcmBody, providerSchema, pushSchema, pushView, sentApns, sentFcm, webPushBody } from "./push-schemas.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";

const security = [{ bearer: [] }];
const parameters = domainParameters.extend({ provider: providerSchema.openapi({ param: { name: "provider", in: "path" } }) });
const servicesSchema = z
  .object({ services: z.array(pushSchema).openapi({ description: "The services, without their secrets" }) })
  .openapi("PushServices");

const list = createRoute({
  ...operation("listPushServices", "List the push notification services of a domain", "Push"),
  ...{ method: "get", path: "/domains/{domain}/push", security, request: { params: domainParameters } },
  responses: { 200: json(servicesSchema, "The services"), ...problems(400, 401, 404, 503) },
});
const read = createRoute({
  ...operation("readPushService", "Read a push notification service of a domain", "Push"),
  ...{ method: "get", path: "/domains/{domain}/push/{provider}", security, request: { params: parameters } },
  responses: { 200: json(pushSchema, "The service, without its secret"), ...problems(400, 401, 404, 503) },
});
const stored = { 200: json(pushSchema, "The service, without its secret"), ...problems(400, 401, 404, 409, 412, 413, 503) };
const putWebPush = createRoute({
  ...operation("putWebPush", "Wake browsers by Web Push", "Push"),
  ...{ method: "put", path: "/domains/{domain}/push/webpush", security, responses: stored },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: webPushBody } } } },
});
const putFcm = createRoute({
  ...operation("putFcm", "Wake Android apps by Firebase Cloud Messaging", "Push"),
  ...{ method: "put", path: "/domains/{domain}/push/fcm", security, responses: stored },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: fcmBody } } } },
});
const putApns = createRoute({
  ...operation("putApns", "Wake iOS apps by the Apple Push Notification service", "Push"),
  ...{ method: "put", path: "/domains/{domain}/push/apns", security, responses: stored },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: apnsBody } } } },
});
const remove = createRoute({
  ...operation("deletePushService", "Delete a push notification service of a domain", "Push"),
  ...{ method: "delete", path: "/domains/{domain}/push/{provider}", security, request: { params: parameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains/{domain}/push. */
export const pushRoutes = new OpenAPIHono<{ Bindings: Environment }>();

pushRoutes.openapi(list, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  const found = await new PushStore(context.env.DIRECTORY).ofDomain(domain, keyringFor(context.env));
  return context.json({ services: found.map(pushView) }, 200);
});

pushRoutes.openapi(read, async (context) => {
  const { domain, provider } = context.req.valid("param");
  await requireDomain(context.env, domain);
  const found = await new PushStore(context.env.DIRECTORY).find(domain, provider, keyringFor(context.env));
  if (found === undefined) throw none(domain, provider);
  return context.json(pushView(found), 200);
});

pushRoutes.openapi(putWebPush, async (context) => {
  const { domain } = context.req.valid("param");
  const { subject, hosts, new_keys: wantsNew } = context.req.valid("json");
  const place = await placeFor(context.env, domain, "webpush");
  const kept = place.before?.service.provider === "webpush" && !place.before.isLost && !wantsNew ? place.before.service : undefined;
  const { publicKey, privateKey } = kept ?? (await createVapidKeys());
  return context.json(await place.put({ provider: "webpush", subject, hosts, publicKey, privateKey }), 200);
});

pushRoutes.openapi(putFcm, async (context) => {
  const place = await placeFor(context.env, context.req.valid("param").domain, "fcm");
  const service = withSecret(sentFcm(context.req.valid("json")), place.before, "service_account.private_key");
  await mayBeAsked(context.env, { endpoint: service.endpoint, "service_account.token_uri": service.tokenUri });
  return context.json(await place.put(service), 200);
});

pushRoutes.openapi(putApns, async (context) => {
  const place = await placeFor(context.env, context.req.valid("param").domain, "apns");
  const service = withSecret(sentApns(context.req.valid("json")), place.before, "key");
  await mayBeAsked(context.env, { endpoint: service.endpoint });
  return context.json(await place.put(service), 200);
});

pushRoutes.openapi(remove, async (context) => {
  const { domain, provider } = context.req.valid("param");
  await requireDomain(context.env, domain);
  if (!(await new PushStore(context.env.DIRECTORY).delete(domain, provider))) throw none(domain, provider);
  directoryOf(context.env).forget(domain);
  return context.body(null, 204);
});

/** Where the service of a domain is stored, and what is there now. */
async function placeFor(environment: Environment, domain: string, provider: PushProvider) {
  await requireDomain(environment, domain);
  const keyring = keyringFor(environment);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: services cannot be stored");
  const store = new PushStore(environment.DIRECTORY);
  const before = await store.find(domain, provider, keyring);
  const put = async (service: PushService) => {
    await store.put(domain, service, keyring);
    directoryOf(environment).forget(domain);
    return pushView({ service, isLost: false });
  };
  return { before, put };
}

/** A secret that was left out is kept for the same account at the same places only: it would be used with the new ones. */
function withSecret<Service extends PushService>(sent: Service, before: ReadPushService | undefined, member: string): Service {
  if (sent.privateKey !== "") return sent;
  if (before === undefined) throw new Problem(400, `${member}: is missing, and there is none to keep`);
  if (before.isLost) throw new Problem(409, `${member}: no key in SEAL_KEYS opens the one that is stored: send it again`);
  if (!isSamePlace(sent, before.service)) throw new Problem(400, `${member}: is missing: it is kept only if nothing else changes`);
  return { ...sent, privateKey: before.service.privateKey };
}

/** @param places URLs, by the names of their members */
async function mayBeAsked(environment: Environment, places: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, url] of Object.entries(places)) {
    const why = await whyUnreachable(environment, url);
    if (why !== undefined) throw new Problem(400, `${name}: ${why}`);
  }
}

function none(domain: string, provider: PushProvider): Problem {
  return new Problem(404, `${domain} does not use the push notification service ${provider}`);
}
