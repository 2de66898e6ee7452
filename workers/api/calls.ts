import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { isFault } from "../../lib/syntax/fault.ts";
import { toOctets } from "../../lib/syntax/octets.ts";
import { canonicalUser, parseUri } from "../../lib/syntax/uri.ts";
import type { CallView } from "../../lib/location/call-view.ts";
import { Store, nameOf } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { homesOf } from "./homes.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters, isPlainText, pageQuery, subscriberParameters } from "./schemas.ts";

const callSchema = z
  .object({
    id: z.string().openapi({ description: "The id for the end of the call; the same for both users of a call" }),
    state: z.enum(["calling", "ringing", "answered"]).openapi({
      description: "calling: the user waits for an answer; ringing: it rings at the user's phones; answered: it was answered",
    }),
    direction: z.enum(["outgoing", "incoming"]).nullable().openapi({ description: "Who called; null if that is not known any more" }),
    call_id: z.string().nullable().openapi({ description: "The Call-ID, if it is known" }),
    remote: z.string().nullable().openapi({ description: "The URI of the other end, if it is known" }),
    since: z.iso.datetime().nullable().openapi({ description: "When the INVITE came, or the answer; null while it rings" }),
  })
  .openapi("Call");
const callsSchema = z.object({ calls: z.array(callSchema).openapi({ description: "The calls" }) }).openapi("Calls");

const path = "/domains/{domain}/subscribers/{username}/calls";
const security = [{ bearer: [] }];
const list = createRoute({
  ...operation("listCalls", "List the calls of a user at present", "Calls"),
  ...{ method: "get", path, security, request: { params: subscriberParameters } },
  responses: { 200: json(callsSchema, "The calls of the subscriber"), ...problems(400, 401, 404, 503) },
});
const idParameters = subscriberParameters.extend({
  id: z.string().openapi({ param: { name: "id", in: "path" }, description: "The id of the call" }),
});
const remove = createRoute({
  ...operation("endCall", "End a call", "Calls"),
  ...{ method: "delete", path: `${path}/{id}`, security, request: { params: idParameters } },
  responses: {
    204: { ...noContent, description: "Both ends get a BYE; a call that rings is cancelled" },
    ...problems(400, 401, 404, 409, 412, 503),
  },
});

const newCallSchema = z
  .strictObject({
    to: z.string().min(1).max(300).refine(isPlainText, "has control characters").openapi({
      description: "Whom the user is connected to: a user of the domain, a number, an address, or a URI",
      example: "+4930123456",
    }),
  })
  .openapi("NewCall");
const begunSchema = z
  .object({
    id: z.string().openapi({ description: "The id of the call among the user's calls, for its end" }),
    call_id: z.string().openapi({ description: "The Call-ID of the call to the user" }),
  })
  .openapi("BegunCall");
const add = createRoute({
  ...operation("connectUser", "Call a user, and connect them to another one", "Calls"),
  ...{ method: "post", path, security },
  request: { params: subscriberParameters, body: { required: true, content: { "application/json": { schema: newCallSchema } } } },
  responses: { 201: json(begunSchema, "The phones of the user ring"), ...problems(400, 401, 404, 409, 413, 503) },
});

const liveSchema = z
  .object({
    calls: z
      .array(
        callSchema.extend({ username: z.string().openapi({ description: "The user at whose home it is; one of two, if both are here" }) }),
      )
      .openapi({ description: "The calls of these users, each once" }),
    next_cursor: z.string().nullable().openapi({ description: "The cursor of the next users; null if these are the last" }),
  })
  .openapi("LiveCalls");
const live = createRoute({
  ...operation("listLiveCalls", "List the calls of a domain at present, some users at a time", "Calls"),
  ...{ method: "get", path: "/domains/{domain}/live-calls", security },
  request: { params: domainParameters, query: pageQuery.pick({ cursor: true }) },
  responses: { 200: json(liveSchema, "The calls of a hundred users"), ...problems(400, 401, 404, 503) },
});

/** Users whose homes are asked for one page: each that sleeps wakes up. */
const usersAtOnce = 100;

/** …/subscribers/{username}/calls and …/live-calls: the calls at present. */
export const callRoutes = new OpenAPIHono<{ Bindings: Environment }>();

callRoutes.openapi(list, async (context) => {
  const { domain, username } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  const calls = await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).calls(subscriber);
  return context.json({ calls: calls.map(written) }, 200);
});

callRoutes.openapi(add, async (context) => {
  const { domain, username } = context.req.valid("param");
  const target = targetNamed(context.req.valid("json").to, domain);
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  if (!subscriber.opened) throw new Problem(409, `no phone of ${username} has ever registered`);
  const call = await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).connect(subscriber, target);
  if (call.kind === "refused") throw new Problem(409, `the call is refused with ${call.status}: ${call.why}`);
  return context.json({ id: call.id, call_id: call.callId }, 201);
});

callRoutes.openapi(live, async (context) => {
  const { domain } = context.req.valid("param");
  const store = new Store(context.env.DIRECTORY);
  const after = context.req.valid("query").cursor;
  const users = await store.subscribers(domain, { after, limit: usersAtOnce + 1, search: "" });
  const page = users.slice(0, usersAtOnce).map(({ subscriber }) => subscriber);
  const homes = homesOf(context.env, (work) => context.executionCtx.waitUntil(work));
  const found = await Promise.all(
    page.map(async (subscriber) =>
      (await homes.calls(subscriber)).map((call) => ({ ...written(call), username: nameOf(subscriber.username) })),
    ),
  );
  const calls = [...new Map(found.flat().map((call) => [call.id, call])).values()];
  const last = page.at(-1);
  const next = users.length > usersAtOnce && last !== undefined ? nameOf(last.username) : null;
  return context.json({ calls, next_cursor: next }, 200);
});

callRoutes.openapi(remove, async (context) => {
  const { domain, username, id } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  const result = await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).endCall(subscriber, id);
  if (result === "unknown") throw new Problem(404, `there is no call ${id}`);
  if (result === "unclear") throw new Problem(409, "too little is known of this call to end it: end the user's newer calls first");
  return context.body(null, 204);
});

function written({ callId, remote, direction, since, ...call }: CallView) {
  return {
    ...call,
    direction: direction ?? null,
    call_id: callId ?? null,
    remote: remote ?? null,
    since: since === undefined ? null : new Date(since).toISOString(),
  };
}

/** The URI of a user or number of the domain, of an address, or the URI that is written. */
function targetNamed(to: string, domain: string): string {
  const written = /^[a-z]+:/i.test(to) ? to : `sip:${to.includes("@") ? to : `${canonicalUser(toOctets(to))}@${domain}`}`;
  const uri = parseUri(written);
  if (isFault(uri) || /[<>"\s]/.test(written)) throw new Problem(400, "to: is not the name of a user, a number or a URI");
  return written;
}
