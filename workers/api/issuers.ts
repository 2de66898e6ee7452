import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { type TokenIssuer, tokenAlgorithms } from "../../lib/authentication/token-issuer.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import { type FetchedKeys, IssuerStore, type KnownIssuer } from "../../platform/directory/issuer-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { KeySetFault, fetchKeySet, readKeySet } from "../../platform/tokens/key-set-fetch.ts";
import { tokenVerifierOf } from "../../platform/tokens/token-verifier.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters, isPlainText } from "./schemas.ts";

/** Issuers of a domain. */
const maxIssuers = 10;
const text = (max: number) => z.string().min(1).max(max).refine(isPlainText, "has control characters");

const fields = {
  issuer: text(512).openapi({ description: "The claim iss of its tokens", example: "https://login.example.com/" }),
  jwks_uri: z.string().max(1024).optional().openapi({
    description:
      "Where its keys are (RFC 7517): an https URL of a server on the Internet. Fetched again after ten minutes, and for an unknown kid",
    example: "https://login.example.com/.well-known/jwks.json",
  }),
  jwks: z
    .looseObject({ keys: z.array(z.looseObject({})).openapi({ description: "Public keys" }) })
    .optional()
    .openapi({ description: "Its keys, instead of jwks_uri" }),
  audience: z
    .array(text(256))
    .min(1)
    .max(10)
    .openapi({ description: "One of them has to be in the claim aud", example: ["offhook"] }),
  algorithms: z
    .array(z.enum(tokenAlgorithms))
    .min(1)
    .max(tokenAlgorithms.length)
    .default(["RS256", "PS256", "ES256", "EdDSA"])
    .openapi({ description: "The algorithms of its tokens: all with a public key" }),
  user_claim: text(64)
    .default("sub")
    .openapi({ description: "The claim that names the user: alice, or alice@example.com", example: "preferred_username" }),
  clock_skew: z.int().min(0).max(300).default(30).openapi({ description: "Seconds by which its clock may differ" }),
  create_users: z.boolean().default(false).openapi({
    description: "Whether a user who does not exist is made when they sign in; none whose name a number, a trunk or a route has",
  }),
};
const issuerBody = z
  .strictObject(fields)
  .refine(({ jwks_uri: uri, jwks }) => (uri === undefined) !== (jwks === undefined), "needs either jwks_uri or jwks")
  .openapi("IssuerChange");
const issuerSchema = z
  .object({
    name: z.string().openapi({ description: "The name of the issuer", example: "login" }),
    ...fields,
    keys_fetched: z.iso.datetime().nullable().openapi({ description: "When its keys were last fetched; null if they are given here" }),
  })
  .openapi("Issuer");
const issuersSchema = z.object({ issuers: z.array(issuerSchema).openapi({ description: "The issuers, by name" }) }).openapi("Issuers");

