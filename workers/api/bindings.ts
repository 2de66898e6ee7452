import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { BindingView } from "../../lib/location/binding-view.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import type { Environment } from "../../platform/environment.ts";
import { providerSchema } from "./push-schemas.ts";
import { homesOf } from "./homes.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { subscriberParameters } from "./schemas.ts";
import { Store } from "../../platform/directory/store.ts";
import { refuseVainTarget } from "./targets.ts";

const bindingSchema = z
  .object({
    id: z.string().openapi({ description: "The id for the deletion of the binding" }),
    contact: z.string().openapi({ description: "The Contact that was registered" }),
    instance: z.string().nullable().openapi({ description: "The phone's +sip.instance (RFC 5626); null if it sent none" }),
    reg_id: z.number().nullable().openapi({ description: "The phone's reg-id (RFC 5626); null if it sent none" }),
    q: z.number().openapi({ description: "Preference, from 0 to 1: the highest rings first" }),
    expires: z.number().openapi({ description: "The remaining seconds" }),
    reachable: z.boolean().openapi({ description: "Whether the phone's connection is open" }),
    path: z.array(z.string()).openapi({ description: "Proxies on the path to the phone (RFC 3327)" }),
    push: providerSchema
      .nullable()
      .openapi({ description: "What wakes the phone when its connection is gone (RFC 8599); null if nothing does" }),
  })
  .openapi("Binding");
const bindingsSchema = z.object({ bindings: z.array(bindingSchema).openapi({ description: "The bindings" }) }).openapi("Bindings");
const contactBody = z
  .strictObject({
    contact: z
      .string()
      .max(400)
      .refine(isAddress, "is not the SIP, SIPS or TEL URI of a user")
      .openapi({ example: "sip:bob@example.com", description: "An additional address to call; not the user's own" }),
    expires: z.int().min(60).max(31_536_000).default(86_400).openapi({ description: "Seconds until the binding ends" }),
    q: z.number().min(0).max(1).default(1).openapi({ description: "Preference, from 0 to 1: the highest rings first" }),
  })
  .openapi("StaticContact");

const path = "/domains/{domain}/subscribers/{username}/bindings";
const security = [{ bearer: [] }];
const list = createRoute({
  ...operation("listBindings", "List the bindings of a user", "Calls"),
  ...{ method: "get", path, security, request: { params: subscriberParameters } },
  responses: { 200: json(bindingsSchema, "The bindings of the subscriber"), ...problems(400, 401, 404, 503) },
});
const post = createRoute({
  ...operation("addBinding", "Add an address to a user's bindings", "Calls"),
  ...{ method: "post", path, security },
  request: { params: subscriberParameters, body: { required: true, content: { "application/json": { schema: contactBody } } } },
  responses: { 201: json(bindingSchema, "The binding was added"), ...problems(400, 401, 404, 409, 413, 503) },
});
const idParameters = subscriberParameters.extend({
  id: z.string().openapi({ param: { name: "id", in: "path" }, description: "The id of the binding" }),
});
const remove = createRoute({
  ...operation("deleteBinding", "Delete a binding", "Calls"),
  ...{ method: "delete", path: `${path}/{id}`, security, request: { params: idParameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains/{domain}/subscribers/{username}/bindings: the bindings, and registration by an administrator (RFC 3261 §10.2). */
export const bindingRoutes = new OpenAPIHono<{ Bindings: Environment }>();

bindingRoutes.openapi(list, async (context) => {
  const { domain, username } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  const bindings = await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).bindings(subscriber);
  return context.json({ bindings: bindings.map(written) }, 200);
});

bindingRoutes.openapi(post, async (context) => {
  const { domain, username } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  if (!subscriber.opened) throw new Problem(409, `${username} has never registered a phone: use a rule to forward calls`);
  await refuseVainTarget(context.env, subscriber, "contact", context.req.valid("json").contact);
  const homes = homesOf(context.env, (work) => context.executionCtx.waitUntil(work));
  const binding = await homes.bind(subscriber, context.req.valid("json"));
  if (binding === undefined) throw new Problem(409, `${username} has as many bindings as MAXIMUM_CONTACTS allows`);
  return context.json(written(binding), 201);
});

bindingRoutes.openapi(remove, async (context) => {
  const { domain, username, id } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  const homes = homesOf(context.env, (work) => context.executionCtx.waitUntil(work));
  if (!(await homes.endBinding(subscriber, id))) throw new Problem(404, `there is no binding ${id}`);
  return context.body(null, 204);
});

function written({ regId, instance, path: route, push, ...binding }: BindingView) {
  return { ...binding, instance: instance ?? null, reg_id: regId ?? null, path: [...route], push: push ?? null };
}

function isAddress(text: string): boolean {
  const uri = parseUri(text);
  return !isFault(uri) && (uri.kind === "tel" || (uri.kind === "sip" && uri.user !== undefined));
}
