import { z } from "@hono/zod-openapi";
import { pushProviders } from "../../lib/push/push-device.ts";
import type { ApnsService, FcmService, ReadPushService } from "../../lib/push/push-service.ts";

/** Characters of keys in PEM. */
const maxKey = 8192;
const maxHosts = 10;

export const providerSchema = z
  .enum(pushProviders)
  .openapi({ description: "The push notification service: browsers (webpush), Android (fcm), or iOS (apns)", example: "webpush" });

const pem = z
  .string()
  .max(maxKey)
  .regex(/^\s*-----BEGIN PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END PRIVATE KEY-----\s*$/, "is not a private key in PEM (PKCS #8)");

const base = (fallback: string) =>
  z
    .string()
    .max(512)
    .refine(isBase, "is not an https URL without a query")
    .transform((url) => url.replace(/\/$/, ""))
    .default(fallback)
    .openapi({ description: "The URL of the service without its path: that of a relay, if need be" });

export const webPushBody = z
  .strictObject({
    subject: z
      .string()
      .max(256)
      .regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, "is not a mailto: or https: URI")
      .openapi({
        description: "Whom the push service of a browser may tell of problems (RFC 8292 §2.1)",
        example: "mailto:ops@example.com",
      }),
    hosts: z
      .array(z.string().regex(/^[a-z0-9.-]{1,253}$/, "is not a host name in lower case"))
      .max(maxHosts)
      .default([])
      .openapi({ description: "Hosts of push services besides those of Chrome, Edge, Firefox and Safari" }),
    new_keys: z
      .boolean()
      .default(false)
      .openapi({ description: "Make new keys: all subscriptions of browsers end, and have to be made again" }),
  })
  .openapi("WebPushChange");

export const fcmBody = z
  .strictObject({
    service_account: z
      .object({
        project_id: z
          .string()
          .regex(/^[a-z0-9.:-]{1,128}$/, "is not the id of a project")
          .openapi({ description: "The Firebase project: pn-param of its apps" }),
        client_email: z
          .string()
          .max(256)
          .regex(/^[^\s@]+@[^\s@]+$/, "is not an email address")
          .openapi({ description: "The service account" }),
        private_key: pem.optional().openapi({ description: "The key of the service account. Kept if left out. Never shown" }),
        token_uri: z
          .string()
          .max(512)
          .refine(isBase, "is not an https URL without a query")
          .default("https://oauth2.googleapis.com/token")
          .openapi({ description: "Where access tokens are asked for" }),
      })
      .openapi({
        description: "The JSON file of a service account of the Firebase project. The private_key is kept if left out; never shown",
      }),
    endpoint: base("https://fcm.googleapis.com"),
  })
  .openapi("FcmChange");

export const apnsBody = z
  .strictObject({
    team_id: z
      .string()
      .regex(/^\w{1,32}$/, "is not the id of a team")
      .openapi({ description: "The team" }),
    key_id: z
      .string()
      .regex(/^\w{1,32}$/, "is not the id of a key")
      .openapi({ description: "The key" }),
    key: pem.optional().openapi({ description: "The .p8 file of the key. Kept if left out. Never shown" }),
    endpoint: base("https://api.push.apple.com"),
  })
  .openapi("ApnsChange");

const lost = z.boolean().openapi({ description: "Whether no key in SEAL_KEYS opens its secret: nothing is sent until it is PUT again" });
const provider = <Name extends string>(name: Name) => z.literal(name).openapi({ description: "The push notification service" });

export const pushSchema = z
  .discriminatedUnion("provider", [
    z
      .object({
        provider: provider("webpush"),
        public_key: z.string().openapi({ description: "applicationServerKey for PushManager.subscribe (RFC 8292 §3.2)" }),
        subject: z.string().openapi({ description: "Whom push services may tell of problems" }),
        hosts: z.array(z.string()).openapi({ description: "Further hosts of push services" }),
        lost,
      })
      .openapi("WebPush"),
    z
      .object({
        provider: provider("fcm"),
        project_id: z.string().openapi({ description: "The Firebase project: pn-param of its apps" }),
        client_email: z.string().openapi({ description: "The service account" }),
        token_uri: z.string().openapi({ description: "Where access tokens are asked for" }),
        endpoint: z.string().openapi({ description: "The service" }),
        lost,
      })
      .openapi("Fcm"),
    z
      .object({
        provider: provider("apns"),
        team_id: z.string().openapi({ description: "The team" }),
        key_id: z.string().openapi({ description: "The key" }),
        endpoint: z.string().openapi({ description: "The service" }),
        lost,
      })
      .openapi("Apns"),
  ])
  .openapi("PushService");

/** What a phone has to know to ask for push notifications. */
export const offeredSchema = z
  .object({
    services: z
      .array(
        z.object({
          provider: providerSchema,
          public_key: z
            .string()
            .optional()
            .openapi({ description: "For webpush: applicationServerKey for PushManager.subscribe (RFC 8292 §3.2)" }),
        }),
      )
      .openapi({ description: "The services that the domain uses" }),
  })
  .openapi("OfferedPushServices");

/** A service without its secret. */
export function pushView({ service, isLost: lost }: ReadPushService): z.infer<typeof pushSchema> {
  switch (service.provider) {
    case "webpush":
      return { provider: "webpush", public_key: service.publicKey, subject: service.subject, hosts: [...service.hosts], lost };
    case "fcm": {
      const { project, clientEmail, tokenUri, endpoint } = service;
      return { provider: "fcm", project_id: project, client_email: clientEmail, token_uri: tokenUri, endpoint, lost };
    }
    case "apns":
      return { provider: "apns", team_id: service.teamId, key_id: service.keyId, endpoint: service.endpoint, lost };
  }
}

/** The service of a content; its secret is "" if that was not sent. */
export function sentFcm({ service_account: account, endpoint }: z.infer<typeof fcmBody>): FcmService {
  const { project_id: project, client_email: clientEmail, private_key: privateKey = "", token_uri: tokenUri } = account;
  return { provider: "fcm", project, clientEmail, privateKey, tokenUri, endpoint };
}

/** The same for Apple's. */
export function sentApns({ team_id: teamId, key_id: keyId, key: privateKey = "", endpoint }: z.infer<typeof apnsBody>): ApnsService {
  return { provider: "apns", teamId, keyId, privateKey, endpoint };
}

function isBase(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && ["https:", "http:"].includes(url.protocol) && url.search === "" && url.hash === "";
}
