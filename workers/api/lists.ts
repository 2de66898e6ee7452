import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import {
  type ListName,
  adHocName,
  canonicalResource,
  isListUser,
  listUri,
  maxName,
  maxUri,
  maxEntries,
} from "../../lib/presence/resource-list.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { canonicalUser, parseUri } from "../../lib/syntax/uri.ts";
import { homeName } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { homesOf } from "./homes.ts";
import { ListStore } from "../../platform/directory/list-store.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters, fitsXml, isPlainText, subscriberParameters } from "./schemas.ts";
import { Store, nameOf } from "../../platform/directory/store.ts";

/** Maximum of lists of one subscriber, and of a domain. */
const maxOfSubscriber = 20;
const maxOfDomain = 200;

const entrySchema = z.strictObject({
  uri: z
    .string()
    .max(maxUri)
    .refine((uri) => canonicalResource(uri) !== undefined, "is not the SIP or tel URI of a user")
    .refine((uri) => !isOfList(uri), "is a list itself: lists within lists are not accepted")
    .openapi({ description: "The URI to watch", example: "sip:bob@example.com" }),
  // The names are sent in XML, which does not allow control characters.
  name: z
    .string()
    .min(1)
    .max(maxName)
    .refine((name) => fitsXml(name) && isPlainText(name), "has control characters")
    .optional()
    .openapi({ description: "Its name", example: "Bob" }),
});
const body = z
  .strictObject({
    entries: z
      .array(entrySchema)
      .max(maxEntries)
      .refine((entries) => new Set(entries.map(({ uri }) => canonicalResource(uri))).size === entries.length, "name a resource twice")
      .openapi({ description: "The new entries, which replace all previous ones" }),
  })
  .openapi("ListChange");
const shownEntry = z.object({
  uri: z.string().openapi({ description: "The URI to watch", example: "sip:bob@example.com" }),
  name: z.string().optional().openapi({ description: "Its name", example: "Bob" }),
});
const listSchema = z
  .object({
    name: z.string().openapi({ description: "The name of the list", example: "friends" }),
    uri: z.string().openapi({ description: "The URI that phones subscribe to", example: "sip:list.friends.alice@example.com" }),
    entries: z.array(shownEntry).openapi({ description: "The entries of the list" }),
  })
  .openapi("List");
const listsSchema = z.object({ lists: z.array(listSchema).openapi({ description: "The lists, by name" }) }).openapi("Lists");

const listName = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, "is not made of a-z, 0-9 and hyphens")
  .refine((name) => name !== adHocName, "is reserved for lists in a SUBSCRIBE")
  .openapi({ param: { name: "list", in: "path" }, description: "The name of the list", example: "friends" });

const responses = {
  list: { 200: json(listsSchema, "The lists"), ...problems(400, 401, 404, 503) },
  read: { 200: json(listSchema, "The list"), ...problems(400, 401, 404, 503) },
  put: {
    200: json(listSchema, "The list was replaced"),
    201: json(listSchema, "The list was created"),
    ...problems(400, 401, 404, 409, 413, 503),
  },
  remove: { 204: noContent, ...problems(400, 401, 404, 503) },
};
const content = { required: true, content: { "application/json": { schema: body } } };

const ofSubscriber = {
  at: { path: "/domains/{domain}/subscribers/{username}/lists", security: [{ bearer: [] }, { basic: [] }] },
  params: subscriberParameters,
  one: subscriberParameters.extend({ list: listName }),
};
const ofDomain = {
  at: { path: "/domains/{domain}/lists", security: [{ bearer: [] }] },
  params: domainParameters,
  one: domainParameters.extend({ list: listName }),
};
const oneOfSubscriber = { ...ofSubscriber.at, path: `${ofSubscriber.at.path}/{list}` as const };
const oneOfDomain = { ...ofDomain.at, path: `${ofDomain.at.path}/{list}` as const };

const routes = {
  subscriberList: createRoute({
    ...operation("listListsOfSubscriber", "List the lists of a user", "Lists"),
    method: "get",
    ...ofSubscriber.at,
    request: { params: ofSubscriber.params },
    responses: responses.list,
  }),
  subscriberRead: createRoute({
    ...operation("readListOfSubscriber", "Read a list of a user", "Lists"),
    method: "get",
    ...oneOfSubscriber,
    request: { params: ofSubscriber.one },
    responses: responses.read,
  }),
  subscriberPut: createRoute({
    ...operation("putListOfSubscriber", "Create or replace a list of a user", "Lists"),
    method: "put",
    ...oneOfSubscriber,
    request: { params: ofSubscriber.one, body: content },
    responses: responses.put,
  }),
  subscriberRemove: createRoute({
    ...operation("deleteListOfSubscriber", "Delete a list of a user", "Lists"),
    method: "delete",
    ...oneOfSubscriber,
    request: { params: ofSubscriber.one },
    responses: responses.remove,
  }),
  domainList: createRoute({
    ...operation("listListsOfDomain", "List the lists of a domain", "Lists"),
    method: "get",
    ...ofDomain.at,
    request: { params: ofDomain.params },
    responses: responses.list,
  }),
  domainRead: createRoute({
    ...operation("readListOfDomain", "Read a list of a domain", "Lists"),
    method: "get",
    ...oneOfDomain,
    request: { params: ofDomain.one },
    responses: responses.read,
  }),
  domainPut: createRoute({
    ...operation("putListOfDomain", "Create or replace a list of a domain", "Lists"),
    method: "put",
    ...oneOfDomain,
    request: { params: ofDomain.one, body: content },
    responses: responses.put,
  }),
  domainRemove: createRoute({
    ...operation("deleteListOfDomain", "Delete a list of a domain", "Lists"),
    method: "delete",
    ...oneOfDomain,
    request: { params: ofDomain.one },
    responses: responses.remove,
  }),
};

