import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { readHopName, writtenHost } from "../../lib/routing/hop-name.ts";
import type { Hop } from "../../lib/routing/locate.ts";
import { hasSameServers, isSameAccount, keepTrunkSecrets } from "../../lib/routing/kept-trunk.ts";
import { type Trunk, writeTrunk } from "../../lib/routing/trunk.ts";
import { defaultTrunkMedia } from "../../lib/media/media-service.ts";
import type { HopStatus } from "../../platform/object-rpc.ts";
import { inOrder, keepTrunk, missing } from "../../durable-objects/shared/trunk-failover.ts";
import { readConfiguration } from "../../platform/configuration.ts";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { type ApiEnvironment, refuseNetwork, refuseTrust } from "./actor.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { serverMembers } from "./server-members.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";
import { trunkBody, trunkSchema, trunksSchema } from "./trunk-schemas.ts";
import { ServerStore } from "../../platform/directory/server-store.ts";
import { hasNetwork } from "../../platform/private-network.ts";
import { SigningStore } from "../../platform/directory/signing-store.ts";
import { refuseUnlessTcp, refuseUnreachable } from "./trunk-servers.ts";

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
          redirected_to: z.string().nullable().openapi({
            description: "The server, `host:port`, that this one has sent our registration to (3xx); it is listed too. Null if it has not",
          }),
          options: z
            .object({
              at: z.iso.datetime().openapi({ description: "The time of the check" }),
              status: z.int().openapi({ description: "The status of its answer; 0: no answer" }),
            })
            .nullable()
            .openapi({ description: "Its answer to the last OPTIONS; null if there was no check" }),
          well: z.boolean().openapi({ description: "False: it gets no calls until it has answered" }),
          calls: z.int().openapi({ description: "Calls on this connection" }),
          seconds_today: z.int().nullable().openapi({
            description: "How long calls to the trunk have lasted today (UTC), begun seconds; null without maximum_minutes_per_day",
          }),
        }),
      )
      .openapi({
        description: "The connections to its servers, in the order they are tried, then to those that they have sent our registration to",
      }),
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
    200: json(
      statusSchema,
      "The connections to its servers, in the order they are tried, then to those that they have sent our registration to",
    ),
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
  const sent = trunkSent(domain, name, context.req.valid("json"));
  const isKept = before?.trusted === true && isSameAccount(sent, before);
  const refusal = refuseTrust(context.get("actor"), sent.trusted, isKept);
  if (refusal !== undefined) throw refusal;
  const isInSameNetwork = before === undefined ? sent.network === undefined : hasSameServers(sent, before) || isPublic(sent, before);
  const networkRefusal = refuseNetwork(context.get("actor"), isInSameNetwork);
  if (networkRefusal !== undefined) throw networkRefusal;
  refuseServers(context.env, context.req.valid("json"));
  await refuseWithoutKeys(context.env, sent);
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
  const statusOf = (name: string) => context.env.NEXT_HOP.getByName(name).status();
  const own = places.map(({ name }) => name);
  const hops = await Promise.all(own.map(statusOf));
  const others = new Set(hops.flatMap(({ redirectedTo = [] }) => redirectedTo).filter((name) => !own.includes(name)));
  hops.push(...(await Promise.all([...others].map(statusOf))));
  return context.json({ servers: hops.map(shownStatus), missing: [...(await missing(context.env, trunk))] }, 200);
});

function isPublic(...trunks: readonly Trunk[]): boolean {
  return trunks.every(({ network }) => network === undefined);
}

/** With the member names of the request. */
function refuseServers(environment: Environment, { server: only, servers = [], network }: z.infer<typeof trunkBody>): void {
  const { allowedNetworks } = readConfiguration(environment);
  if (network !== undefined && !hasNetwork(environment, network))
    throw new Problem(400, `network: this deployment has no binding ${network} of a VPC network`);
  const refuse = network === undefined ? refuseUnreachable : refuseUnlessTcp;
  if (only !== undefined) refuse("server", only, allowedNetworks);
  for (const [index, { uri }] of servers.entries()) refuse(`servers.${index}.uri`, uri, allowedNetworks);
}

