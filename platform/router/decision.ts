import { z } from "zod";
import type { Decision } from "../../lib/routing/routing.ts";

/** Characters of a decision as JSON. */
export const maxDecision = 16_384;

/** Headers that a router may add; none of those that the server itself works by. */
const headerName = /^(?:user-to-user|alert-info|call-info|x-[a-z0-9-]{1,60})$/i;
const printable = /^[^\p{Cc}\p{Cs}]*$/u;
/** Without what would end the user part of a URI, or the URI. */
const userOrNumber = /^[^\s\p{Cc}\p{Cs}@<>"]*$/u;

const headers = z
  .record(z.string().regex(headerName, "is not User-to-User, Alert-Info, Call-Info, or a name that begins with X-"), text(512, printable))
  .refine((record) => Object.keys(record).length <= 16, "has more than 16 headers")
  .optional();
const uri = text(256, /^[!-~]+$/).refine((value) => !/[<>"]/.test(value), "has characters that no URI may have");

const schema = z.discriminatedUnion("action", [
  z.object({ action: z.literal("continue"), headers }),
  z.object({
    action: z.literal("ring"),
    targets: z
      .array(
        z.object({
          to: text(256, /^[^\s\p{Cc}\p{Cs}<>"]*$/u).min(1),
          trunk: z.string().max(64).optional(),
          after: z.number().min(0).max(600).optional(),
          seconds: z.number().min(1).max(600).optional(),
        }),
      )
      .min(1)
      .max(20),
    headers,
  }),
  z.object({
    action: z.literal("trunk"),
    trunk: z.string().max(64),
    number: text(128, userOrNumber).min(1),
    from: text(128, userOrNumber).min(1).optional(),
    headers,
  }),
  z.object({ action: z.literal("redirect"), uris: z.array(uri).min(1).max(10) }),
  z.object({ action: z.literal("reject"), status: z.int().min(400).max(699), reason: text(100, /^[ -~]*$/).optional() }),
]);

function text(length: number, pattern: RegExp) {
  return z.string().max(length).regex(pattern, "has characters that are not allowed");
}

/** A decision as a router has sent it, without members that mean nothing. @throws Error with what is wrong */
export function readDecision(sent: unknown): Decision {
  const result = schema.safeParse(sent);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error(`its decision is not valid: ${[issue?.path.join("."), issue?.message].filter(Boolean).join(": ")}`.slice(0, 200));
}