const security = [{ bearer: [] }];
const path = "/domains/{domain}/issuers/{issuer}";
const params = domainParameters.extend({
  issuer: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "is not made of a-z, 0-9 and hyphens")
    .openapi({ param: { name: "issuer", in: "path" }, description: "The name of the issuer", example: "login" }),
});
const list = createRoute({
  ...operation("listIssuers", "List who issues tokens for the users of a domain", "Sign-in"),
  ...{ method: "get", path: "/domains/{domain}/issuers", security, request: { params: domainParameters } },
  responses: { 200: json(issuersSchema, "The issuers"), ...problems(400, 401, 404, 503) },
});
const read = createRoute({
  ...operation("readIssuer", "Read an issuer of tokens", "Sign-in"),
  ...{ method: "get", path, security, request: { params } },
  responses: { 200: json(issuerSchema, "The issuer"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putIssuer", "Let users sign in by the tokens of an issuer", "Sign-in"),
  ...{ method: "put", path, security },
  request: { params, body: { required: true, content: { "application/json": { schema: issuerBody } } } },
  responses: {
    200: json(issuerSchema, "It was replaced"),
    201: json(issuerSchema, "It was created"),
    ...problems(400, 401, 404, 409, 412, 413, 503),
  },
});
const remove = createRoute({
  ...operation("deleteIssuer", "Accept no more tokens of an issuer; connections stay until their tokens expire", "Sign-in"),
  ...{ method: "delete", path, security, request: { params } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains/{domain}/issuers. */
export const issuerRoutes = new OpenAPIHono<{ Bindings: Environment }>();

issuerRoutes.openapi(list, async (context) => {
  return context.json({ issuers: (await issuersOf(context.env, context.req.valid("param").domain)).map(shown) }, 200);
});

issuerRoutes.openapi(read, async (context) => {
  const { domain, issuer: name } = context.req.valid("param");
  const known = (await issuersOf(context.env, domain)).find(({ issuer }) => issuer.name === name);
  if (known === undefined) throw new Problem(404, `there is no issuer ${name} in ${domain}`);
  return context.json(shown(known), 200);
});

issuerRoutes.openapi(put, async (context) => {
  const { domain, issuer: name } = context.req.valid("param");
  const all = await issuersOf(context.env, domain);
  const isThere = all.some(({ issuer }) => issuer.name === name);
  if (!isThere && all.length >= maxIssuers) throw new Problem(409, `${domain} has ${maxIssuers} issuers, which is the limit`);
  const body = context.req.valid("json");
  const fetched = await keysOf(context.env, body);
  const issuer = issuerOf(domain, name, body);
  await new IssuerStore(context.env.DIRECTORY).put(issuer, fetched);
  forgetIssuers(context.env, domain);
  return context.json(shown({ issuer, fetchedAt: fetched?.at }), isThere ? 200 : 201) as never;
});

issuerRoutes.openapi(remove, async (context) => {
  const { domain, issuer: name } = context.req.valid("param");
  const isDeleted = await new IssuerStore(context.env.DIRECTORY).delete(domain, name);
  if (!isDeleted) throw new Problem(404, `there is no issuer ${name} in ${domain}`);
  forgetIssuers(context.env, domain);
  return context.body(null, 204);
});

/** Other isolates know it within ten seconds. */
function forgetIssuers(environment: Environment, domain: string): void {
  directoryOf(environment).forget(domain);
  tokenVerifierOf(environment).forget();
}

async function issuersOf(environment: Environment, domain: string) {
  await requireDomain(environment, domain);
  return new IssuerStore(environment.DIRECTORY).ofDomain(domain);
}

/** The keys are tried at once, so that the administrator learns what is wrong with them. */
async function keysOf(environment: Environment, { jwks_uri: uri, jwks }: z.infer<typeof issuerBody>): Promise<FetchedKeys | undefined> {
  try {
    if (uri !== undefined) return { text: await fetchKeySet(environment, uri), at: Date.now() };
    readKeySet(JSON.stringify(jwks));
    return undefined;
  } catch (error) {
    if (!(error instanceof KeySetFault)) throw error;
    throw new Problem(400, `${uri === undefined ? "jwks" : "jwks_uri"}: ${error.message}`);
  }
}

function issuerOf(domain: string, name: string, body: z.infer<typeof issuerBody>): TokenIssuer {
  const { jwks_uri: keysUrl, jwks, issuer, audience, algorithms } = body;
  return {
    ...{ domain, name, issuer, audience, algorithms },
    ...(keysUrl === undefined ? {} : { keysUrl }),
    ...(jwks === undefined ? {} : { keys: JSON.stringify(jwks) }),
    ...{ userClaim: body.user_claim, clockSkew: body.clock_skew, createsUsers: body.create_users },
  };
}

function shown({ issuer: one, fetchedAt }: KnownIssuer) {
  const { name, issuer, keysUrl, keys } = one;
  return {
    ...{ name, issuer, audience: [...one.audience], algorithms: [...one.algorithms] },
    ...(keysUrl === undefined ? {} : { jwks_uri: keysUrl }),
    ...(keys === undefined ? {} : { jwks: readKeySet(keys) as unknown as { keys: Record<string, unknown>[] } }),
    ...{ user_claim: one.userClaim, clock_skew: one.clockSkew, create_users: one.createsUsers },
    keys_fetched: fetchedAt === undefined ? null : new Date(fetchedAt).toISOString(),
  };
}
