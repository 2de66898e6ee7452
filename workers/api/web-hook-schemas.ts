import { z } from "@hono/zod-openapi";
import { type WebHook, eventTypes } from "../../lib/web-hooks/web-hook.ts";
import type { DeliveryPlace, DeliveryView } from "../../platform/object-rpc.ts";
import { pageCursor, pageLimit } from "./query-parameters.ts";
import { domainParameters } from "./schemas.ts";

const time = z.iso.datetime();
const eventType = z.enum(eventTypes);
const events = z.array(eventType).min(1).max(eventTypes.length);

/** The content of a PUT. */
export const webHookBody = z
  .strictObject({
    url: z.string().max(1024).openapi({
      description: "Where events are sent: an https URL of a server on the Internet",
      example: "https://app.example.com/offhook",
    }),
    events: events.openapi({ description: "The types of the events that are sent", example: ["call.ended"] }),
  })
  .openapi("WebHookChange");

const members = {
  name: z.string().openapi({ description: "The name of the web hook", example: "app" }),
  url: z.string().openapi({ description: "Where events are sent", example: "https://app.example.com/offhook" }),
  events: events.openapi({ description: "The types of the events that are sent" }),
  disabled: time.nullable().openapi({ description: "Since when nothing is sent, because the receiver answered 410; null if it is in use" }),
  lost: z.boolean().openapi({ description: "Whether no key in SEAL_KEYS opens its secret: then nothing is sent until it has a new one" }),
};
const secret = z.string().openapi({ description: "The secret that signs the deliveries; it is shown only here", example: "whsec_MfKQ…" });

/** A web hook without its secrets. */
export const webHookSchema = z.object(members).openapi("WebHook");
export const createdWebHookSchema = z.object({ ...members, secret }).openapi("CreatedWebHook");
export const webHooksSchema = z
  .object({ web_hooks: z.array(webHookSchema).openapi({ description: "The web hooks, by name" }) })
  .openapi("WebHooks");
export const secretSchema = z
  .object({
    secret,
    previous_until: time.openapi({ description: "Until when the secret before it signs too" }),
  })
  .openapi("WebHookSecret");

export const deliverySchema = z
  .object({
    id: z.string().openapi({ description: "The id of the event, which is webhook-id in the delivery" }),
    type: z.enum([...eventTypes, "test"]).openapi({ description: "The type of the event" }),
    at: time.openapi({ description: "When it happened" }),
    attempts: z.number().openapi({ description: "Attempts that have failed, since it happened or was replayed" }),
    next: time.nullable().openapi({ description: "When it is tried next; null if it was given up" }),
    last: z
      .object({
        at: time.openapi({ description: "When the attempt was over" }),
        status: z.number().nullable().openapi({ description: "The status of the answer; null if there was none" }),
        error: z.string().nullable().openapi({ description: "Why there was no answer; null if there was one" }),
      })
      .nullable()
      .openapi({ description: "The last attempt; null if there was none yet" }),
  })
  .openapi("WebHookDelivery");
export const deliveriesSchema = z
  .object({
    deliveries: z.array(deliverySchema).openapi({ description: "The deliveries that wait or were given up, the oldest first" }),
    next_cursor: z.string().nullable().openapi({ description: "The cursor of the next page; null if this is the last" }),
  })
  .openapi("WebHookDeliveries");

export const testSchema = z.object({ id: z.string().openapi({ description: "The id of the event that was sent" }) }).openapi("WebHookTest");

export const webHookParameters = domainParameters.extend({
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "is not made of a-z, 0-9 and hyphens")
    .openapi({ param: { name: "name", in: "path" }, description: "The name of the web hook", example: "app" }),
});
export const deliveryParameters = webHookParameters.extend({
  id: z
    .string()
    .max(128)
    .openapi({ param: { name: "id", in: "path" }, description: "The id of the event" }),
});

export const deliveriesQuery = z.object({
  limit: pageLimit("deliveries"),
  cursor: pageCursor((text) => readPlace(text) !== undefined),
});

/** A cursor: the place of the last delivery of a page. */
export function readPlace(cursor: string): DeliveryPlace | undefined {
  const [, at, id] = /^(\d{1,15})\.(.+)$/.exec(cursor) ?? [];
  return at === undefined || id === undefined ? undefined : { at: Number(at), id };
}

export function writePlace({ at, id }: DeliveryPlace): string {
  return `${at}.${id}`;
}

/** Without its secrets. */
export function webHookView({ name, url, events: wanted, disabled, isLost = false }: WebHook): z.infer<typeof webHookSchema> {
  return { name, url, events: [...wanted], disabled: disabled === undefined ? null : written(disabled), lost: isLost };
}

export function deliveryView({ id, type, at, attempts, next, last }: DeliveryView): z.infer<typeof deliverySchema> {
  return {
    ...{ id, type, at: written(at), attempts, next: next === undefined ? null : written(next) },
    last: last === undefined ? null : { ...last, at: written(last.at) },
  };
}

function written(at: number): string {
  return new Date(at).toISOString();
}
