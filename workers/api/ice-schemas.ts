import { z } from "@hono/zod-openapi";
import { isIceUri, maxIceUri, needsCredential } from "../../lib/ice/ice-server.ts";
import type { IceSettings, ReadIceSettings } from "../../lib/ice/ice-settings.ts";
import type { SentIceSettings } from "../../lib/ice/kept-secrets.ts";

/** Servers of a domain, and addresses of one server. */
const [maxServers, maxUris] = [10, 10] as const;
/** Characters of user names and secrets. A shorter shared secret could be guessed by users, who see what was made with it. */
const [maxText, minSecret] = [512, 16] as const;
/** Seconds; the upper limit is Cloudflare's. */
const [minTtl, maxTtl, usualTtl] = [300, 172_800, 86_400] as const;
const cloudflare = "https://rtc.live.cloudflare.com";

const notUri =
  "is not the URI of a STUN or TURN server: stun:HOST or turn:HOST, with :PORT and, for turn, ?transport=udp or tcp if need be";
const uri = z.string().max(maxIceUri).refine(isIceUri, notUri);
const uris = z.array(uri).min(1).max(maxUris);
const text = z
  .string()
  .min(1)
  .max(maxText)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, "has characters that are not allowed");
const ttl = z.number().int().min(minTtl).max(maxTtl).default(usualTtl).openapi({
  description: "Seconds for which credentials are valid; longer than the longest call that should survive a change of network",
});

const serverBody = z
  .strictObject({
    urls: z
      .union([uri.transform((one) => [one]), uris], { error: `${notUri}; nor a list of them` })
      .openapi({ description: "The URI of a server, or a list of URIs", example: ["stun:stun.example.com"] }),
    username: text.optional().openapi({ description: "For TURN servers" }),
    credential: text.optional().openapi({ description: "Kept if left out, for a server with the same urls and username. Never shown" }),
  })
  .refine((server) => !needsCredential(server) || server.username !== undefined, {
    path: ["username"],
    error: "is missing: a TURN server needs a user name and a credential",
  })
  .refine(({ username, credential }) => credential === undefined || username !== undefined, {
    path: ["username"],
    error: "is missing: there is a credential",
  })
  .openapi("IceServerChange");

const staticBody = z
  .strictObject({
    kind: z.literal("static").openapi({ description: "The same servers and credentials for all users" }),
    servers: z.array(serverBody).min(1).max(maxServers).openapi({ description: "The servers, each as RTCIceServer of browsers" }),
  })
  .openapi("StaticIceChange");
const sharedSecretBody = z
  .strictObject({
    kind: z.literal("shared_secret").openapi({ description: "A TURN server that shares a secret with Offhook: coturn" }),
    urls: uris.openapi({ description: "The URIs of the server", example: ["turn:turn.example.com:3478"] }),
    secret: text.min(minSecret).optional().openapi({ description: "static-auth-secret of coturn. Kept if left out. Never shown" }),
    ttl,
  })
  .openapi("SharedSecretIceChange");
const cloudflareBody = z
  .strictObject({
    kind: z.literal("cloudflare").openapi({ description: "Cloudflare Realtime TURN" }),
    key_id: z
      .string()
      .regex(/^[\w-]{1,128}$/, "is not made of 1 to 128 letters, digits, - and _")
      .openapi({ description: "The id of the TURN key" }),
    api_token: z
      .string()
      .regex(/^[\x21-\x7e]{1,512}$/, "is not made of 1 to 512 visible ASCII characters")
      .optional()
      .openapi({ description: "The API token of the TURN key. Kept if left out, for the same key_id and endpoint. Never shown" }),
    ttl,
    endpoint: z
      .string()
      .max(512)
      .refine(isBase, "is not an https URL without a query")
      .transform((url) => url.replace(/\/$/, ""))
      .default(cloudflare)
      .openapi({ description: "Another service with the same interface, which is asked at /v1/turn/keys/… of this URL" }),
  })
  .openapi("CloudflareIceChange");

/** The content of a PUT. */
export const iceBody = z.discriminatedUnion("kind", [staticBody, sharedSecretBody, cloudflareBody]).openapi("IceChange");

const shownUris = z.array(z.string()).openapi({ description: "The URIs of the server" });
const shownTtl = z.number().int().openapi({ description: "Seconds for which credentials are valid" });
const lost = z
  .boolean()
  .openapi({ description: "Whether no key in SEAL_KEYS opens the secrets: users get no servers until they are sent again" });
const kind = <Kind extends string>(name: Kind) => z.literal(name).openapi({ description: "Where credentials come from" });

/** Settings without their secrets. */
export const iceSchema = z
  .discriminatedUnion("kind", [
    z
      .object({
        kind: kind("static"),
        servers: z
          .array(z.object({ urls: shownUris, username: z.string().optional().openapi({ description: "For TURN servers" }) }))
          .openapi({ description: "The servers, without their credentials" }),
        lost,
      })
      .openapi("StaticIce"),
    z.object({ kind: kind("shared_secret"), urls: shownUris, ttl: shownTtl, lost }).openapi("SharedSecretIce"),
    z
      .object({
        kind: kind("cloudflare"),
        key_id: z.string().openapi({ description: "The id of the TURN key" }),
        ttl: shownTtl,
        endpoint: z.string().openapi({ description: "The service that is asked" }),
        lost,
      })
      .openapi("CloudflareIce"),
  ])
  .openapi("Ice");

/** What the phone of a user gets. */
export const iceServersSchema = z
  .object({
    iceServers: z
      .array(
        z.object({
          urls: shownUris,
          username: z.string().optional().openapi({ description: "For TURN servers" }),
          credential: z.string().optional().openapi({ description: "For TURN servers" }),
        }),
      )
      .openapi({ description: "The servers, as RTCPeerConnection takes them; empty if the domain has none" }),
    ttl: z.number().int().openapi({ description: "Seconds for which they are valid" }),
    refresh_after: z.number().int().openapi({ description: "Seconds after which to ask again" }),
  })
  .openapi("IceServers");

export function sentIceSettings(body: z.infer<typeof iceBody>): SentIceSettings {
  if (body.kind === "cloudflare") {
    const { kind: name, key_id: keyId, api_token: apiToken, ttl: seconds, endpoint } = body;
    return { kind: name, keyId, apiToken, ttl: seconds, endpoint };
  }
  if (body.kind === "shared_secret") return body;
  const servers = body.servers.map(({ urls, username, credential }) => ({
    urls,
    ...(username === undefined ? {} : { username }),
    ...(credential === undefined ? {} : { credential }),
  }));
  return { kind: body.kind, servers };
}

/** Without their secrets. */
export function iceView({ settings, isLost }: ReadIceSettings): z.infer<typeof iceSchema> {
  return { ...viewOf(settings), lost: isLost };
}

function viewOf(settings: IceSettings) {
  switch (settings.kind) {
    case "static": {
      const servers = settings.servers.map(({ urls, username }) => ({ urls: [...urls], ...(username === undefined ? {} : { username }) }));
      return { kind: settings.kind, servers };
    }
    case "shared_secret":
      return { kind: settings.kind, urls: [...settings.urls], ttl: settings.ttl };
    case "cloudflare":
      return { kind: settings.kind, key_id: settings.keyId, ttl: settings.ttl, endpoint: settings.endpoint };
  }
}

/** Whether paths can be appended to a URL. Where it may lead, `whyUnreachable` says. */
function isBase(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && !/[?#\s]/.test(text);
}
