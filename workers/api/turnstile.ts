import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { TurnstileSettings } from "../../lib/authentication/turnstile-settings.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import { readConfiguration } from "../../platform/configuration.ts";
import { keyringFor } from "../../platform/directory/directory.ts";
import { Store, nameOf } from "../../platform/directory/store.ts";
import { TurnstileStore } from "../../platform/directory/turnstile-store.ts";
import { askTurnstile } from "../../platform/tokens/turnstile.ts";
import type { Environment } from "../../platform/environment.ts";
import type { ApiEnvironment } from "./actor.ts";
import { refuseFrequent, refuseWithoutTls } from "./attempts.ts";
import { requireDomain } from "./existing.ts";
import { newGuestToken, newLimits, requireUsers } from "./guest-token.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainName, domainParameters } from "./schemas.ts";
import { guestUsers, lifetime, maximumCallSeconds, maximumCalls, tokenSchema } from "./token-schemas.ts";

/** Characters of a secret, and of a response of the widget. */
const maxSecret = 256;
const maxResponse = 2048;
/** Characters of the origin of a page: a host name (RFC 1035 §2.3.4) with scheme and port. */
const maxOrigin = 270;

const hostnames = z
  .array(domainName)
  .min(1)
  .max(10)
  .optional()
  .openapi({ description: "The hosts of the pages with the widget; absent: those that the widget allows", example: ["shop.example"] });
const members = {
  users: guestUsers,
  hostnames,
  seconds: lifetime(600, "How long a token is valid"),
  maximum_calls: maximumCalls,
  maximum_call_seconds: maximumCallSeconds,
};
const body = z
  .strictObject({
    secret: z
      .string()
      .min(1)
      .max(maxSecret)
      .optional()
      .openapi({ description: "The secret key of the widget. Kept if left out; never shown" }),
    ...members,
  })
  .openapi("TurnstileRequest");
const schema = z
  .object({ ...members, is_lost: z.boolean().openapi({ description: "No key in SEAL_KEYS opens the secret: send it again" }) })
  .openapi("Turnstile");
const response = z
  .strictObject({
    response: z.string().min(1).max(maxResponse).openapi({ description: "What the widget gives to its page: cf-turnstile-response" }),
  })
  .openapi("TurnstileResponse");

const shared = { path: "/domains/{domain}/turnstile", security: [{ bearer: [] }] };
const read = createRoute({
  ...operation("readTurnstile", "Read for what the guests of a domain get tokens by Turnstile", "Sign-in"),
  ...{ method: "get", ...shared, request: { params: domainParameters } },
  responses: { 200: json(schema, "The settings, without the secret"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putTurnstile", "Let guests of a domain get tokens on its pages if they pass Turnstile", "Sign-in"),
  ...{ method: "put", ...shared },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: body } } } },
  responses: { 200: json(schema, "The new settings, without the secret"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});
const remove = createRoute({
  ...operation("deleteTurnstile", "Give no tokens by Turnstile any more", "Sign-in"),
  ...{ method: "delete", ...shared, request: { params: domainParameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});
const add = createRoute({
  ...operation("addTurnstileToken", "Get the token of a guest for a response of Turnstile, on a page and without credentials", "Sign-in"),
  ...{ method: "post", path: "/domains/{domain}/turnstile/tokens", security: [{}, { bearer: [] }] },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: response } } } },
  responses: { 201: json(tokenSchema, "The token"), ...problems(400, 401, 404, 413, 503) },
});

/** /domains/{domain}/turnstile, and …/turnstile/tokens for pages. */
export const turnstileRoutes = new OpenAPIHono<ApiEnvironment>();

turnstileRoutes.openapi(read, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  const found = await new TurnstileStore(context.env.DIRECTORY).find(domain, keyringFor(context.env));
  if (found === undefined) throw none(domain);
  return context.json(viewOf(found), 200);
});

