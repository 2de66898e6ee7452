import { z } from "@hono/zod-openapi";
import { mediaProfiles } from "../../lib/media/profile.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { isHost, parseUri } from "../../lib/syntax/uri.ts";
import { isPlainText } from "./schemas.ts";

const server = z
  .string()
  .max(256)
  .refine(isServer, "is not a SIP or SIPS URI of a server, without a user")
  .openapi({ description: "A SIP or SIPS URI without a user", example: "sip:pbx.example.com;transport=tcp" });
const serverSchema = z
  .strictObject({
    uri: server,
    priority: z.int().min(0).max(65_535).default(1).openapi({ description: "The lowest are tried first" }),
    weight: z.int().min(0).max(65_535).default(1).openapi({ description: "Share of the calls among servers of one priority" }),
  })
  .openapi("TrunkServer");
const digits = z.string().regex(/^\d{0,4}$/, "does not have at most four digits");
const formatSchema = z
  .union([
    z.enum(["e164", "plain"]),
    z.strictObject({
      country_code: z
        .string()
        .regex(/^[1-9]\d{0,2}$/, "is not a country code")
        .openapi({ description: "The country, without a plus", example: "49" }),
      prefix: digits.default("0").openapi({ description: "Before a number of the same country" }),
      international_prefix: digits.default("00").openapi({ description: "Before the country code of any other" }),
    }),
  ])
  .openapi("NumberFormat", { description: "How the trunk writes numbers: +4930123, 4930123, or as dialled in a country" });

const mediaSchema = z
  .strictObject({
    profile: z
      .enum(["auto", ...mediaProfiles])
      .default("auto")
      .openapi({
        description:
          "What the other side speaks: as browsers (webrtc), plain RTP, or SRTP with SDES keys; auto: WebRTC calls from it pass, calls to it are converted to RTP if the domain has a media service",
      }),
    codecs: z
      .array(z.string().regex(/^[\w./-]{1,64}$/, "is not the name of a codec"))
      .max(20)
      .default([])
      .openapi({ description: "The only codecs that it is offered; the media service converts others", example: ["PCMA", "PCMU"] }),
    service: z
      .string()
      .regex(/^[a-z0-9-]{0,64}$/, "is not the name of a media service")
      .default("")
      .openapi({ description: "The media service; any of the domain if absent" }),
    dtmf: z
      .enum(["auto", "rfc4733"])
      .default("auto")
      .openapi({ description: "Keys that phones send as INFO: they pass (auto), or the media service makes events in the audio of them" }),
  })
  .openapi("TrunkMedia", { description: "The media of the other side" });

const destinations = z.array(z.string().regex(/^(?=.{1,32}$)\+?[\d*#]+$/, "is not the beginning of a number")).max(500);
const headerSchema = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^(?:[Xx]-[A-Za-z0-9_-]{1,62}|[Cc]all-[Ii]nfo|[Uu]ser-[Tt]o-[Uu]ser|[Ss]ubject)$/,
        "is neither X-…, Call-Info, User-to-User nor Subject",
      )
      .openapi({ description: "X-…, Call-Info, User-to-User or Subject", example: "X-Account" }),
    value: z.string().min(1).max(500).refine(isPlainText, "has control characters").openapi({
      description: "{user} and {domain} stand for the caller, {number} for the called number in the trunk's format",
      example: "{user}@{domain}",
    }),
  })
  .openapi("TrunkHeader");

