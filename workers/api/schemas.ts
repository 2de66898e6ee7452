import { z } from "@hono/zod-openapi";
import { canonicalUser, isHost, parseUri } from "../../lib/syntax/uri.ts";
import { isFault } from "../../lib/syntax/fault.ts";

/** A user part as it may stand in a SIP URI; taken in its canonical spelling. */
export const userPart = z
  .string()
  .min(1)
  .max(64)
  .transform(canonicalUser)
  .refine((user) => !isFault(parseUri(`sip:${user}@localhost`)) && !/[@#:]/.test(user), "is not the user part of a SIP URI");

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
  domain: domainName.openapi({ param: { name: "domain", in: "path" }, example: "example.com" }),
});

export const subscriberParameters = domainParameters.extend({
  username: userPart.openapi({ param: { name: "username", in: "path" }, example: "alice" }),
});

export const pageQuery = z.object({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .openapi({ param: { name: "limit", in: "query" } }),
  cursor: z
    .string()
    .default("")
    .openapi({ param: { name: "cursor", in: "query" }, description: "next_cursor of the page before" }),
});

export const traceQuery = z.object({
  format: z
    .enum(["json", "text"])
    .optional()
    .openapi({ param: { name: "format", in: "query" } }),
});

export const subscriberBody = z
  .strictObject({
    password: z.string().min(1).max(256).optional().openapi({ description: "Needed for a new subscriber; kept if left out. Never shown." }),
    aliases: z.array(userPart).max(50).optional().openapi({ description: "Other user parts of the domain that reach the subscriber." }),
  })
  .openapi("SubscriberChange");

export const domainSchema = z.object({ domain: z.string() }).openapi("Domain");

export const subscriberSchema = z
  .object({ domain: z.string(), username: z.string(), aliases: z.array(z.string()), opened: z.boolean() })
  .openapi("Subscriber");

export const domainsSchema = z.object({ domains: z.array(domainSchema), next_cursor: z.string().nullable() }).openapi("Domains");

export const subscribersSchema = z
  .object({ subscribers: z.array(subscriberSchema), next_cursor: z.string().nullable() })
  .openapi("Subscribers");

export const traceSchema = z
  .object({
    entries: z.array(z.object({ at: z.number(), direction: z.enum(["in", "out", "note"]), flow: z.string(), text: z.string() })),
  })
  .openapi("Trace");

export const permissionSchema = z.enum(["allow", "block", "polite-block", "confirm"]).openapi({
  description: "RFC 5025: polite-block shows him closed, confirm waits until he has decided",
});
/** Whom a rule for watchers is about. */
export const watcherName = z
  .string()
  .max(320)
  .transform(canonicalName)
  .refine((name) => /^[^@\s]+@[a-z0-9.\-[\]:]+$/.test(name), "is not user@domain or *@domain");

/** An address of record: the user part as it is compared, the domain in lower case. */
export function canonicalName(name: string): string {
  const at = name.lastIndexOf("@");
  if (at < 0) return name.toLowerCase();
  return `${canonicalUser(name.slice(0, at).replace(/^sips?:/i, ""))}@${name.slice(at + 1).toLowerCase()}`;
}
