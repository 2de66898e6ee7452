import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { mintGuestToken, mintToken } from "../../platform/tokens/own-token.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { requireDomain } from "./existing.ts";
import { homesOf } from "./homes.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters, subscriberParameters, userName } from "./schemas.ts";

/** Octets of the users whom a guest may call: the connection remembers them. */
const maxGuestUsers = 300;

const body = z
  .strictObject({
    seconds: z
      .int()
      .min(60)
      .max(86_400)
      .default(3600)
      .openapi({ description: "How long the user may sign in with it, and stay registered" }),
  })
  .openapi("TokenRequest");
const schema = z
  .object({
    token: z.string().openapi({ description: "The token: in the URL, ?access_token=, or as a bearer token. It is shown only here" }),
    expires: z.iso.datetime().openapi({ description: "When it ends" }),
  })
  .openapi("Token");
const security = [{ bearer: [] }];
const path = "/domains/{domain}/subscribers/{username}/tokens";
const add = createRoute({
  ...operation("addToken", "Make a token by which a user signs in without a password", "Sign-in"),
  ...{ method: "post", path, security },
  request: { params: subscriberParameters, body: { required: true, content: { "application/json": { schema: body } } } },
  responses: { 201: json(schema, "The token"), ...problems(400, 401, 404, 413, 503) },
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

const guestBody = z
  .strictObject({
    users: z
      .array(userName)
      .min(1)
      .max(10)
      .refine((users) => users.map(canonicalUser).join().length <= maxGuestUsers, `are longer than ${maxGuestUsers} octets together`)
      .openapi({ description: "Whom the guest may call and write to, and nobody else", example: ["support"] }),
    seconds: z.int().min(60).max(86_400).default(600).openapi({ description: "How long the guest may connect and begin calls with it" }),
  })
  .openapi("GuestTokenRequest");
const addGuest = createRoute({
  ...operation("addGuestToken", "Make a token by which a guest calls certain users, also where the domain takes no guests", "Sign-in"),
  ...{ method: "post", path: "/domains/{domain}/guest-tokens", security },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: guestBody } } } },
  responses: { 201: json(schema, "The token"), ...problems(400, 401, 404, 413, 503) },
});

/** …/subscribers/{username}/tokens, and /domains/{domain}/guest-tokens. */
export const userTokenRoutes = new OpenAPIHono<{ Bindings: Environment }>();

userTokenRoutes.openapi(add, async (context) => {
  const { domain, username } = context.req.valid("param");
  const subscriber = await new Store(context.env.DIRECTORY).existing(domain, username);
  const now = Date.now();
  const until = now + context.req.valid("json").seconds * 1000;
  const token = mintToken(mustSeal(context.env), subscriber, now, until);
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
  const { users, seconds } = context.req.valid("json");
  await requireDomain(context.env, domain);
  const store = new Store(context.env.DIRECTORY);
  const generations: number[] = [];
  for (const username of users) {
    const found = await store.subscriber(domain, username);
    if (found === undefined) throw new Problem(400, `users: there is no user ${username} in ${domain}`);
    generations.push(found.generation);
  }
  const until = Date.now() + seconds * 1000;
  const guest = { domain, id: randomText() + randomText(), users: users.map(canonicalUser), generations, until };
  const token = mintGuestToken(mustSeal(context.env), guest);
  return context.json({ token, expires: new Date(until).toISOString() }, 201, { "Cache-Control": "no-store" });
});

function mustSeal(environment: Environment): Keyring {
  const keyring = keyringFor(environment);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: tokens cannot be made");
  return keyring;
}
