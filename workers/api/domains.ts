import { OpenAPIHono, createRoute } from "@hono/zod-openapi";
import { keepTrunk } from "../../durable-objects/shared/trunk-failover.ts";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { homesOf } from "./homes.ts";
import { endPeer } from "./peers.ts";
import { requireDomain } from "./existing.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters, domainSchema, domainsSchema, pageQuery } from "./schemas.ts";
import { CallStore } from "../../platform/directory/call-store.ts";
import { announceChange } from "./web-hooks.ts";
import { ServerStore } from "../../platform/directory/server-store.ts";
import { Store } from "../../platform/directory/store.ts";

const security = [{ bearer: [] }];
const path = "/domains/{domain}";

const list = createRoute({
  ...operation("listDomains", "List the domains", "Domains"),
  method: "get",
  path: "/domains",
  security,
  request: { query: pageQuery },
  responses: { 200: json(domainsSchema, "The domains"), ...problems(400, 401, 503) },
});
const read = createRoute({
  ...operation("readDomain", "Read a domain", "Domains"),
  method: "get",
  path,
  security,
  request: { params: domainParameters },
  responses: { 200: json(domainSchema, "The domain"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putDomain", "Create a domain", "Domains"),
  ...{ method: "put", path, security, request: { params: domainParameters } },
  responses: { 200: json(domainSchema, "It existed already"), 201: json(domainSchema, "It was created"), ...problems(400, 401, 412, 503) },
});
const remove = createRoute({
  ...operation("deleteDomain", "Delete a domain and everything in it", "Domains"),
  method: "delete",
  path,
  security,
  request: { params: domainParameters },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains and /domains/{domain}. */
export const domainRoutes = new OpenAPIHono<{ Bindings: Environment }>();

domainRoutes.openapi(list, async (context) => {
  const { cursor, limit, search } = context.req.valid("query");
  const names = await new Store(context.env.DIRECTORY).domains({ after: cursor, limit: limit + 1, search });
  const page = names.slice(0, limit);
  return context.json(
    { domains: page.map((domain) => ({ domain })), next_cursor: names.length > limit ? (page.at(-1) ?? null) : null },
    200,
  );
});

domainRoutes.openapi(read, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  return context.json({ domain }, 200);
});

domainRoutes.openapi(put, async (context) => {
  const { domain } = context.req.valid("param");
  const { created } = await new Store(context.env.DIRECTORY).putDomain(domain, Date.now());
  directoryOf(context.env).forget(domain);
  return created ? context.json({ domain }, 201) : context.json({ domain }, 200);
});

domainRoutes.openapi(remove, async (context) => {
  const { domain } = context.req.valid("param");
  const store = new Store(context.env.DIRECTORY);
  const servers = new ServerStore(context.env.DIRECTORY);
  const [trunks, peers] = [await servers.trunks(domain, keyringFor(context.env)), await servers.peers(domain)];
  const subscribers = await store.deleteDomain(domain);
  await new CallStore(context.env.DIRECTORY).deleteOfDomain(domain);
  directoryOf(context.env).forget(domain);
  const homes = homesOf(context.env, (work) => context.executionCtx.waitUntil(work));
  await Promise.all([...subscribers.map((subscriber) => homes.deleted(subscriber)), ...peers.map((peer) => endPeer(context.env, peer))]);
  await announceChange(context.env, domain);
  for (const trunk of trunks) context.executionCtx.waitUntil(keepTrunk(context.env, undefined, trunk));
  return context.body(null, 204);
});
