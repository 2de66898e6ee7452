import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { type Outcome, type Pattern, type Route, type RouteAction, chooseRoute, isPattern } from "../../lib/routing/route.ts";
import { type Address, addressOf } from "../../lib/location/address.ts";
import { dialledAddress } from "../../durable-objects/shared/dialled-address.ts";
import { refuseDestination } from "../../durable-objects/shared/trunk-destinations.ts";
import { type Target, decideTarget, isOnePhone, readingsAt } from "../../durable-objects/shared/target-selection.ts";
import { type Fault, isFault } from "../../lib/syntax/fault.ts";
import { canonicalUser, dialledNumber, parseUri } from "../../lib/syntax/uri.ts";
import { keyringOf } from "../../platform/crypto/keyring.ts";
import { readConfiguration } from "../../platform/configuration.ts";
import { type Directory, directoryOf, userOfHome } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";
import { requireDomain } from "./existing.ts";
import { type TestedCall, testRouter, testedRouterSchema } from "./router-test.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { canonicalName, domainName, domainParameters } from "./schemas.ts";
import { ServerStore } from "../../platform/directory/server-store.ts";
import { nameOf } from "../../platform/directory/store.ts";

const pattern = z
  .union([
    z.strictObject({ prefix: z.string().min(1).max(64).openapi({ description: "The prefix" }) }),
    z.strictObject({ pattern: z.string().min(1).max(256).openapi({ description: "A POSIX extended regular expression" }) }),
  ])
  .refine(isPattern, "is not a valid regular expression (POSIX extended), or could be slow")
  .openapi({ description: "A prefix, or a POSIX extended regular expression", example: { prefix: "+49" } });
const userTemplate = z.string().min(1).max(128).openapi({ description: "A user, or a number" });
const kind = <Kind extends string>(literal: Kind, description: string) => z.literal(literal).openapi({ description });
const uriTemplate = z
  .string()
  .max(256)
  .refine(isUri, "is not the SIP, SIPS or TEL URI of a user")
  .openapi({ description: "The target URI" });
const action = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: kind("local", "It goes to a user of the domain"), user: userTemplate }),
    z.strictObject({
      kind: kind("trunk", "It goes to a trunk"),
      trunk: z.string().max(64).openapi({ description: "The name of the trunk" }),
      user: userTemplate.optional(),
      keeps_domain: z
        .boolean()
        .optional()
        .openapi({ description: "The Request-URI keeps its domain, and does not name the trunk's server" }),
    }),
    z.strictObject({ kind: kind("retarget", "It goes to another address"), uri: uriTemplate }),
    z.strictObject({
      kind: kind("redirect", "The caller is redirected to another address"),
      status: z.literal([301, 302, 305]).openapi({ description: "The status of the answer" }),
      uri: uriTemplate,
    }),
    z.strictObject({
      kind: kind("reject", "It is refused"),
      status: z.int().min(400).max(699).openapi({ description: "The status of the answer" }),
      reason: z
        .string()
        .max(100)
        .regex(/^[ -~]*$/, "has to be ASCII text")
        .optional()
        .openapi({ description: "The reason phrase of the answer" }),
    }),
  ])
  .openapi({ description: "\\1 to \\9 stand for the text after the user's prefix, or for the captures of its expression" });
const methodSchema = z.string().regex(/^[A-Z]{1,20}$/, "is not a method in capital letters");
const fields = {
  order: z.int().min(0).max(1_000_000).default(100).openapi({ description: "The smallest is tried first" }),
  match: z
    .strictObject({
      methods: z
        .array(methodSchema)
        .min(1)
        .max(20)
        .optional()
        .openapi({ description: "The methods of the request; if absent, INVITE, MESSAGE, OPTIONS and REFER" }),
      domain: domainName.optional().openapi({ description: "The domain that is called; if absent, the route's own" }),
      user: pattern.optional().openapi({ description: "The user or the number that is called, without escapes" }),
      caller: pattern.optional().openapi({ description: "The caller: user@domain" }),
    })
    .default({})
    .openapi({ description: "Which requests match: all present members must match" }),
  action,
};
const routeBody = z.strictObject(fields).openapi("RouteChange");
const routeSchema = z
  .object({ name: z.string().openapi({ description: "The name of the route", example: "germany" }), ...fields })
  .openapi("Route");
const routesSchema = z.object({ routes: z.array(routeSchema).openapi({ description: "The routes, by name" }) }).openapi("Routes");
const testBody = z
  .strictObject({
    domain: domainName.openapi({ description: "The domain whose routes are tested" }),
    method: methodSchema.default("INVITE").openapi({ description: "The method of the request" }),
    uri: z.string().max(512).openapi({ description: "The called URI", example: "sip:+493012345@example.com" }),
    caller: z
      .string()
      .max(320)
      .transform(canonicalName)
      .default("")
      .openapi({ description: "The caller: user@domain", example: "alice@example.com" }),
  })
  .openapi("RouteQuestion");
