import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { type NonSubscriber, nonSubscriberHome } from "../../lib/transport/non-subscriber.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { hashOfToken } from "../../platform/directory/peers.ts";
import { type ApiEnvironment, refuseTrust } from "./actor.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainName, domainParameters } from "./schemas.ts";
import { type PeerRow, ServerStore } from "../../platform/directory/server-store.ts";
import { Store } from "../../platform/directory/store.ts";

const fields = {
  domains: z
    .array(domainName)
    .min(1)
    .max(100)
    .openapi({ description: "The domains that it serves", example: ["partner.example"] }),
  certificate: z
    .string()
    .transform((text) => text.replaceAll(":", "").toLowerCase())
    .refine((text) => /^[0-9a-f]{64}$/.test(text), "is not a SHA-256 fingerprint: 64 hexadecimal digits")
    .optional()
    .openapi({ description: "SHA-256 fingerprint of its client certificate, which Cloudflare has to verify (mTLS)" }),
  trusted: z.boolean().default(false).openapi({ description: "The caller identity that it asserts (P-Asserted-Identity) is trusted" }),
};
const peerBody = z
  .strictObject({
    ...fields,
    token: z
      .string()
      .regex(/^\S{20,200}$/, "has to be 20 to 200 characters without spaces")
      .optional()
      .openapi({ description: "The bearer token with which it connects. Kept if left out, never shown." }),
  })
  .openapi("PeerChange");
const peerSchema = z
  .object({
    name: z.string().openapi({ description: "The name of the peer", example: "partner" }),
    ...fields,
    has_token: z.boolean().openapi({ description: "Whether it may connect with a token" }),
  })
  .openapi("Peer");
const peersSchema = z.object({ peers: z.array(peerSchema).openapi({ description: "The peers, by name" }) }).openapi("Peers");

const security = [{ bearer: [] }];
const path = "/domains/{domain}/peers/{peer}";
const params = domainParameters.extend({
  peer: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "is not made of a-z, 0-9 and hyphens")
    .openapi({ param: { name: "peer", in: "path" }, description: "The name of the peer", example: "partner" }),
});
const list = createRoute({
  ...operation("listPeers", "List the servers that may connect", "Other servers"),
  ...{ method: "get", path: "/domains/{domain}/peers", security, request: { params: domainParameters } },
  responses: { 200: json(peersSchema, "The servers of other domains that may connect"), ...problems(400, 401, 404, 503) },
});
const read = createRoute({
  ...operation("readPeer", "Read a server that may connect", "Other servers"),
  ...{ method: "get", path, security, request: { params } },
  responses: { 200: json(peerSchema, "The server"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putPeer", "Allow another server to connect", "Other servers"),
  ...{ method: "put", path, security },
  request: { params, body: { required: true, content: { "application/json": { schema: peerBody } } } },
  responses: { 200: json(peerSchema, "The stored peer"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deletePeer", "Remove a peer and close its connections", "Other servers"),
  ...{ method: "delete", path, security, request: { params } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains/{domain}/peers. */
export const peerRoutes = new OpenAPIHono<ApiEnvironment>();

peerRoutes.openapi(list, async (context) => {
  const { domain } = context.req.valid("param");
  const store = new ServerStore(context.env.DIRECTORY);
  await requireDomain(context.env, domain);
  return context.json({ peers: (await store.peers(domain)).map(shown) }, 200);
});

peerRoutes.openapi(read, async (context) => {
  const { domain, peer } = context.req.valid("param");
  return context.json(shown(await peerNamed(context.env, domain, peer)), 200);
});

peerRoutes.openapi(put, async (context) => {
  const { domain, peer: name } = context.req.valid("param");
  const store = new ServerStore(context.env.DIRECTORY);
  await requireDomain(context.env, domain);
  const before = (await store.peers(domain)).find((one) => one.name === name);
  const { token, certificate = null, domains, trusted } = context.req.valid("json");
  if (await isServed(context.env, domains)) throw new Problem(409, "domains: one of them is served by this server");
  const settings: NonSubscriber = { kind: "peer", domain, name, domains, isTrusted: trusted };
  const row: PeerRow = { domain, name, token: token === undefined ? (before?.token ?? null) : hashOfToken(token), certificate, settings };
  const isKept = before?.settings.isTrusted === true && isSamePeer(row, before);
  const refusal = refuseTrust(context.get("actor"), trusted, isKept);
  if (refusal !== undefined) throw refusal;
  if (row.token === null && certificate === null) throw new Problem(400, "a peer needs a token or a certificate");
  if (!(await store.putPeer(row))) throw new Problem(409, "another peer has this token or certificate");
  directoryOf(context.env).forget(domain);
  if (before !== undefined) await endPeer(context.env, before);
  return context.json(shown(row), 200);
});

peerRoutes.openapi(remove, async (context) => {
  const { domain, peer: name } = context.req.valid("param");
  const store = new ServerStore(context.env.DIRECTORY);
  const before = await peerNamed(context.env, domain, name);
  await store.deletePeer(domain, name);
  directoryOf(context.env).forget(domain);
  await endPeer(context.env, before);
  return context.body(null, 204);
});

async function peerNamed({ DIRECTORY }: Environment, domain: string, name: string): Promise<PeerRow> {
  const peer = (await new ServerStore(DIRECTORY).peers(domain)).find((one) => one.name === name);
  if (peer === undefined) throw new Problem(404, `there is no peer ${name} in ${domain}`);
  return peer;
}

/** Whether the same server may connect, for the same domains. */
function isSamePeer(row: PeerRow, before: PeerRow): boolean {
  const domains = ({ settings }: PeerRow) => [...settings.domains].sort().join(" ");
  return row.token === before.token && row.certificate === before.certificate && domains(row) === domains(before);
}

/** Its connections end at once: it has to reconnect with the new settings. */
export async function endPeer({ ADDRESS_OF_RECORD }: Environment, { settings }: PeerRow): Promise<void> {
  await ADDRESS_OF_RECORD.getByName(nonSubscriberHome(settings)).subscriberDeleted();
}

async function isServed({ DIRECTORY }: Environment, domains: readonly string[]): Promise<boolean> {
  const store = new Store(DIRECTORY);
  const served = await Promise.all(domains.map((domain) => store.hasDomain(domain)));
  return served.includes(true);
}

function shown({ name, token, certificate, settings }: PeerRow): z.infer<typeof peerSchema> {
  const { domains, isTrusted: trusted } = settings;
  return { name, domains: [...domains], trusted, has_token: token !== null, ...(certificate === null ? {} : { certificate }) };
}
