import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { applicationPidf } from "../../lib/presence/pidf.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import type { Environment } from "../../platform/environment.ts";
import { homesOf } from "./homes.ts";
import { Problem } from "./problem.ts";
import { json, noContent, operation, problems } from "./responses.ts";
import { fitsXml, subscriberParameters } from "./schemas.ts";
import { Store } from "../../platform/directory/store.ts";

/** RFC 4480 §3.2: the activities of its schema. */
const activities = [
  ...["appointment", "away", "breakfast", "busy", "dinner", "holiday", "in-transit", "looking-for-work", "meal", "meeting"],
  ...["on-the-phone", "performance", "permanent-absence", "playing", "presentation", "shopping", "sleeping", "spectator", "steering"],
  ...["travel", "tv", "vacation", "working", "worship"],
] as const;

const presenceSchema = z
  .strictObject({
    open: z.boolean().optional().openapi({ description: "Whether the user can be reached; if absent, the user's phones decide" }),
    activity: z.enum(activities).optional().openapi({ description: "What the user is doing (RFC 4480 §3.2)" }),
    note: z
      .string()
      .max(500)
      .refine(fitsXml, "has control characters")
      .optional()
      .openapi({ description: "A text for watchers", example: "back at three" }),
    expires: z.int().min(60).max(86_400).default(3600).openapi({ description: "Seconds until it is deleted" }),
  })
  .openapi("Presence");
const voiceMailSchema = z
  .strictObject({
    unread: z.int().min(0).max(1_000_000).openapi({ description: "New messages" }),
    read: z.int().min(0).max(1_000_000).default(0).openapi({ description: "Messages that were listened to" }),
  })
  .openapi("VoiceMail");

/** Seconds: it stays until it is replaced. */
const forGood = 10 * 365 * 86_400;

const security = [{ bearer: [] }];
const base = "/domains/{domain}/subscribers/{username}";
const request = { params: subscriberParameters };
const putPresence = createRoute({
  ...operation("putPresence", "Set the presence of a user from an application", "Presence"),
  ...{ method: "put", path: `${base}/presence`, security },
  request: { ...request, body: { required: true, content: { "application/json": { schema: presenceSchema } } } },
  responses: { 200: json(presenceSchema, "The presence for watchers"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});
const removePresence = createRoute({
  ...operation("deletePresence", "Delete the presence that an application has set", "Presence"),
  ...{ method: "delete", path: `${base}/presence`, security, request },
  responses: { 204: noContent, ...problems(400, 401, 404, 409, 412, 503) },
});
const putVoiceMail = createRoute({
  ...operation("putVoiceMail", "Set the number of voice messages that wait for a user", "Presence"),
  ...{ method: "put", path: `${base}/voice-mail`, security },
  request: { ...request, body: { required: true, content: { "application/json": { schema: voiceMailSchema } } } },
  responses: { 200: json(voiceMailSchema, "The state for the user's phones (RFC 3842)"), ...problems(400, 401, 404, 409, 412, 413, 503) },
});

/** …/presence and …/voice-mail: a subscriber's state from an application (RFC 3903 §6 by other means; RFC 3842). */
export const presenceRoutes = new OpenAPIHono<{ Bindings: Environment }>();

presenceRoutes.openapi(putPresence, async (context) => {
  const { domain, username } = context.req.valid("param");
  const presence = context.req.valid("json");
  await say(context, domain, username, "presence", applicationPidf(`sip:${canonicalUser(username)}@${domain}`, presence), presence.expires);
  return context.json(presence, 200);
});

presenceRoutes.openapi(removePresence, async (context) => {
  const { domain, username } = context.req.valid("param");
  await say(context, domain, username, "presence", "", 0);
  return context.body(null, 204);
});

presenceRoutes.openapi(putVoiceMail, async (context) => {
  const { domain, username } = context.req.valid("param");
  const voiceMail = context.req.valid("json");
  await say(context, domain, username, "message-summary", JSON.stringify(voiceMail), forGood);
  return context.json(voiceMail, 200);
});

async function say(
  { env, executionCtx }: { readonly env: Environment; readonly executionCtx: { waitUntil(work: Promise<unknown>): void } },
  domain: string,
  username: string,
  event: "presence" | "message-summary",
  body: string,
  expires: number,
): Promise<void> {
  const subscriber = await new Store(env.DIRECTORY).existing(domain, username);
  if (!subscriber.opened) throw new Problem(409, `no phone of ${username} has ever registered: the user cannot be watched yet`);
  await homesOf(env, (work) => executionCtx.waitUntil(work)).say(subscriber, event, body, expires);
}
