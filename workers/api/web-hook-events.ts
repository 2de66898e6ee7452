import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { EventType } from "../../lib/web-hooks/web-hook.ts";
import type { Environment } from "../../platform/environment.ts";
import { recordSchema } from "./call-record-schemas.ts";
import { serverMembers } from "./server-members.ts";

type Registry = OpenAPIHono<{ Bindings: Environment }>["openAPIRegistry"];

const phone = {
  user: z.string().openapi({ description: "The user", example: "alice@example.com" }),
  contact: z.string().openapi({ description: "The Contact that is, or was, registered" }),
  instance: z.string().nullable().openapi({ description: "The phone's +sip.instance (RFC 5626); null if it sent none" }),
  user_agent: z.string().nullable().openapi({ description: "What the phone says of itself; null if it did not say it now" }),
};
const why = z.enum(["expired", "removed", "closed"]).openapi({
  description: "expired: not refreshed in time; removed: by the phone or an administrator; closed: the connection was lost for good",
});
const stored = z.object({
  user: z.string().openapi({ description: "The user for whom the message is", example: "bob@example.com" }),
  from: z.string().openapi({ description: "The value of From" }),
});

const begun = recordSchema
  .pick({
    ...{ id: true, call_id: true, domain: true, from: true, to: true, dialled: true, caller: true, callee: true },
    ...{ trunk: true, verification: true, started: true, caller_device: true },
  })
  .openapi("BegunCall");
const trunk = z.object({
  domain: z.string().openapi({ description: "The domain of the trunk", example: "example.com" }),
  trunk: z.string().openapi({ description: "The name of the trunk", example: "carrier" }),
  server: z.object(serverMembers).openapi({ description: "The one of its servers that this is about" }),
  why: z.enum(["registration", "options"]).nullable().openapi({
    description: "registration: it does not register us; options: it does not answer OPTIONS, or with 503; null: it can be used again",
  }),
});

/** The data of each event, and what the event is. */
const events: Readonly<Record<EventType, readonly [name: string, summary: string, data: z.ZodType]>> = {
  "call.started": ["callStarted", "A call has begun", begun],
  "call.ringing": ["callRinging", "The first phone of a call rings", begun],
  "call.answered": ["callAnswered", "A call is answered", begun],
  "call.ended": ["callEnded", "A call is over: its record", recordSchema],
  registered: ["registered", "A phone has registered that was not registered before", z.object(phone)],
  unregistered: ["unregistered", "A phone is no longer registered", z.object({ ...phone, why })],
  "message.stored": ["messageStored", "A message waits for a user without a reachable phone", stored],
  "trunk.up": ["trunkUp", "A server of a trunk can be used again", trunk],
  "trunk.down": ["trunkDown", "A server of a trunk cannot be used", trunk],
};

const headers = z.object({
  "webhook-id": z.string().openapi({ description: "The id of the event, the same each time it is sent" }),
  "webhook-timestamp": z.string().openapi({ description: "When it was sent, in seconds since 1970" }),
  "webhook-signature": z.string().openapi({ description: "v1, and the HMAC-SHA256 of id.timestamp.body in base64; several with spaces" }),
});
const responses = {
  204: { description: "Any 2xx: it was taken" },
  410: { description: "Nothing more is wanted: the web hook is disabled" },
};

/** Adds what is sent to web hooks to the API's description (OpenAPI 3.1, `webhooks`). */
export function describeEvents(registry: Registry): void {
  for (const [type, [name, summary, data]] of Object.entries(events)) {
    const schema = z.object({
      type: z.literal(type).openapi({ description: "The type of the event" }),
      timestamp: z.iso.datetime().openapi({ description: "When it happened" }),
      data: data.openapi({ description: "What happened" }),
    });
    registry.registerWebhook({
      ...{ operationId: name, summary, tags: ["Web hooks"] },
      ...{ method: "post", path: type, security: [] },
      request: { headers, body: { required: true, content: { "application/json": { schema } } } },
      responses,
    });
  }
}
