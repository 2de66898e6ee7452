import { OpenAPIHono, createRoute } from "@hono/zod-openapi";
import { directoryOf } from "../../platform/directory/directory.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { mintToken } from "../../platform/tokens/own-token.ts";
import { requireDomain } from "./existing.ts";
import { mustSeal, newGuestToken } from "./guest-token.ts";
import { homesOf } from "./homes.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters, subscriberParameters } from "./schemas.ts";
import { guestTokenBody, limitsOf, readTargets, tokenBody, tokenSchema } from "./token-schemas.ts";

const security = [{ bearer: [] }];
const path = "/domains/{domain}/subscribers/{username}/tokens";
const add = createRoute({
  ...operation("addToken", "Make a token by which a user signs in without a password", "Sign-in"),
  ...{ method: "post", path, security },
  request: { params: subscriberParameters, body: { required: true, content: { "application/json": { schema: tokenBody } } } },
  responses: { 201: json(tokenSchema, "The token"), ...problems(400, 401, 404, 413, 503) },
});
const remove = createRoute({
  ...operation(
    "deleteTokens",
    "Revoke all tokens of a user, also those of issuers, and close the connections that they have opened",
    "Sign-in",
  ),
  ...{ method: "delete", path, security, request: { params: subscriberParameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

const addGuest = createRoute({
  ...operation("addGuestToken", "Make a token by which a guest calls certain users, also where the domain takes no guests", "Sign-in"),
  ...{ method: "post", path: "/domains/{domain}/guest-tokens", security },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: guestTokenBody } } } },
  responses: { 201: json(tokenSchema, "The token"), ...problems(400, 401, 404, 413, 503) },
});

/** …/subscribers/{username}/tokens, and /domains/{domain}/guest-tokens. */
export const userTokenRoutes = new OpenAPIHono<{ Bindings: Environment }>();

userTokenRoutes.openapi(add, async (context) => {
  const { domain, username } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  const now = Date.now();
  const { seconds, targets, ...more } = context.req.valid("json");
  const limits = limitsOf(more, targets && mustReadTargets(targets, domain));
  const until = now + seconds * 1000;
  const token = mintToken(mustSeal(context.env), subscriber, { issued: now, until, ...(limits === undefined ? {} : { limits }) });
  return context.json({ token, expires: new Date(until).toISOString() }, 201, { "Cache-Control": "no-store" });
});

userTokenRoutes.openapi(remove, async (context) => {
  const { domain, username } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).revokeTokens(domain, username, Date.now());
  directoryOf(context.env).forget(domain);
  await homesOf(context.env, (work) => context.executionCtx.waitUntil(work)).changed(subscriber);
  return context.body(null, 204);
});

userTokenRoutes.openapi(addGuest, async (context) => {
  const { domain } = context.req.valid("param");
  const { users, seconds, metadata: userToUser, ...more } = context.req.valid("json");
  await requireDomain(context.env, domain);
  const token = await newGuestToken(context.env, { domain, users, seconds, limits: limitsOf(more), userToUser });
  return context.json(token, 201, { "Cache-Control": "no-store" });
});

function mustReadTargets(written: readonly string[], domain: string): readonly string[] {
  const read = readTargets(written, domain);
  if ("why" in read) throw new Problem(400, `targets: ${read.why}`);
  return read.targets;
}
