import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import type { ReadSigningSettings, SigningSettings } from "../../lib/stir/signing-settings.ts";
import { directoryOf, keyringFor } from "../../platform/directory/directory.ts";
import { SigningStore } from "../../platform/directory/signing-store.ts";
import type { Environment } from "../../platform/environment.ts";
import { checkSigning } from "../../platform/stir/signing-check.ts";
import { readSigningKey } from "../../platform/stir/signing-key.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";

const attestation = z.enum(["A", "B", "C", "none"]);
const fields = {
  x5u: z
    .string()
    .max(512)
    .refine((text) => URL.parse(text)?.protocol === "https:" && !/[<>"\s]/.test(text), "is not an https URL")
    .openapi({
      description: "Where everybody can read the certificate, with the chain to its authority, in PEM",
      example: "https://certificates.example.com/2026.pem",
    }),
  numbers: z
    .array(z.string().regex(/^\+\d{1,15}$/, "is not the beginning of a number, with a plus"))
    .max(100)
    .default([])
    .openapi({ description: "Prefixes of the domain's numbers, besides the aliases of its users", example: ["+4930555"] }),
  attest: z
    .strictObject({
      own_number: attestation.default("A").openapi({ description: "For a user who calls with a number of the domain" }),
      other_number: attestation.default("B").openapi({ description: "For a user who calls with another number" }),
      elsewhere: attestation.default("C").openapi({ description: "For calls that came in by a trunk or from a peer" }),
    })
    .prefault({})
    .openapi({ description: "The attestation for each kind of caller (RFC 8588 §4); none: such calls are not signed" }),
};
const body = z
  .strictObject({
    ...fields,
    key: z.string().max(8192).optional().openapi({
      description:
        "The private key of the certificate, on the curve P-256, in PEM or as a JSON Web Key in JSON. Kept if left out. Never shown",
    }),
  })
  .openapi("SigningChange");
const schema = z
  .object({
    ...fields,
    lost: z
      .boolean()
      .openapi({ description: "Whether no key in SEAL_KEYS opens the private key: nothing is signed until it is sent again" }),
  })
  .openapi("Signing");

const shared = { path: "/domains/{domain}/signing", security: [{ bearer: [] }] };
const read = createRoute({
  ...operation("readSigning", "Read how the calls of a domain are signed", "Other servers"),
  ...{ method: "get", ...shared, request: { params: domainParameters } },
  responses: { 200: json(schema, "The settings, without the private key"), ...problems(400, 401, 404, 503) },
});
const put = createRoute({
  ...operation("putSigning", "Set how the calls of a domain are signed (STIR/SHAKEN)", "Other servers"),
  ...{ method: "put", ...shared },
  request: { params: domainParameters, body: { required: true, content: { "application/json": { schema: body } } } },
  responses: { 200: json(schema, "The new settings, without the private key"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});
const statusSchema = z
  .object({
    usable: z.boolean().openapi({ description: "Whether the certificate at x5u can be read, is valid, and belongs to the private key" }),
    why: z.string().nullable().openapi({ description: "Why not; null if it is usable" }),
    valid_until: z.iso.datetime().nullable().openapi({ description: "When the certificate expires; null if it is not usable" }),
  })
  .openapi("SigningStatus");
const status = createRoute({
  ...operation("readSigningStatus", "Fetch the certificate of a domain's signatures, and compare it with the private key", "Other servers"),
  ...{ method: "get", path: `${shared.path}/status`, security: shared.security, request: { params: domainParameters } },
  responses: { 200: json(statusSchema, "Whether those who are called can use it"), ...problems(400, 401, 404, 503) },
});
const remove = createRoute({
  ...operation("deleteSigning", "Sign no more calls of a domain", "Other servers"),
  ...{ method: "delete", ...shared, request: { params: domainParameters } },
  responses: { 204: noContent, ...problems(400, 401, 404, 412, 503) },
});

/** /domains/{domain}/signing. */
export const signingRoutes = new OpenAPIHono<{ Bindings: Environment }>();

signingRoutes.openapi(read, async (context) => {
  const { domain } = context.req.valid("param");
  const found = await foundFor(context.env, domain);
  if (found === undefined) throw none(domain);
  return context.json(view(found), 200);
});

signingRoutes.openapi(put, async (context) => {
  const { domain } = context.req.valid("param");
  const keyring = keyringFor(context.env);
  if (keyring === undefined) throw new Problem(503, "the secret SEAL_KEYS is not set: private keys cannot be stored");
  const settings = complete(context.req.valid("json"), await foundFor(context.env, domain));
  await new SigningStore(context.env.DIRECTORY).put(domain, settings, keyring);
  directoryOf(context.env).forget(domain);
  return context.json(view({ settings, isLost: false }), 200);
});

signingRoutes.openapi(remove, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  if (!(await new SigningStore(context.env.DIRECTORY).delete(domain))) throw none(domain);
  directoryOf(context.env).forget(domain);
  return context.body(null, 204);
});

signingRoutes.openapi(status, async (context) => {
  const { domain } = context.req.valid("param");
  const found = await foundFor(context.env, domain);
  if (found === undefined) throw none(domain);
  const check = found.isLost ? { why: lostKey } : await checkSigning(context.env, found.settings, Date.now());
  if ("why" in check) return context.json({ usable: false, why: check.why, valid_until: null }, 200);
  return context.json({ usable: true, why: null, valid_until: new Date(check.until).toISOString() }, 200);
});

const lostKey = "no key in SEAL_KEYS opens the private key: send it again";

async function foundFor(environment: Environment, domain: string): Promise<ReadSigningSettings | undefined> {
  await requireDomain(environment, domain);
  return new SigningStore(environment.DIRECTORY).find(domain, keyringFor(environment));
}

/** With the private key that was left out. */
function complete({ x5u, numbers, attest, key: sent }: z.infer<typeof body>, before: ReadSigningSettings | undefined): SigningSettings {
  const { own_number: ownNumber, other_number: otherNumber, elsewhere } = attest;
  const open = { x5u, numbers: numbers.map((number) => number.slice(1)), policy: { ownNumber, otherNumber, elsewhere } };
  if (sent === undefined) {
    if (before === undefined) throw new Problem(400, "key: is missing, and there is none to keep");
    if (before.isLost) throw new Problem(409, "key: no key in SEAL_KEYS opens the one that is stored: send it again");
    return { ...open, key: before.settings.key };
  }
  const read = readSigningKey(sent);
  if ("why" in read) throw new Problem(400, `key: ${read.why}`);
  return { ...open, key: read.key };
}

function view({ settings: { x5u, numbers, policy }, isLost: lost }: ReadSigningSettings): z.infer<typeof schema> {
  const { ownNumber: own_number, otherNumber: other_number, elsewhere } = policy;
  return { x5u, numbers: numbers.map((number) => `+${number}`), attest: { own_number, other_number, elsewhere }, lost };
}

function none(domain: string): Problem {
  return new Problem(404, `the calls of ${domain} are not signed`);
}
