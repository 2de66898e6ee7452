import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { isFault } from "../../lib/syntax/fault.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import { isSameAccount, keepTrunkSecrets } from "../../lib/routing/kept-trunk.ts";
import { type Trunk, writeTrunk } from "../../lib/routing/trunk.ts";
import { defaultTrunkMedia } from "../../lib/media/media-service.ts";
import { mediaProfiles } from "../../lib/media/profile.ts";
import type { HopStatus } from "../../platform/object-rpc.ts";
import { inOrder, keepTrunk, missing } from "../../durable-objects/shared/trunk-failover.ts";
import { readConfiguration } from "../../platform/configuration.ts";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { type ApiEnvironment, refuseTrust } from "./actor.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { serverMembers } from "./server-members.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters, isPlainText } from "./schemas.ts";
import { ServerStore } from "../../platform/directory/server-store.ts";
import { refuseUnreachable } from "./trunk-servers.ts";

const server = z
  .string()
  .max(256)
  .refine(isServer, "is not a SIP or SIPS URI of a server, without a user")
  .openapi({ description: "A SIP or SIPS URI without a user", example: "sip:pbx.example.com;transport=tcp" });
const serverSchema = z
  .strictObject({
    uri: server,
    priority: z.int().min(0).max(65_535).default(1).openapi({ description: "The lowest are tried first" }),
    weight: z.int().min(0).max(65_535).default(1).openapi({ description: "Share of the calls among servers of one priority" }),
  })
  .openapi("TrunkServer");
const digits = z.string().regex(/^\d{0,4}$/, "does not have at most four digits");
const formatSchema = z
  .union([
    z.enum(["e164", "plain"]),
    z.strictObject({
      country_code: z
        .string()
        .regex(/^[1-9]\d{0,2}$/, "is not a country code")
        .openapi({ description: "The country, without a plus", example: "49" }),
      prefix: digits.default("0").openapi({ description: "Before a number of the same country" }),
      international_prefix: digits.default("00").openapi({ description: "Before the country code of any other" }),
    }),
  ])
  .openapi("NumberFormat", { description: "How the trunk writes numbers: +4930123, 4930123, or as dialled in a country" });

const mediaSchema = z
  .strictObject({
    profile: z
      .enum(["auto", ...mediaProfiles])
      .default("auto")
      .openapi({
        description:
          "What the other side speaks: as browsers (webrtc), plain RTP, or SRTP with SDES keys; auto: WebRTC calls from it pass, calls to it are converted to RTP if the domain has a media service",
      }),
    codecs: z
      .array(z.string().regex(/^[\w./-]{1,64}$/, "is not the name of a codec"))
      .max(20)
      .default([])
      .openapi({ description: "The only codecs that it is offered; the media service converts others", example: ["PCMA", "PCMU"] }),
    service: z
      .string()
      .regex(/^[a-z0-9-]{0,64}$/, "is not the name of a media service")
      .default("")
      .openapi({ description: "The media service; any of the domain if absent" }),
  })
  .openapi("TrunkMedia", { description: "The media of the other side" });

const fields = {
  username: z
    .string()
    .max(128)
    .min(1)
    .refine(isPlainText, "has control characters")
    .optional()
    .openapi({ description: "The name of our account there" }),
  register: z
    .boolean()
    .default(false)
    .openapi({ description: "This server registers there, and keeps the connection open for calls from it" }),
  inbound: z.boolean().default(false).openapi({ description: "Calls from it are accepted" }),
  prefixes: z
    .array(z.string().max(32))
    .max(100)
    .default([])
    .openapi({ description: 'Numbers that begin with one of these, and belong to no user here, go there; "" is all numbers' }),
  trusted: z.boolean().default(false).openapi({
    description: "It gets the caller identity (P-Asserted-Identity), is trusted to assert it, and may call in the name of users",
  }),
  format: formatSchema.default("e164"),
  maximum_calls: z
    .int()
    .min(0)
    .max(100_000)
    .default(0)
    .openapi({ description: "Simultaneous calls over each connection to each server; 0: no limit" }),
  media: mediaSchema.optional(),
  connections: z.int().min(1).max(16).default(1).openapi({ description: "Connections to each server, if one is too slow" }),
  options_interval: z
    .int()
    .refine((seconds) => seconds === 0 || (seconds >= 5 && seconds <= 86_400), "has to be 0, or from 5 to 86400")
    .default(0)
    .openapi({ description: "Seconds between OPTIONS that check each server; 0: no checks" }),
};
const trunkBody = z
  .strictObject({
    ...fields,
    server: server.optional().openapi({ description: "The server, if there is only one" }),
    servers: z.array(serverSchema).min(1).max(10).optional().openapi({ description: "The servers, if there are several" }),
    password: z.string().min(1).max(256).optional().openapi({
      description:
        "The password of our account there. Sealed where it is stored, kept if left out and the servers and the username stay, never shown.",
    }),
    token: z
      .string()
      .regex(/^\S{1,200}$/, "has to be 1 to 200 characters without spaces")
      .optional()
      .openapi({
        description:
          "Sent to servers over WebSocket (Authorization: Bearer). Sealed where it is stored, kept if left out and the servers and the username stay, never shown.",
      }),
  })
  .refine((trunk) => (trunk.server === undefined) !== (trunk.servers === undefined), "needs either server or servers")
  .refine(({ register, username }) => !register || username !== undefined, "needs a username, because register is true")
  .openapi("TrunkChange");
