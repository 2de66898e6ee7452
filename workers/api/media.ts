import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { MediaService, ReadMediaService } from "../../lib/media/media-service.ts";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import { MediaStore } from "../../platform/directory/media-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { rtpengineOf } from "../../platform/media/rtpengine.ts";
import { whyUnreachable } from "../../platform/web-hook-receiver.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";

/** Media services of a domain. */
const maxServices = 10;

const serviceName = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, "is not made of a-z, 0-9 and hyphens")
  .openapi({ description: "The name of the service", example: "frankfurt" });
const interfaceName = z.string().regex(/^[\w.-]{1,64}$/, "is not the name of an interface");
const fields = {
  kind: z.literal("rtpengine").openapi({ description: "The only kind there is" }),
  url: z
    .string()
    .max(512)
    .refine((text) => ["https:", "http:"].includes(URL.parse(text)?.protocol ?? ""), "is not an https URL")
    .openapi({
      description: "The HTTP listener of rtpengine (listen-http), behind a proxy with TLS",
      example: "https://media.example.com/ng",
    }),
  priority: z.int().min(0).max(65_535).default(1).openapi({ description: "The lowest are asked first" }),
  phone_interface: interfaceName.optional().openapi({ description: "Its interface towards phones, if it has several", example: "public" }),
  trunk_interface: interfaceName.optional().openapi({ description: "Its interface towards trunks", example: "private" }),
};
const body = z
  .strictObject({
    ...fields,
    secret: z
      .string()
      .regex(/^[\x21-\x7e]{0,512}$/, "is not made of visible ASCII characters")
      .optional()
      .openapi({ description: 'Sent as Authorization: Bearer. Kept if left out, for the same url; "" for none. Never shown' }),
  })
  .refine(
    ({ phone_interface: one, trunk_interface: other }) => (one === undefined) === (other === undefined),
    "needs both phone_interface and trunk_interface, or neither",
  )
  .openapi("MediaServiceChange");
const schema = z
  .object({
    name: serviceName,
    ...fields,
    lost: z.boolean().openapi({ description: "Whether no key in SEAL_KEYS opens its secret: it is not used until it is PUT again" }),
  })
  .openapi("MediaService");
const listSchema = z.object({ services: z.array(schema).openapi({ description: "The services, by name" }) }).openapi("MediaServices");
const statusSchema = z
  .object({
    reachable: z.boolean().openapi({ description: "Whether it has answered a command" }),
    why: z.string().nullable().openapi({ description: "Why not; null if it has answered" }),
  })
  .openapi("MediaServiceStatus");

const security = [{ bearer: [] }];
const path = "/domains/{domain}/media/{name}";
const params = domainParameters.extend({ name: serviceName.openapi({ param: { name: "name", in: "path" } }) });
const list = createRoute({
  ...operation("listMediaServices", "List the media services of a domain", "Media"),
  ...{ method: "get", path: "/domains/{domain}/media", security, request: { params: domainParameters } },
  responses: { 200: json(listSchema, "The services, without their secrets"), ...problems(400, 401, 404, 503) },
});
const read = createRoute({
  ...operation("readMediaService", "Read a media service", "Media"),
  ...{ method: "get", path, security, request: { params } },
  responses: { 200: json(schema, "The service, without its secret"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putMediaService", "Create or replace a media service", "Media"),
  ...{ method: "put", path, security },
  request: { params, body: { required: true, content: { "application/json": { schema: body } } } },
  responses: { 200: json(schema, "The service, without its secret"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteMediaService", "Delete a media service", "Media"),
  ...{ method: "delete", path, security, request: { params } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});
const status = createRoute({
  ...operation("readMediaServiceStatus", "Ask a media service whether it is there", "Media"),
  ...{ method: "get", path: `${path}/status`, security, request: { params } },
  responses: { 200: json(statusSchema, "Whether it has answered"), ...problems(400, 401, 404, 503) },
});

/** /domains/{domain}/media. */
export const mediaRoutes = new OpenAPIHono<{ Bindings: Environment }>();

mediaRoutes.openapi(list, async (context) => {
  return context.json({ services: (await servicesOf(context.env, context.req.valid("param").domain)).map(view) }, 200);
});

mediaRoutes.openapi(read, async (context) => {
  const { domain, name } = context.req.valid("param");
  return context.json(view(await named(context.env, domain, name)), 200);
});

mediaRoutes.openapi(put, async (context) => {
  const { domain, name } = context.req.valid("param");
  const keyring = keyringFor(context.env);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: services cannot be stored");
  const all = await servicesOf(context.env, domain);
  const before = all.find(({ service }) => service.name === name);
  if (before === undefined && all.length >= maxServices)
    throw new Problem(409, `${domain} has ${maxServices} media services, which is the limit`);
  const service = serviceOf(name, context.req.valid("json"), before);
  const why = await whyUnreachable(context.env, service.url);
  if (why !== undefined) throw new Problem(400, `url: ${why}`);
  await new MediaStore(context.env.DIRECTORY).put(domain, service, keyring);
  directoryOf(context.env).forget(domain);
  return context.json(view({ service, isLost: false }), 200);
});

mediaRoutes.openapi(remove, async (context) => {
  const { domain, name } = context.req.valid("param");
  await named(context.env, domain, name);
  await new MediaStore(context.env.DIRECTORY).delete(domain, name);
  directoryOf(context.env).forget(domain);
  return context.body(null, 204);
});

mediaRoutes.openapi(status, async (context) => {
  const { domain, name } = context.req.valid("param");
  const { service } = await named(context.env, domain, name);
  const why = await rtpengineOf(context.env)(service, { command: "ping" }).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return context.json({ reachable: why === null, why }, 200);
});

/** A secret is sent to its own URL only. */
function serviceOf(name: string, sent: z.infer<typeof body>, before: ReadMediaService | undefined): MediaService {
  const { kind, url, priority, secret, phone_interface: phoneInterface = "", trunk_interface: trunkInterface = "" } = sent;
  const isSame = before?.service.url === url;
  if (secret === undefined && isSame && before.isLost)
    throw new Problem(409, "secret: no key in SEAL_KEYS opens the one that is stored: send it again");
  return { name, kind, url, priority, secret: secret ?? (isSame ? before.service.secret : ""), phoneInterface, trunkInterface };
}

function view({ service, isLost: lost }: ReadMediaService): z.infer<typeof schema> {
  const { name, kind, url, priority, phoneInterface, trunkInterface } = service;
  const interfaces = phoneInterface === "" ? {} : { phone_interface: phoneInterface, trunk_interface: trunkInterface };
  return { name, kind, url, priority, ...interfaces, lost };
}

async function servicesOf(environment: Environment, domain: string): Promise<ReadMediaService[]> {
  await requireDomain(environment, domain);
  return new MediaStore(environment.DIRECTORY).ofDomain(domain, keyringFor(environment));
}

async function named(environment: Environment, domain: string, name: string): Promise<ReadMediaService> {
  const found = (await servicesOf(environment, domain)).find(({ service }) => service.name === name);
  if (found === undefined) throw new Problem(404, `there is no media service ${name} in ${domain}`);
  return found;
}