turnstileRoutes.openapi(put, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  const keyring = keyringFor(context.env);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: the secret cannot be stored");
  const store = new TurnstileStore(context.env.DIRECTORY);
  const { secret, users, seconds, ...more } = context.req.valid("json");
  await requireUsers(context.env, domain, users);
  const kept = secret ?? (await store.find(domain, keyring))?.secret;
  if (kept === undefined) throw new Problem(400, "secret: is missing, and there is none to keep");
  if (kept === "") throw new Problem(409, "secret: no key in SEAL_KEYS opens the one that is stored: send it again");
  const settings: TurnstileSettings = {
    ...{ secret: kept, users: users.map(canonicalUser), seconds },
    ...(more.hostnames === undefined ? {} : { hostnames: more.hostnames }),
    ...(more.maximum_calls === undefined ? {} : { maximumCalls: more.maximum_calls }),
    ...(more.maximum_call_seconds === undefined ? {} : { maximumSeconds: more.maximum_call_seconds }),
  };
  await store.put(domain, settings, keyring);
  return context.json(viewOf(settings), 200);
});

turnstileRoutes.openapi(remove, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  if (!(await new TurnstileStore(context.env.DIRECTORY).delete(domain))) throw none(domain);
  return context.body(null, 204);
});

turnstileRoutes.openapi(add, async (context) => {
  refuseWithoutTls(context, "responses of Turnstile");
  await refuseFrequent(context);
  const { domain } = context.req.valid("param");
  const settings = await new TurnstileStore(context.env.DIRECTORY).find(domain, keyringFor(context.env));
  if (settings === undefined) throw none(domain);
  await mustPass(context, settings, context.req.valid("json").response);
  const { users, seconds, maximumCalls: calls, maximumSeconds } = settings;
  const origin = context.req.header("Origin");
  if ((origin ?? "").length > maxOrigin) throw new Problem(400, `the origin of the page is longer than ${maxOrigin} characters`);
  const limits = newLimits({
    isSingleUse: true,
    ...(origin === undefined ? {} : { origins: [origin] }),
    ...(calls === undefined ? {} : { maximumCalls: calls }),
    ...(maximumSeconds === undefined ? {} : { maximumSeconds }),
  });
  const token = await newGuestToken(context.env, { domain, users: await present(context.env, domain, users), seconds, limits });
  return context.json(token, 201, { "Cache-Control": "no-store" });
});

/** Throws 403 for a response that Turnstile does not accept, and 503 if it cannot be asked. */
async function mustPass(
  { env, req }: Pick<Parameters<typeof refuseFrequent>[0], "env" | "req">,
  settings: TurnstileSettings,
  given: string,
): Promise<void> {
  if (settings.secret === "") throw new Problem(503, "the secret for Turnstile cannot be opened: an administrator has to send it again");
  const asked = { response: given, address: req.header("CF-Connecting-IP") };
  const verdict = await askTurnstile(readConfiguration(env).turnstileUrl, settings, asked);
  if (verdict.kind === "passed") return;
  if (verdict.kind === "refused") throw new Problem(403, verdict.why);
  console.error(JSON.stringify({ note: "a guest got no token, because Turnstile gave no verdict", why: verdict.why }));
  throw new Problem(503, "Turnstile gave no verdict: try again; the log has more", { "Retry-After": "10" });
}

/** Those of the users who are still there, without escapes. */
async function present({ DIRECTORY }: Environment, domain: string, users: readonly string[]): Promise<string[]> {
  const found = await Promise.all(users.map((user) => new Store(DIRECTORY).subscriber(domain, nameOf(user))));
  const names = users.filter((_user, index) => found[index] !== undefined).map(nameOf);
  if (names.length === 0) throw new Problem(503, "the users whom guests may call are gone: an administrator has to name others");
  return names;
}

function viewOf({
  secret,
  users,
  hostnames: hosts,
  seconds,
  maximumCalls: calls,
  maximumSeconds,
}: TurnstileSettings): z.infer<typeof schema> {
  return {
    ...{ users: users.map(nameOf), seconds, is_lost: secret === "" },
    ...(hosts === undefined ? {} : { hostnames: [...hosts] }),
    ...(calls === undefined ? {} : { maximum_calls: calls }),
    ...(maximumSeconds === undefined ? {} : { maximum_call_seconds: maximumSeconds }),
  };
}

function none(domain: string): Problem {
  return new Problem(404, `there is no Turnstile in ${domain}`);
}
