import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { isFault } from "../../lib/syntax/fault.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { keepTrunk } from "../../durable-objects/next-hop/keeping.ts";
import { directoryOf } from "../directory.ts";
import type { Environment } from "../environment.ts";
import { Problem } from "./problem.ts";
import { json, noContent, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";
import { Store } from "./store.ts";

const fields = {
  server: z
    .string()
    .max(256)
    .refine(isServer, "is not a SIP or SIPS URI of a server, without a user")
    .openapi({ example: "sip:pbx.example.com;transport=tcp" }),
  username: z.string().min(1).max(128).optional(),
  register: z.boolean().default(false).openapi({ description: "We register there, and hold the connection for calls that come from it" }),
  inbound: z.boolean().default(false).openapi({ description: "Calls that come from it are taken" }),
  prefixes: z
    .array(z.string().max(32))
    .max(100)
    .default([])
    .openapi({ description: 'User parts that begin so go there if they are nobody\'s here; "" for all' }),
  trusted: z.boolean().default(false).openapi({ description: "It is told who calls (P-Asserted-Identity), and believed" }),
};
const trunkBody = z
  .strictObject({ ...fields, password: z.string().min(1).max(256).optional().openapi({ description: "Kept if left out. Never shown." }) })
  .refine(({ register, username }) => !register || username !== undefined, "a trunk that is registered at needs a username")
  .openapi("TrunkChange");
const trunkSchema = z.object({ name: z.string(), ...fields }).openapi("Trunk");
const trunksSchema = z.object({ trunks: z.array(trunkSchema) }).openapi("Trunks");

const security = [{ bearer: [] }];
const path = "/domains/{domain}/trunks/{trunk}";
const params = domainParameters.extend({
  trunk: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "is not made of a-z, 0-9 and hyphens")
    .openapi({ param: { name: "trunk", in: "path" }, example: "provider" }),
});
const list = createRoute({
  ...{ method: "get", path: "/domains/{domain}/trunks", security, request: { params: domainParameters } },
  responses: { 200: json(trunksSchema, "The trunks of the domain"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...{ method: "put", path, security },
  request: { params, body: { required: true, content: { "application/json": { schema: trunkBody } } } },
  responses: { 200: json(trunkSchema, "The trunk, as it is now"), ...problems(400, 401, 404, 413, 503) },
});
const remove = createRoute({
  ...{ method: "delete", path, security, request: { params } },
  responses: { 204: noContent, ...problems(400, 401, 404, 503) },
});

/** /domains/{domain}/trunks. */
export const trunkRoutes = new OpenAPIHono<{ Bindings: Environment }>();

trunkRoutes.openapi(list, async (context) => {
  const { domain } = context.req.valid("param");
  const store = new Store(context.env.DIRECTORY);
  if (!(await store.hasDomain(domain))) throw new Problem(404, `there is no domain ${domain}`);
  return context.json({ trunks: (await store.trunks(domain)).map(shown) }, 200);
});

trunkRoutes.openapi(put, async (context) => {
  const { domain, trunk: name } = context.req.valid("param");
  const store = new Store(context.env.DIRECTORY);
  if (!(await store.hasDomain(domain))) throw new Problem(404, `there is no domain ${domain}`);
  const before = (await store.trunks(domain)).find((one) => one.name === name);
  const { username, password = before?.password, ...rest } = context.req.valid("json");
  const trunk: Trunk = {
    domain,
    name,
    ...rest,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
  await store.putTrunk(trunk);
  directoryOf(context.env).forget(domain);
  if (trunk.register) context.executionCtx.waitUntil(keepTrunk(context.env, trunk));
  return context.json(shown(trunk), 200);
});

trunkRoutes.openapi(remove, async (context) => {
  const { domain, trunk: name } = context.req.valid("param");
  if (!(await new Store(context.env.DIRECTORY).deleteTrunk(domain, name))) throw new Problem(404, `there is no trunk ${name} in ${domain}`);
  directoryOf(context.env).forget(domain);
  return context.body(null, 204);
});

/** Without the password. */
function shown({ name, server, username, register, inbound, prefixes, trusted }: Trunk) {
  return { name, server, register, inbound, prefixes: [...prefixes], trusted, ...(username === undefined ? {} : { username }) };
}

function isServer(text: string): boolean {
  const uri = parseUri(text);
  return !isFault(uri) && uri.kind === "sip" && uri.user === undefined;
}
