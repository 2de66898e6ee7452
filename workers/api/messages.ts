import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { composeApplicationMessage } from "../../lib/server/application-message.ts";
import { canonicalUser } from "../../lib/syntax/uri.ts";
import type { Receipt } from "../../lib/transport/envelope.ts";
import { returnInside } from "../../lib/transport/return-address.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { homeName } from "../../platform/directory/directory.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { Problem } from "./problem.ts";
import { json, operation, problems } from "./responses.ts";
import { subscriberParameters, userName } from "./schemas.ts";

/** Octets of a text in UTF-8. */
const maxText = 10_000;

const body = z
  .strictObject({
    from: userName.openapi({
      description: "The user of the domain in whose name it is sent, and who gets the answers",
      example: "support",
    }),
    text: z
      .string()
      .min(1)
      .refine(
        (text) => text.isWellFormed() && Buffer.byteLength(text) <= maxText,
        `is longer than ${maxText} octets in UTF-8, or is not text`,
      )
      .openapi({ description: "Plain text", example: "Your parcel is here." }),
  })
  .openapi("MessageRequest");
const schema = z
  .object({
    state: z.enum(["sent", "stored"]).openapi({ description: "sent: to the phones of the user; stored: until one of them registers" }),
  })
  .openapi("MessageState");
const add = createRoute({
  ...operation("sendMessage", "Write to a user from an application", "Subscribers"),
  ...{ method: "post", path: "/domains/{domain}/subscribers/{username}/messages", security: [{ bearer: [] }] },
  request: { params: subscriberParameters, body: { required: true, content: { "application/json": { schema: body } } } },
  responses: { 201: json(schema, "What became of it"), ...problems(400, 401, 404, 409, 413, 503) },
});

/** …/subscribers/{username}/messages. */
export const messageRoutes = new OpenAPIHono<{ Bindings: Environment }>();

messageRoutes.openapi(add, async (context) => {
  const { domain, username } = context.req.valid("param");
  const { from, text } = context.req.valid("json");
  const store = new Store(context.env.DIRECTORY);
  const recipient = await store.existing(domain, username);
  if ((await store.subscriber(domain, from)) === undefined) throw new Problem(400, `from: there is no user ${from} in ${domain}`);
  if (!recipient.opened) throw new Problem(409, `no phone of ${username} has ever registered: nothing can be stored yet`);
  const receipt = await deliver(context.env, homeName(recipient), { from: canonicalUser(from), to: recipient.username, domain, text });
  // RFC 3428 §7: it was accepted, and is not delivered yet.
  if (receipt.kind === "taken") return context.json({ state: "sent" } as const, 201);
  if (receipt.status === 202) return context.json({ state: "stored" } as const, 201);
  throw new Problem(409, `the message is refused with ${receipt.status}: ${receipt.why ?? "the user takes none"}`);
});

async function deliver(
  { ADDRESS_OF_RECORD }: Environment,
  home: string,
  message: { readonly from: string; readonly to: string; readonly domain: string; readonly text: string },
): Promise<Receipt> {
  const [transaction, callId, tag] = [randomText() + randomText(), randomText() + randomText(), randomText()];
  try {
    const [receipt] =
      (await ADDRESS_OF_RECORD.getByName(home).deliver([
        {
          kind: "request",
          text: composeApplicationMessage({ ...message, callId, branch: transaction, tag }),
          answerTo: returnInside(home, { kind: "application", id: transaction }),
          transaction,
          identity: `${message.from}@${message.domain}`,
          to: { kind: "address", instance: undefined, registration: undefined },
          recordRoute: undefined,
        },
      ])) ?? [];
    return receipt ?? { kind: "taken" };
  } catch (error) {
    console.error(JSON.stringify({ note: "a message of an application could not be handed over", error: String(error) }));
    throw new Problem(503, "the user's home cannot be reached: the message may have arrived", { "Retry-After": "5" });
  }
}