/** Calls can only be signed with a key, and only be verified with authorities to trust. */
async function refuseWithoutKeys(environment: Environment, { domain, identity, verify }: Trunk): Promise<void> {
  if (verify !== undefined && readConfiguration(environment).stirRoots.length === 0)
    throw new Problem(400, "verify: the setting STIR_ROOTS has no certificates of authorities");
  if (identity === "sign" && (await new SigningStore(environment.DIRECTORY).find(domain, keyringFor(environment))) === undefined)
    throw new Problem(400, `identity: ${domain} has no key to sign with: PUT /domains/${domain}/signing first`);
}

async function trunkNamed(environment: Environment, domain: string, name: string): Promise<Trunk> {
  const trunk = (await new ServerStore(environment.DIRECTORY).trunks(domain, keyringFor(environment))).find((one) => one.name === name);
  if (trunk === undefined) throw new Problem(404, `there is no trunk ${name} in ${domain}`);
  return trunk;
}

function shownStatus({ transport, host, address, port, isConnected, registeredUntil, health, isUnavailable, ...counts }: HopStatus) {
  const { calls, talkedToday, redirectedTo } = counts;
  return {
    ...{ transport, host, address, port, calls },
    connected: isConnected,
    redirected_to: redirectedTo === undefined ? null : hostAndPort(readHopName(redirectedTo)),
    registered_until: registeredUntil === 0 ? null : new Date(registeredUntil).toISOString(),
    options: health === undefined ? null : { at: new Date(health.at).toISOString(), status: health.status },
    well: !isUnavailable,
    seconds_today: talkedToday === undefined ? null : Math.ceil(talkedToday / 1000),
  };
}

function hostAndPort({ host, port }: Hop): string {
  return `${writtenHost(host)}:${port}`;
}

function trunkSent(domain: string, name: string, sent: z.infer<typeof trunkBody>): Trunk {
  const { register, inbound, prefixes, trusted, format, maximum_calls, connections, options_interval } = sent;
  const { server: only = "", servers = [{ uri: only, priority: 1, weight: 1 }] } = sent;
  const { username, password, token, media } = sent;
  return {
    ...{ domain, name, servers, register, inbound, prefixes, trusted, format, maximum_calls, connections, options_interval },
    ...present({ username, password, token, media }),
    ...optional(sent),
  };
}

/** The members that may be absent, as they are sent, stored and shown. */
function optional(trunk: Trunk | z.infer<typeof trunkBody>) {
  const { failover_on, from_user, from_domain, headers, network, path } = trunk;
  const identity = trunk.identity === "pass" ? undefined : trunk.identity;
  const verify = trunk.verify === "off" ? undefined : trunk.verify;
  const refer = trunk.refer === "pass" ? undefined : trunk.refer;
  const { maximum_calls_per_second, maximum_minutes_per_day, allowed_destinations: allowed, forbidden_destinations: forbidden } = trunk;
  return present({
    ...{ network, path, from_user, from_domain, maximum_calls_per_second, maximum_minutes_per_day, identity, verify, refer },
    allowed_destinations: allowed === undefined ? undefined : [...allowed],
    forbidden_destinations: forbidden === undefined ? undefined : [...forbidden],
    failover_on: failover_on === undefined ? undefined : [...failover_on],
    headers: headers === undefined ? undefined : [...headers],
  });
}

/** Without members that are undefined. */
function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Without its secrets. */
function shown(trunk: Trunk) {
  const { name, servers, username, register, inbound, prefixes, trusted, format, maximum_calls, connections, options_interval, lost } =
    trunk;
  const { media = defaultTrunkMedia, identity = "pass" as const, verify = "off" as const, refer = "pass" as const } = trunk;
  return {
    ...{ name, register, inbound, trusted, format, maximum_calls, connections, options_interval },
    ...present({ username, lost: lost === undefined ? undefined : [...lost] }),
    ...optional(trunk),
    ...{ identity, verify, refer },
    prefixes: [...prefixes],
    servers: [...servers],
    media: { ...media, dtmf: media.dtmf ?? ("auto" as const), codecs: [...media.codecs] },
  };
}
