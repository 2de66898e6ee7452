import { z } from "@hono/zod-openapi";
import { canonicalUser, isHost, nameOfUser } from "../../lib/syntax/uri.ts";
import { nameOf } from "../../platform/directory/store.ts";
import { inQuery, pageLimit } from "./query-parameters.ts";

/** Characters of a user's name, and of its escaped form in a URI. */
const maxName = 64;
const maxEscaped = 192;

/**
 * The name of a user, without escapes; a user part of a SIP URI is accepted too. Characters are refused that a phone's page would read as
 * the end of the name, or that the credentials of HTTP and SIP cannot contain (RFC 7617 §2).
 */
export const userName = z
  .string()
  .min(1)
  .max(maxEscaped)
  .transform((text) => (text.isWellFormed() ? nameOfUser(canonicalUser(text.normalize("NFC"))) : undefined) ?? "\0")
  .refine(
    (name) => !/[\p{Cc}\p{Cs}@:"\\<>]|%[0-9A-Fa-f]{2}|^\s|\s$/u.test(name),
    'has characters that no user name has: @ : " \\ < > or controls',
  )
  .refine(
    (name) => name.length <= maxName && canonicalUser(name).length <= maxEscaped,
    `is longer than ${maxName} characters, or ${maxEscaped} octets in a URI`,
  );

export const domainName = z
  .string()
  .max(253)
  .transform((name) => name.toLowerCase())
  .refine((name) => isHost(name) && name.split(".").every(isLabel), "is not a domain name");

/** RFC 1035 §2.3.4; neither the root's empty one nor an IPv6 reference. */
function isLabel(label: string): boolean {
  return label !== "" && label.length <= 63 && !label.startsWith("[");
}

export const domainParameters = z.object({
  domain: domainName.openapi({ param: { name: "domain", in: "path" }, description: "The name of the domain", example: "example.com" }),
});

export const subscriberParameters = domainParameters.extend({
  username: userName.openapi({
    param: { name: "username", in: "path" },
    description: "The name of the user, percent-encoded as in any path: josé is jos%C3%A9",
    example: "alice",
  }),
});

export const pageQuery = z.object({
  limit: pageLimit("entries"),
  cursor: z.string().default("").openapi(inQuery("cursor", "next_cursor of the previous page")),
  search: z
    .string()
    .max(128)
    .default("")
    .openapi(inQuery("search", "Only entries with this text in the name, alias or display name; the case of a-z is ignored")),
});

export const traceQuery = z.object({
  format: z.enum(["json", "text"]).optional().openapi(inQuery("format", "text: for people; json if absent")),
  call_id: z.string().max(256).optional().openapi(inQuery("call_id", "Only messages and calls with this Call-ID")),
});

const ha1 = (digits: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9A-Fa-f]{${digits}}$`), `has to be ${digits} hexadecimal digits`)
    .transform((text) => text.toLowerCase())
    .optional();

/** Octets: more would not fit where a home keeps the row of a user. */
const maxAliases = 3200;

export const subscriberBody = z
  .strictObject({
    password: z.string().min(8).max(256).nullable().optional().openapi({
      description:
        "Required for a new subscriber if ha1 is absent; kept if left out. null: none, for users who sign in by tokens only. Never shown.",
      example: "correct horse battery",
    }),
    ha1: z
      .strictObject({
        md5: ha1(32).openapi({ description: "MD5(username:domain:password), hexadecimal: for JsSIP and SIP.js" }),
        sha256: ha1(64).openapi({ description: "SHA-256(username:domain:password), hexadecimal: for phones that know SHA-256" }),
      })
      .refine(({ md5, sha256 }) => md5 !== undefined || sha256 !== undefined, "needs md5, sha256 or both")
      .optional()
      .openapi({
        description:
          "Instead of the password: HA1 (RFC 7616 §3.4.2) from another server whose realm was the domain. With md5 only, a phone that prefers SHA-256 cannot register; with sha256 only, JsSIP and SIP.js cannot. Never shown.",
      }),
    aliases: z
      .array(userName)
      .max(50)
      .refine((aliases) => aliases.map(canonicalUser).join().length <= maxAliases, `are longer than ${maxAliases} octets together`)
      .optional()
      .openapi({
        description: "Other names and numbers of the domain that reach the subscriber; kept if left out",
        example: ["+493012345", "info"],
      }),
    displayName: z
      .string()
      .min(1)
      .max(128)
      .refine(isPlainText, "has control characters")
      .nullable()
      .optional()
      .openapi({ description: "The display name; null removes it, kept if left out", example: "Alice Ågren" }),
  })
  .refine(({ password, ha1: hashes }) => password === undefined || hashes === undefined, {
    path: ["ha1"],
    message: "cannot be combined with password",
  })
  .openapi("SubscriberChange");

/** Whether a text has no control characters and no halves of surrogate pairs. Not a `regex`: its flag would be wrong in the description. */
export function isPlainText(text: string): boolean {
  return !/[\p{Cc}\p{Cs}]/u.test(text);
}

/** Whether XML allows a text (XML 1.0 §2.2): besides plain text, tabs and line ends. */
export function fitsXml(text: string): boolean {
  return isPlainText(text.replace(/[\t\n\r]/g, "")) && !/[\ufffe\uffff]/.test(text);
}

export const domainSchema = z
  .object({ domain: z.string().openapi({ description: "The name of the domain, in lower case", example: "example.com" }) })
  .openapi("Domain");

export const subscriberSchema = z
  .object({
    domain: z.string().openapi({ description: "The domain of the user", example: "example.com" }),
    username: z.string().openapi({ description: "The name, without escapes", example: "josé" }),
    displayName: z.string().nullable().openapi({ description: "The display name; null if there is none", example: "José" }),
    aliases: z.array(z.string()).openapi({ description: "Other names and numbers of the domain that reach the user" }),
    opened: z.boolean().openapi({
      description:
        "Whether a phone of the user has ever registered with the right password. Until then nothing is stored for the user: calls get 480, or go where the rule not_registered says; there are no bindings, no messages and no presence",
    }),
  })
  .openapi("Subscriber");

const nextCursor = z.string().nullable().openapi({ description: "The cursor of the next page; null if this is the last" });

export const domainsSchema = z
  .object({ domains: z.array(domainSchema).openapi({ description: "The domains, by name" }), next_cursor: nextCursor })
  .openapi("Domains");

export const subscribersSchema = z
  .object({ subscribers: z.array(subscriberSchema).openapi({ description: "The users, by name" }), next_cursor: nextCursor })
  .openapi("Subscribers");

export const traceEntry = z.object({
  at: z.number().openapi({ description: "Milliseconds since 1970" }),
  direction: z
    .enum(["in", "out", "note"])
    .openapi({ description: "in: the server received it; out: the server sent it; note: another event" }),
  flow: z.string().openapi({ description: "The connection; - for another home or server" }),
  text: z.string().openapi({ description: "The message, or the note" }),
});

const failedCall = z
  .object({
    at: z.number().openapi({ description: "Milliseconds since 1970; when the final response was sent" }),
    call_id: z.string().openapi({ description: "The Call-ID, as the log and the phones have it" }),
    side: z.enum(["caller", "callee"]).openapi({ description: "Whether the user placed the call, or was called" }),
    status: z.number().int().openapi({ description: "The status code of the final response", example: 486 }),
    reason: z.string().openapi({ description: "Its reason phrase", example: "Busy Here" }),
    why: z.string().optional().openapi({
      description: "The server's own explanation; absent if a phone or another server has refused",
      example: "no phone of this user is registered",
    }),
    from: z.string().openapi({ description: "The From header" }),
    to: z.string().openapi({ description: "The To header" }),
    ms: z.number().optional().openapi({ description: "Milliseconds from the INVITE to the final response, if known" }),
    messages: z
      .array(traceEntry)
      .openapi({ description: "The INVITE and its related messages, oldest first, if the home still had them; without credentials" }),
  })
  .openapi("FailedCall");

export const traceSchema = z
  .object({
    entries: z.array(traceEntry).openapi({ description: "The last messages, oldest first; deleted when the home has been idle for 10 s" }),
    failed: z.array(failedCall).openapi({ description: "Calls that failed within a day, oldest first: 50 at most, ten a minute" }),
  })
  .openapi("Trace");

export const permissionSchema = z.enum(["allow", "block", "polite-block", "confirm"]).openapi({
  description:
    "RFC 5025: allow shows the user's state; block refuses; polite-block shows the user as closed; confirm waits until the user has decided",
});

/** The subject of a rule for watchers. */
export const watcherName = z
  .string()
  .max(320)
  .transform(canonicalName)
  .refine((name) => /^[^@\s]+@[a-z0-9.\-[\]:]+$/.test(name), "is not user@domain or *@domain");

/** An address of record: the canonical user part, the domain in lower case. */
export function canonicalName(name: string): string {
  const at = name.lastIndexOf("@");
  if (at < 0) return name.toLowerCase();
  return `${canonicalUser(name.slice(0, at).replace(/^sips?:/i, ""))}@${name.slice(at + 1).toLowerCase()}`;
}

/** The same without escapes, as people write it. */
export function shownName(name: string): string {
  const at = name.lastIndexOf("@");
  return `${nameOf(name.slice(0, Math.max(0, at)))}${name.slice(Math.max(0, at))}`;
}

/** Watchers and their permissions, as people write them. */
export function shownWatchers<Permission>(watchers: Readonly<Record<string, Permission>>): Record<string, Permission> {
  return Object.fromEntries(Object.entries(watchers).map(([name, permission]) => [shownName(name), permission]));
}