const fields = {
  username: z
    .string()
    .max(128)
    .min(1)
    .refine(isPlainText, "has control characters")
    .optional()
    .openapi({ description: "The name of our account there" }),
  network: z
    .string()
    .regex(/^NETWORK(?:_[A-Z0-9_]{1,56})?$/, "is not NETWORK, or NETWORK_ and letters, digits and underscores")
    .optional()
    .openapi({
      description: "The binding of the private network (Workers VPC) in which its servers are; absent: the internet",
      example: "NETWORK",
    }),
  path: z
    .string()
    .regex(/^\/[\w.~!$&'()*+,;=:@%/?-]{0,199}$/, "is not a path that begins with a slash, of 200 characters at most")
    .optional()
    .openapi({ description: "The path of its servers over WebSocket; absent: /ws", example: "/sip" }),
  register: z
    .boolean()
    .default(false)
    .openapi({ description: "This server registers there, and keeps the connection open for calls from it" }),
  inbound: z.boolean().default(false).openapi({ description: "Calls from it are accepted" }),
  prefixes: z
    .array(z.string().max(32))
    .max(100)
    .default([])
    .openapi({ description: 'Numbers that begin with one of these, and belong to no user here, go there; "" is all numbers' }),
  trusted: z.boolean().default(false).openapi({
    description: "It gets the caller identity (P-Asserted-Identity), is trusted to assert it, and may call in the name of users",
  }),
  format: formatSchema.default("e164"),
  maximum_calls: z
    .int()
    .min(0)
    .max(100_000)
    .default(0)
    .openapi({ description: "Simultaneous calls over each connection to each server; 0: no limit" }),
  media: mediaSchema.optional(),
  connections: z.int().min(1).max(16).default(1).openapi({ description: "Connections to each server, if one is too slow" }),
  options_interval: z
    .int()
    .refine((seconds) => seconds === 0 || (seconds >= 5 && seconds <= 86_400), "has to be 0, or from 5 to 86400")
    .default(0)
    .openapi({ description: "Seconds between OPTIONS that check each server; 0: no checks" }),
  failover_on: z
    .array(
      z
        .int()
        .min(400)
        .max(599)
        .refine((status) => status !== 486 && status !== 487, "is the answer of who was called: no other server is tried after it"),
    )
    .max(20)
    .optional()
    .openapi({
      description: "Statuses after which the next server is tried, besides servers that cannot be reached; absent: [503]",
      example: [500, 503],
    }),
  from_user: z
    .string()
    .regex(/^[\w.+~-]{1,64}$/, "is not made of letters, digits and . + - _ ~")
    .optional()
    .openapi({ description: "The user in From of its calls, in place of the caller's", example: "+4930555" }),
  from_domain: z
    .string()
    .max(255)
    .refine(isHost, "is not a host")
    .optional()
    .openapi({ description: "The host in From of its calls, in place of the caller's", example: "provider.example" }),
  maximum_calls_per_second: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .openapi({ description: "Calls that begin in a second over each connection to each server; absent: no limit" }),
  maximum_minutes_per_day: z
    .int()
    .min(1)
    .max(10_000_000)
    .optional()
    .openapi({ description: "Minutes of calls to it in a day (UTC) over each connection to each server; absent: no limit" }),
  allowed_destinations: destinations.optional().openapi({
    description: "Prefixes of the only numbers that it may call, international ones with a plus; absent: all",
    example: ["+49", "+43"],
  }),
  forbidden_destinations: destinations.optional().openapi({
    description: "Prefixes of numbers that it may not call; the longest prefix decides between allowed and forbidden",
    example: ["+49900"],
  }),
  headers: z
    .array(headerSchema)
    .max(10)
    .optional()
    .openapi({ description: "Header lines of each INVITE to it, in place of the caller's lines of the same names" }),
  refer: z
    .enum(["pass", "handle"])
    .default("pass")
    .openapi({ description: "Transfers of its calls: its server gets the REFER, or this server calls the third one and connects the two" }),
  identity: z
    .enum(["pass", "remove", "sign"])
    .default("pass")
    .openapi({ description: "Signatures about the caller (STIR/SHAKEN) in calls to it: they pass, none goes there, or the domain signs" }),
  verify: z
    .enum(["off", "note", "require"])
    .default("off")
    .openapi({ description: "Calls from it: signatures are not looked at, the result is noted, or calls without a valid one are refused" }),
};
/** A trunk as it is sent. */
export const trunkBody = z
  .strictObject({
    ...fields,
    server: server.optional().openapi({ description: "The server, if there is only one" }),
    servers: z.array(serverSchema).min(1).max(10).optional().openapi({ description: "The servers, if there are several" }),
    password: z.string().min(1).max(256).optional().openapi({
      description:
        "The password of our account there. Sealed where it is stored, kept if left out and the servers and the username stay, never shown.",
    }),
    token: z
      .string()
      .regex(/^\S{1,200}$/, "has to be 1 to 200 characters without spaces")
      .optional()
      .openapi({
        description:
          "Sent to servers over WebSocket (Authorization: Bearer). Sealed where it is stored, kept if left out and the servers and the username stay, never shown.",
      }),
  })
  .refine((trunk) => (trunk.server === undefined) !== (trunk.servers === undefined), "needs either server or servers")
  .refine(({ register, username }) => !register || username !== undefined, "needs a username, because register is true")
  .openapi("TrunkChange");
/** A trunk as it is shown: without its secrets. */
export const trunkSchema = z
  .object({
    name: z.string().openapi({ description: "The name of the trunk", example: "provider" }),
    servers: z.array(serverSchema).openapi({ description: "Its servers" }),
    ...fields,
    lost: z
      .array(z.enum(["password", "token"]))
      .optional()
      .openapi({ description: "Secrets that no key in SEAL_KEYS opens, so that they have to be sent again; absent if there are none" }),
  })
  .openapi("Trunk");
export const trunksSchema = z.object({ trunks: z.array(trunkSchema).openapi({ description: "The trunks, by name" }) }).openapi("Trunks");

function isServer(text: string): boolean {
  const uri = parseUri(text);
  return !isFault(uri) && uri.kind === "sip" && uri.user === undefined;
}
