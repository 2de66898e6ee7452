import { z } from "@hono/zod-openapi";
import { type TokenLimits, tokenScopes } from "../../lib/authentication/token-limits.ts";
import { maxUserToUser, userToUserLength } from "../../lib/proxy/user-to-user.ts";
import { canonicalNumber } from "../../lib/syntax/telephone-number.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import type { MintedLimits } from "../../platform/tokens/own-token.ts";
import { newLimits } from "./guest-token.ts";
import { domainName, userName } from "./schemas.ts";

/** Octets of the users whom a guest may call, and of the targets of a user: the connection remembers them. */
const maxRemembered = 300;
/** Seconds: a day. */
const maxSeconds = 86_400;

const origin = z
  .string()
  .max(100)
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, "is not an origin such as https://shop.example");

export const maximumCalls = z.int().min(1).max(1000).optional().openapi({ description: "How many calls may begin with it, in all" });

export const maximumCallSeconds = z
  .int()
  .min(10)
  .max(maxSeconds)
  .optional()
  .openapi({ description: "How long each call may last that begins with it; then the server ends it" });

/** Whom a guest may call. */
export const guestUsers = z
  .array(userName)
  .min(1)
  .max(10)
  .refine((users) => users.map(canonicalUser).join().length <= maxRemembered, `are longer than ${maxRemembered} octets together`)
  .openapi({ description: "Whom the guest may call and write to, and nobody else", example: ["support"] });

/** Seconds that a token is valid. @param usual if absent */
export const lifetime = (usual: number, description: string) => z.int().min(60).max(maxSeconds).default(usual).openapi({ description });

/** The limits that tokens of users and of guests have in common. */
const limits = {
  maximum_calls: maximumCalls,
  maximum_call_seconds: maximumCallSeconds,
  origins: z
    .array(origin)
    .min(1)
    .max(5)
    .optional()
    .openapi({
      description: "The pages that may use it, by their origin; other pages, and programs that name none, are refused",
      example: ["https://shop.example"],
    }),
  single_use: z.boolean().optional().openapi({
    description:
      "true: for one connection at a time, from the client address that uses it first. There it may reconnect until the token ends; from elsewhere it is refused",
  }),
};

export const tokenSchema = z
  .object({
    token: z.string().openapi({ description: "The token: in the URL, ?access_token=, or as a bearer token. It is shown only here" }),
    expires: z.iso.datetime().openapi({ description: "When it ends" }),
  })
  .openapi("Token");

export const tokenBody = z
  .strictObject({
    seconds: lifetime(3600, "How long the user may sign in with it, and stay registered"),
    ...limits,
    scope: z
      .array(z.enum(tokenScopes))
      .min(1)
      .max(tokenScopes.length)
      .optional()
      .openapi({ description: "register: be reachable and publish presence; call: call and write; watch: subscribe. All if absent" }),
    targets: z
      .array(z.string().min(1).max(128))
      .min(1)
      .max(20)
      .optional()
      .openapi({
        description: "Whom the user may call and write to: a user, an address, a number, or the beginning of numbers with an asterisk",
        example: ["support", "bob@other.example", "+4930*"],
      }),
  })
  .openapi("TokenRequest");

export const guestTokenBody = z
  .strictObject({
    users: guestUsers,
    seconds: lifetime(600, "How long the guest may connect and begin calls with it"),
    metadata: z
      .string()
      .min(1)
      .refine(
        (text) => text.isWellFormed() && userToUserLength(text) <= maxUserToUser,
        `is longer than ${maxUserToUser} octets in UTF-8, or is not text`,
      )
      .optional()
      .openapi({
        description:
          "What the called phone is told in the header User-to-User (RFC 7433): no link, and nothing secret, since phones may show it",
        example: "order 4711",
      }),
    ...limits,
  })
  .openapi("GuestTokenRequest");

type Limits = Partial<Pick<z.infer<typeof tokenBody>, keyof typeof limits | "scope">>;

/** The limits of a token, from the members of a request; undefined if it has none. */
export function limitsOf(
  { maximum_calls: calls, maximum_call_seconds: maximumSeconds, origins, single_use: isSingleUse, scope }: Limits,
  targets?: readonly string[],
): MintedLimits | undefined {
  return newLimits({
    ...(calls === undefined ? {} : { maximumCalls: calls }),
    ...(maximumSeconds === undefined ? {} : { maximumSeconds }),
    ...(origins === undefined ? {} : { origins }),
    ...(isSingleUse === true ? { isSingleUse } : {}),
    ...(scope === undefined ? {} : { scope: [...new Set(scope)] }),
    ...(targets === undefined ? {} : { targets }),
  });
}

/** Targets as connections remember them; what is wrong with one of them otherwise. @param domain of those that name none */
export function readTargets(
  written: readonly string[],
  domain: string,
): { readonly targets: TokenLimits["targets"] & {} } | { readonly why: string } {
  const targets: string[] = [];
  for (const text of written) {
    const target = readTarget(text, domain);
    if (target === undefined) return { why: `${text} is not a user, an address, a number, or the beginning of a number with an asterisk` };
    targets.push(target);
  }
  return targets.join().length > maxRemembered ? { why: `are longer than ${maxRemembered} octets together` } : { targets };
}

function readTarget(text: string, own: string): string | undefined {
  const at = text.lastIndexOf("@");
  const domain = at < 0 ? own : domainName.safeParse(text.slice(at + 1)).data;
  const written = at < 0 ? text : text.slice(0, at);
  if (domain === undefined) return undefined;
  const beginning = /^(\+?[\s().-]*\d[\d\s().-]*)\*$/.exec(written)?.[1];
  if (beginning !== undefined) return `${canonicalNumber(beginning)}*@${domain}`;
  const name = userName.safeParse(written).data;
  if (name === undefined || name.endsWith("*")) return undefined;
  const user = canonicalUser(name);
  return `${canonicalNumber(user) ?? user}@${domain}`;
}
