import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { scopes } from "../../lib/authentication/scope.ts";
import { hashOfApiKey, mintApiKey } from "../../platform/crypto/api-key.ts";
import { type ApiKey, KeyStore, maxKeys } from "../../platform/directory/key-store.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Actor, ApiEnvironment } from "./actor.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainName, isPlainText } from "./schemas.ts";

const scopeSchema = z.enum(scopes).openapi({
  description:
    "read: every GET but that of keys; calls: also to end calls and to keep traces; provisioning: also to change users, their rules, bindings, watchers, presence and lists; everything: also domains, settings, trunks, peers, routes, web hooks and, for all domains, keys",
});
const time = z.iso.datetime();
const fields = {
  id: z.string().openapi({ description: "The id of the key: not secret, and a part of the key", example: "k3jd92mfa0qx41zb" }),
  name: z.string().openapi({ description: "What the key is for", example: "billing" }),
  domain: z.string().nullable().openapi({ description: "The only domain that the key is for; null: all domains", example: "example.com" }),
  scope: scopeSchema,
  created: time.openapi({ description: "When it was made" }),
  expires: time.nullable().openapi({ description: "When it ends; null: never" }),
  last_used: z.iso.date().nullable().openapi({ description: "The day (UTC) of its last use; null: it was never used" }),
};
const keySchema = z.object(fields).openapi("Key");
const newKeySchema = z
  .object({ key: z.string().openapi({ description: "The key: the bearer token. It is shown only here" }), ...fields })
  .openapi("NewKey");
const keysSchema = z.object({ keys: z.array(keySchema).openapi({ description: "The keys, the newest first" }) }).openapi("Keys");
const body = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(64)
      .refine(isPlainText, "has control characters")
      .openapi({ description: "What the key is for; the audit log has it", example: "billing" }),
    domain: domainName
      .optional()
      .openapi({ description: "The only domain that the key is for; absent: all domains", example: "example.com" }),
    scope: scopeSchema,
    expires: time.optional().openapi({ description: "When it ends; absent: never", example: "2027-11-29T00:00:00Z" }),
  })
  .openapi("KeyRequest");

const security = [{ bearer: [] }];
const list = createRoute({
  ...operation("listKeys", "List the API keys, without their secrets", "Keys"),
  ...{ method: "get", path: "/keys", security },
  responses: { 200: json(keysSchema, "The keys, those that have expired included"), ...problems(400, 401, 503) },
});
const add = createRoute({
  ...operation("addKey", "Make an API key", "Keys"),
  ...{ method: "post", path: "/keys", security },
  request: { body: { required: true, content: { "application/json": { schema: body } } } },
  responses: { 201: json(newKeySchema, "The new key; Location has its path"), ...problems(400, 401, 409, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteKey", "Delete an API key, which ends it at once", "Keys"),
  ...{ method: "delete", path: "/keys/{id}", security },
  request: { params: z.object({ id: z.string().openapi({ param: { name: "id", in: "path" }, description: "The id of the key" }) }) },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /keys: the keys to the API. */
export const keyRoutes = new OpenAPIHono<ApiEnvironment>();

keyRoutes.openapi(list, async (context) => {
  const keys = await new KeyStore(context.env.DIRECTORY).list();
  return context.json({ keys: keys.map(shown) }, 200);
});

keyRoutes.openapi(add, async (context) => {
  const { name, domain, scope, expires } = context.req.valid("json");
  const createdAt = Date.now();
  const expiresAt = expires === undefined ? undefined : Date.parse(expires);
  if (expiresAt !== undefined && expiresAt <= createdAt) throw new Problem(400, "expires: is in the past");
  refuseLonger(context.get("actor"), expiresAt);
  if (domain !== undefined && !(await new Store(context.env.DIRECTORY).hasDomain(domain)))
    throw new Problem(400, `domain: there is no domain ${domain}`);
  const { id, text } = mintApiKey();
  const key = { id, name, domain, scope, createdAt, expiresAt, lastUsedAt: undefined };
  const isStored = await new KeyStore(context.env.DIRECTORY).insert(key, hashOfApiKey(text));
  if (!isStored) throw new Problem(409, `there are ${maxKeys} keys already, or the domain was deleted meanwhile`);
  const headers = { Location: `/api/v1/keys/${id}`, "Cache-Control": "no-store" };
  return context.json({ key: text, ...shown(key) }, 201, headers);
});

keyRoutes.openapi(remove, async (context) => {
  const { id } = context.req.valid("param");
  if (!(await new KeyStore(context.env.DIRECTORY).delete(id))) throw new Problem(404, `there is no key ${id}`);
  return context.body(null, 204);
});

/** A key makes no key that outlives it: otherwise its end would mean nothing. */
function refuseLonger(actor: Actor, expiresAt: number | undefined): void {
  const own = actor.kind === "key" ? actor.key.expiresAt : undefined;
  if (own === undefined || (expiresAt !== undefined && expiresAt <= own)) return;
  throw new Problem(403, `expires: has to be ${new Date(own).toISOString()}, when the key that asks for it ends, or earlier`);
}

function shown({ id, name, domain, scope, createdAt, expiresAt, lastUsedAt }: ApiKey): z.infer<typeof keySchema> {
  return {
    ...{ id, name, domain: domain ?? null, scope, created: new Date(createdAt).toISOString() },
    expires: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    last_used: lastUsedAt === undefined ? null : new Date(lastUsedAt).toISOString().slice(0, 10),
  };
}
