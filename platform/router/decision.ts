import { z } from "zod";
import type { Decision } from "../../lib/routing/routing.ts";
import { maxDialled } from "../../lib/transport/routed-call.ts";

/** Characters of a decision as JSON. */
export const maxDecision = 16_384;

/** Headers that a router may add; none of those that the server itself works by. */
const headerName = /^(?:user-to-user|alert-info|call-info|x-[a-z0-9-]{1,60})$/i;
const printable = /^[^\p{Cc}\p{Cs}]*$/u;
/** Whatever has a meaning in a URI is escaped later. */
const userOrNumber = /^[^\s\p{Cc}\p{Cs}]+$/u;

const headers = z
  .record(z.string().regex(headerName, "is not User-to-User, Alert-Info, Call-Info, or a name that begins with X-"), text(512, printable))
  .refine((record) => Object.keys(record).length <= 16, "has more than 16 headers")
  .optional();
const uri = text(256, /^[!-~]+$/).refine((value) => !/[<>"]/.test(value), "has characters that no URI may have");
const user = text(maxDialled, userOrNumber);
const absent = z.undefined().optional();
const times = { after: z.number().min(0).max(600).optional(), seconds: z.number().min(1).max(600).optional() };
const permission = { any_caller: z.boolean().optional() };
const target = z.union(
  [
    z.object({ to: user, trunk: z.string().max(64).optional(), uri: absent, ...times, ...permission }),
    z.object({ uri, to: absent, trunk: absent, ...times, ...permission }),
  ],
  { error: "needs either `to` (a user or number, and perhaps a trunk) or `uri`, and times within the limits" },
);
/** They would ask the caller for credentials, or say that this server is out of order. */
const notForRouters = new Set([401, 407, 503]);
const refusal = z.int().min(400).max(699);

const schema = z.discriminatedUnion("action", [
  z.object({ action: z.literal("continue"), headers }),
  z.object({
    action: z.literal("ring"),
    targets: z.array(target).min(1).max(20),
    headers,
  }),
  z.object({
    action: z.literal("trunk"),
    trunk: z.string().max(64),
    number: user,
    from: user.optional(),
    ...permission,
    headers,
  }),
  z.object({ action: z.literal("redirect"), uris: z.array(uri).min(1).max(10) }),
  z.object({
    action: z.literal("reject"),
    status: refusal.refine((status) => !notForRouters.has(status), "is not for routers"),
    reason: text(100, /^[ -~]*$/).optional(),
  }),
]);

function text(length: number, pattern: RegExp) {
  return z.string().max(length).regex(pattern, "has characters that are not allowed");
}

/** A router has decided, but not what can be carried out. */
export class InvalidDecision extends Error {}

/** A decision as a router has sent it, without members that mean nothing. @throws InvalidDecision with what is wrong */
export function readDecision(sent: unknown): Decision {
  const result = schema.safeParse(sent);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InvalidDecision(
    `its decision is not valid: ${[issue?.path.join("."), issue?.message].filter(Boolean).join(": ")}`.slice(0, 200),
  );
}