const targetSchema = z
  .object({
    kind: z.enum(["user", "trunk", "domain", "redirect", "refused", "targets"]).openapi({
      description:
        "To a user here, by a trunk, to the servers of another domain; or the sender is redirected, or refused; or it goes to the targets of the router's decision",
    }),
    user: z.string().optional().openapi({ description: "The user that it goes to" }),
    trunk: z.string().optional().openapi({ description: "The trunk that it goes by" }),
    uri: z.string().optional().openapi({ description: "Where it goes, or where the sender is told to go" }),
    status: z.number().int().optional().openapi({ description: "The status that the sender gets" }),
  })
  .openapi("RouteTarget");
const verdictSchema = z
  .object({
    outcome: z.string().openapi({ description: "What would happen, in a sentence" }),
    target: targetSchema.openapi({ description: "The decision that is made for such a request" }),
    action: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .openapi({ description: "The action of the matching route, with the captures filled in" }),
    router: testedRouterSchema.optional().openapi({ description: "What the router of the domain has said; it was asked for this test" }),
    trace: z
      .array(
        z.object({
          route: z.string().openapi({ description: "The name of the route" }),
          why: z.string().openapi({ description: "Why it matches, or not" }),
        }),
      )
      .openapi({ description: "The routes that were tried, in order" }),
  })
  .openapi("RouteVerdict");