const trunkSchema = z
  .object({
    name: z.string().openapi({ description: "The name of the trunk", example: "provider" }),
    servers: z.array(serverSchema).openapi({ description: "Its servers" }),
    ...fields,
    lost: z
      .array(z.enum(["password", "token"]))
      .optional()
      .openapi({ description: "Secrets that no key in SEAL_KEYS opens, so that they have to be sent again; absent if there are none" }),
  })
  .openapi("Trunk");
const trunksSchema = z.object({ trunks: z.array(trunkSchema).openapi({ description: "The trunks, by name" }) }).openapi("Trunks");

const security = [{ bearer: [] }];
const path = "/domains/{domain}/trunks/{trunk}";
const params = domainParameters.extend({
  trunk: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "is not made of a-z, 0-9 and hyphens")
    .openapi({ param: { name: "trunk", in: "path" }, description: "The name of the trunk", example: "provider" }),
});
const list = createRoute({
  ...operation("listTrunks", "List the trunks of a domain", "Other servers"),
  ...{ method: "get", path: "/domains/{domain}/trunks", security, request: { params: domainParameters } },
  responses: { 200: json(trunksSchema, "The trunks of the domain"), ...problems(400, 401, 404, 503) },
});
const read = createRoute({
  ...operation("readTrunk", "Read a trunk", "Other servers"),
  ...{ method: "get", path, security, request: { params } },
  responses: { 200: json(trunkSchema, "The trunk"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putTrunk", "Create or replace a trunk", "Other servers"),
  ...{ method: "put", path, security },
  request: { params, body: { required: true, content: { "application/json": { schema: trunkBody } } } },
  responses: { 200: json(trunkSchema, "The stored trunk"), ...problems(400, 401, 404, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteTrunk", "Delete a trunk", "Other servers"),
  ...{ method: "delete", path, security, request: { params } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

const statusSchema = z
  .object({
    servers: z
      .array(
        z.object({
          ...serverMembers,
          connected: z.boolean().openapi({ description: "Whether the connection is open" }),
          registered_until: z.iso.datetime().nullable().openapi({ description: "Until when we are registered there; null if we are not" }),
          options: z
            .object({
              at: z.iso.datetime().openapi({ description: "The time of the check" }),
              status: z.int().openapi({ description: "The status of its answer; 0: no answer" }),
            })
            .nullable()
            .openapi({ description: "Its answer to the last OPTIONS; null if there was no check" }),
          well: z.boolean().openapi({ description: "False: it gets no calls until it has answered" }),
          calls: z.int().openapi({ description: "Calls on this connection" }),
        }),
      )
      .openapi({ description: "The connections to its servers, in the order they are tried" }),
    missing: z
      .array(
        z.object({
          server: z.string().openapi({ description: "Its URI" }),
          why: z.string().openapi({ description: "Why calls cannot go there" }),
        }),
      )
      .openapi({ description: "Servers that calls cannot go to: the DNS does not know them, or ALLOWED_NETWORKS lacks their network" }),
  })
  .openapi("TrunkStatus");
const status = createRoute({
  ...operation("readTrunkStatus", "Read the state of a trunk's servers", "Other servers"),
  ...{ method: "get", path: `${path}/status`, security, request: { params } },
  responses: {
    200: json(statusSchema, "The connections to its servers, in the order they are tried"),
    ...problems(400, 401, 404, 503),
  },
});

/** /domains/{domain}/trunks. */
export const trunkRoutes = new OpenAPIHono<ApiEnvironment>();

trunkRoutes.openapi(list, async (context) => {
  const { domain } = context.req.valid("param");
  const store = new ServerStore(context.env.DIRECTORY);
  await requireDomain(context.env, domain);
  return context.json({ trunks: (await store.trunks(domain, keyringFor(context.env))).map(shown) }, 200);
});

trunkRoutes.openapi(read, async (context) => {
  const { domain, trunk } = context.req.valid("param");
  return context.json(shown(await trunkNamed(context.env, domain, trunk)), 200);
});

trunkRoutes.openapi(put, async (context) => {
  const { domain, trunk: name } = context.req.valid("param");
  const store = new ServerStore(context.env.DIRECTORY);
  await requireDomain(context.env, domain);
  const keyring = keyringFor(context.env);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: trunks cannot be stored");
  const before = (await store.trunks(domain, keyring)).find((one) => one.name === name);
  const { username, password, token, server: only = "", servers, media, ...rest } = context.req.valid("json");
  const sent: Trunk = {
    domain,
    name,
    ...rest,
    servers: servers ?? [{ uri: only, priority: 1, weight: 1 }],
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(token === undefined ? {} : { token }),
    ...(media === undefined ? {} : { media }),
  };
  const isKept = before?.trusted === true && isSameAccount(sent, before);
  const refusal = refuseTrust(context.get("actor"), sent.trusted, isKept);
  if (refusal !== undefined) throw refusal;
  refuseServers(context.env, context.req.valid("json"));
  const trunk = keepTrunkSecrets(sent, before);
  if ("missing" in trunk)
    throw new Problem(400, `${trunk.missing}: is missing: the one before is kept only for the same servers and the same username`);
  for (const secret of before?.lost ?? [])
    if (trunk[secret] === undefined) throw new Problem(409, `${secret}: no key in SEAL_KEYS opens the one that is stored: send it again`);
  await store.putTrunk(trunk, writeTrunk(trunk, keyring));
  directoryOf(context.env).forget(domain);
  context.executionCtx.waitUntil(keepTrunk(context.env, trunk, before));
  return context.json(shown(trunk), 200);
});

trunkRoutes.openapi(remove, async (context) => {
  const { domain, trunk: name } = context.req.valid("param");
  const store = new ServerStore(context.env.DIRECTORY);
  const before = await trunkNamed(context.env, domain, name);
  await store.deleteTrunk(domain, name);
  directoryOf(context.env).forget(domain);
  context.executionCtx.waitUntil(keepTrunk(context.env, undefined, before));
  return context.body(null, 204);
});

trunkRoutes.openapi(status, async (context) => {
  const { domain, trunk: name } = context.req.valid("param");
  const trunk = await trunkNamed(context.env, domain, name);
  const places = await inOrder(context.env, trunk);
  const hops = await Promise.all(places.map((place) => context.env.NEXT_HOP.getByName(place.name).status()));
  return context.json({ servers: hops.map(shownStatus), missing: [...(await missing(context.env, trunk))] }, 200);
});

/** With the member names of the request. */
function refuseServers(environment: Environment, { server: only, servers = [] }: z.infer<typeof trunkBody>): void {
  const { allowedNetworks } = readConfiguration(environment);
  if (only !== undefined) refuseUnreachable("server", only, allowedNetworks);
  for (const [index, { uri }] of servers.entries()) refuseUnreachable(`servers.${index}.uri`, uri, allowedNetworks);
}

async function trunkNamed(environment: Environment, domain: string, name: string): Promise<Trunk> {
  const trunk = (await new ServerStore(environment.DIRECTORY).trunks(domain, keyringFor(environment))).find((one) => one.name === name);
  if (trunk === undefined) throw new Problem(404, `there is no trunk ${name} in ${domain}`);
  return trunk;
}

function shownStatus({ transport, host, address, port, isConnected, registeredUntil, health, isUnavailable, calls }: HopStatus) {
  return {
    ...{ transport, host, address, port, calls },
    connected: isConnected,
    registered_until: registeredUntil === 0 ? null : new Date(registeredUntil).toISOString(),
    options: health === undefined ? null : { at: new Date(health.at).toISOString(), status: health.status },
    well: !isUnavailable,
  };
}

/** Without its secrets. */
function shown(trunk: Trunk) {
  const { name, servers, username, register, inbound, prefixes, trusted, format, maximum_calls, connections, options_interval, lost } =
    trunk;
  const { media = defaultTrunkMedia } = trunk;
  return {
    ...{ name, register, inbound, trusted, format, maximum_calls, connections, options_interval },
    ...(username === undefined ? {} : { username }),
    prefixes: [...prefixes],
    servers: [...servers],
    media: { ...media, codecs: [...media.codecs] },
    ...(lost === undefined ? {} : { lost: [...lost] }),
  };
}

function isServer(text: string): boolean {
  const uri = parseUri(text);
  return !isFault(uri) && uri.kind === "sip" && uri.user === undefined;
}