/** …/subscribers/{username}/lists, which the subscriber may change, and …/domains/{domain}/lists. */
export const listRoutes = new OpenAPIHono<{ Bindings: Environment }>();

listRoutes.openapi(routes.subscriberList, async (context) => {
  const { domain, username } = context.req.valid("param");
  return context.json(await all(context, domain, canonicalUser(username)), 200);
});
listRoutes.openapi(routes.subscriberRead, async (context) => {
  const { domain, username, list } = context.req.valid("param");
  return context.json(await read(context, domain, { owner: canonicalUser(username), name: list }), 200);
});
listRoutes.openapi(routes.subscriberPut, async (context) => {
  const { domain, username, list } = context.req.valid("param");
  const { created, value } = await put(context, domain, { owner: canonicalUser(username), name: list }, context.req.valid("json").entries);
  return created ? context.json(value, 201) : context.json(value, 200);
});
listRoutes.openapi(routes.subscriberRemove, async (context) => {
  const { domain, username, list } = context.req.valid("param");
  await remove(context, domain, { owner: canonicalUser(username), name: list });
  return context.body(null, 204);
});
listRoutes.openapi(routes.domainList, async (context) => {
  const { domain } = context.req.valid("param");
  return context.json(await all(context, domain, undefined), 200);
});
listRoutes.openapi(routes.domainRead, async (context) => {
  const { domain, list } = context.req.valid("param");
  return context.json(await read(context, domain, { owner: undefined, name: list }), 200);
});
listRoutes.openapi(routes.domainPut, async (context) => {
  const { domain, list } = context.req.valid("param");
  const { created, value } = await put(context, domain, { owner: undefined, name: list }, context.req.valid("json").entries);
  return created ? context.json(value, 201) : context.json(value, 200);
});
listRoutes.openapi(routes.domainRemove, async (context) => {
  const { domain, list } = context.req.valid("param");
  await remove(context, domain, { owner: undefined, name: list });
  return context.body(null, 204);
});

type ApiContext = { readonly env: Environment; readonly executionCtx: { waitUntil(work: Promise<unknown>): void } };
type Entries = z.infer<typeof body>["entries"];
type ListView = z.infer<typeof listSchema>;

async function all({ env }: ApiContext, domain: string, owner: string | undefined): Promise<{ lists: ListView[] }> {
  await refuseUnknown(env, domain, owner);
  const lists = await new ListStore(env.DIRECTORY).all(domain, owner);
  return { lists: lists.map(({ name, entries }) => shown(domain, { owner, name }, entries)) };
}

async function read({ env }: ApiContext, domain: string, list: ListName): Promise<ListView> {
  const entries = await new ListStore(env.DIRECTORY).one(domain, list);
  if (entries === undefined) throw new Problem(404, `there is no list ${list.name}`);
  return shown(domain, list, entries);
}

async function put(context: ApiContext, domain: string, list: ListName, entries: Entries): Promise<{ created: boolean; value: ListView }> {
  const store = new ListStore(context.env.DIRECTORY);
  await refuseUnknown(context.env, domain, list.owner);
  const most = list.owner === undefined ? maxOfDomain : maxOfSubscriber;
  const before = await store.all(domain, list.owner);
  const created = before.every(({ name }) => name !== list.name);
  if (created && before.length >= most) throw new Problem(409, `there are ${most} lists already`);
  await store.put(domain, list, entries, Date.now());
  await tell(context, domain, list);
  return { created, value: shown(domain, list, entries) };
}

async function remove(context: ApiContext, domain: string, list: ListName): Promise<void> {
  const isGone = await new ListStore(context.env.DIRECTORY).remove(domain, list);
  if (!isGone) throw new Problem(404, `there is no list ${list.name}`);
  await tell(context, domain, list);
}

/** Its watchers are notified of the change at once: its owner, or the subscribers to the domain's list. */
async function tell({ env, executionCtx }: ApiContext, domain: string, list: ListName): Promise<void> {
  const homes = homesOf(env, (work) => executionCtx.waitUntil(work));
  const { owner, name } = list;
  if (owner === undefined) return homes.listChanged(await new ListStore(env.DIRECTORY).watchers(domain, name, Date.now()), list);
  const subscriber = await new Store(env.DIRECTORY).existing(domain, nameOf(owner));
  if (subscriber.opened) await homes.listChanged([homeName(subscriber)], list);
}

async function refuseUnknown(environment: Environment, domain: string, owner: string | undefined): Promise<void> {
  if (owner === undefined) await requireDomain(environment, domain);
  else await new Store(environment.DIRECTORY).existing(domain, nameOf(owner));
}

function shown(domain: string, list: ListName, entries: Entries): ListView {
  return { name: list.name, uri: listUri(list, domain), entries };
}

function isOfList(text: string): boolean {
  const uri = parseUri(text);
  return !isFault(uri) && uri.kind === "sip" && uri.user !== undefined && isListUser(uri.user);
}