const security = [{ bearer: [] }];
const path = "/domains/{domain}/routes/{route}";
const params = domainParameters.extend({
  route: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "is not made of a-z, 0-9 and hyphens")
    .openapi({ param: { name: "route", in: "path" }, description: "The name of the route", example: "germany" }),
});
const list = createRoute({
  ...operation("listRoutes", "List the routes of a domain", "Other servers"),
  ...{ method: "get", path: "/domains/{domain}/routes", security, request: { params: domainParameters } },
  responses: { 200: json(routesSchema, "The routes of the domain"), ...problems(400, 401, 404, 503) },
});
const read = createRoute({
  ...operation("readRoute", "Read a route", "Other servers"),
  ...{ method: "get", path, security, request: { params } },
  responses: { 200: json(routeSchema, "The route"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putRoute", "Create or replace a route", "Other servers"),
  ...{ method: "put", path, security },
  request: { params, body: { required: true, content: { "application/json": { schema: routeBody } } } },
  responses: { 200: json(routeSchema, "The stored route"), ...problems(400, 401, 404, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteRoute", "Delete a route", "Other servers"),
  ...{ method: "delete", path, security, request: { params } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});
const test = createRoute({
  ...operation("testRoutes", "Test the routes with a request", "Other servers"),
  ...{ method: "post", path: "/routes/test", security },
  request: { body: { required: true, content: { "application/json": { schema: testBody } } } },
  responses: { 200: json(verdictSchema, "The result for such a request, and why"), ...problems(400, 401, 404, 413, 503) },
});

/** /domains/{domain}/routes, and /routes/test. */
export const routeRoutes = new OpenAPIHono<{ Bindings: Environment }>();

routeRoutes.openapi(list, async (context) => {
  const { domain } = context.req.valid("param");
  const store = new ServerStore(context.env.DIRECTORY);
  await requireDomain(context.env, domain);
  return context.json({ routes: (await store.routes(domain)).map(shown) }, 200);
});

routeRoutes.openapi(read, async (context) => {
  const { domain, route: name } = context.req.valid("param");
  const route = (await new ServerStore(context.env.DIRECTORY).routes(domain)).find((one) => one.name === name);
  if (route === undefined) throw new Problem(404, `there is no route ${name} in ${domain}`);
  return context.json(shown(route), 200);
});

routeRoutes.openapi(put, async (context) => {
  const { domain, route: name } = context.req.valid("param");
  const store = new ServerStore(context.env.DIRECTORY);
  await requireDomain(context.env, domain);
  const written = context.req.valid("json");
  const { trunk } = { trunk: undefined, ...written.action };
  if (trunk !== undefined && !(await store.hasTrunk(domain, trunk)))
    throw new Problem(400, `action.trunk: there is no trunk ${trunk} in ${domain}`);
  const route = { domain, name, ...written } as Route;
  await store.putRoute(route);
  directoryOf(context.env).forget(domain);
  return context.json(shown(route), 200);
});

routeRoutes.openapi(remove, async (context) => {
  const { domain, route: name } = context.req.valid("param");
  if (!(await new ServerStore(context.env.DIRECTORY).deleteRoute(domain, name)))
    throw new Problem(404, `there is no route ${name} in ${domain}`);
  directoryOf(context.env).forget(domain);
  return context.body(null, 204);
});

routeRoutes.openapi(test, async (context) => {
  const { domain, method, uri: written, caller } = context.req.valid("json");
  const store = new ServerStore(context.env.DIRECTORY);
  await requireDomain(context.env, domain);
  const uri = parseUri(written);
  const keyring = keyringOf(readConfiguration(context.env).sealKeys);
  const directory = directoryOf(context.env);
  // Changes that another isolate has made must count.
  directory.forget(domain);
  const named =
    isFault(uri) || uri.kind === "other"
      ? undefined
      : uri.kind === "tel"
        ? { user: dialledNumber(uri), domain, instance: undefined, registration: undefined }
        : addressOf(keyring, uri);
  if (named === undefined) throw new Problem(400, "uri: is not the SIP, SIPS or TEL URI of a user");
  // A number that is not valid is refused below.
  const dialled = await dialledAddress(directory, named);
  const address = isFault(dialled) ? named : dialled;
  const readings = await readingsAt({ directory }, address);
  const asked = { method, user: address.user, domain: address.domain, caller, readings };
  const { outcome, trace } = chooseRoute(await store.routes(domain), asked);
  const [user = "", home = domain] = caller.split("@");
  const isNonSubscriber = home.toLowerCase() !== domain;
  const question = { method, requestUri: written, address, caller, isNonSubscriber };
  const decided = await decideTarget({ directory, keyring, home: { user, domain } }, question);
  const target = (await refusalOfTrunk(directory, domain, method, decided)) ?? decided;
  if (isFault(target) && target.status === 503) throw new Problem(503, "the directory cannot be reached");
  const leaves = !isFault(target) && target.kind !== "home";
  const verdict: z.infer<typeof verdictSchema> = {
    ...{ outcome: sentenceOf(target), target: targetView(target) },
    ...(await askedRouter(context.env, { domain, method, uri: written, caller, leaves }, address)),
    trace: [...trace],
  };
  if (outcome !== undefined) verdict.action = JSON.parse(JSON.stringify(asWritten(outcome))) as Record<string, string | number | boolean>;
  return context.json(verdict, 200);
});

/** Why the trunk to which a request goes does not take it: that is looked at where requests leave, after the routes. */
async function refusalOfTrunk(directory: Directory, domain: string, method: string, target: Target | Fault): Promise<Fault | undefined> {
  if (isFault(target) || target.kind !== "external" || target.trunk === undefined) return undefined;
  const trunk = (await directory.trunks(domain)).find(({ name }) => name === target.trunk);
  const uri = parseUri(target.uri);
  const user = isFault(uri) || uri.kind !== "sip" ? undefined : uri.user;
  return trunk === undefined || user === undefined ? undefined : refuseDestination(trunk, method, canonicalUser(user));
}

/** What the router of the domain says of a call, which comes before routes and users; nothing if it is not asked. */
async function askedRouter(
  environment: Environment,
  { domain, method, uri, caller, leaves }: Omit<TestedCall, "user"> & { readonly method: string },
  address: Address,
): Promise<Partial<z.infer<typeof verdictSchema>>> {
  const directory = directoryOf(environment);
  const router = directory.routerOf(domain);
  if (router === undefined || method !== "INVITE" || address.domain !== domain || (await isOnePhone({ directory }, address))) return {};
  return testRouter(environment, router, { domain, user: address.user, uri, caller, leaves });
}

/** The decision for a request. */
function targetView(target: Target | Fault): z.infer<typeof targetSchema> {
  if (isFault(target)) return { kind: "refused", status: target.status };
  switch (target.kind) {
    case "home":
      return { kind: "user", user: nameOf(userOfHome(target.home)) };
    case "redirect":
      return { kind: "redirect", status: target.status, uri: target.uri };
    case "external":
      return target.trunk === undefined ? { kind: "domain", uri: target.uri } : { kind: "trunk", trunk: target.trunk, uri: target.uri };
  }
}

function sentenceOf(target: Target | Fault): string {
  if (isFault(target)) return `it is refused with ${target.status}: ${target.fault}`;
  switch (target.kind) {
    case "home":
      return `it goes to the user ${nameOf(userOfHome(target.home))}${target.redirects === true ? ": the caller gets the user's addresses" : ""}`;
    case "redirect":
      return `the sender is redirected with ${target.status} to ${target.uri}`;
    case "external":
      return target.trunk === undefined ? `it goes to ${target.uri}` : `it goes to the trunk ${target.trunk}, as ${target.uri}`;
  }
}

/** With the names that the API uses. */
function asWritten(outcome: Outcome): object {
  if (outcome.kind !== "trunk") return outcome;
  const { keepsDomain, ...rest } = outcome;
  return { ...rest, keeps_domain: keepsDomain };
}

function shown({ name, order, match, action: what }: Route): z.infer<typeof routeSchema> {
  const { methods, domain, user, caller } = match;
  return {
    name,
    order,
    match: {
      ...(methods === undefined ? {} : { methods: [...methods] }),
      ...(domain === undefined ? {} : { domain }),
      ...(user === undefined ? {} : { user: user as Pattern }),
      ...(caller === undefined ? {} : { caller: caller as Pattern }),
    },
    action: what as RouteAction,
  };
}

/** With sample captures like those of a number. */
function isUri(template: string): boolean {
  const uri = parseUri(template.replace(/\\[1-9]/g, "1"));
  return !isFault(uri) && (uri.kind === "tel" || (uri.kind === "sip" && uri.user !== undefined));
}
