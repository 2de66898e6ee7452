import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { type CallRecord } from "../../lib/proxy/call-record/call-record.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { type Homes, homesOf } from "./homes.ts";
import { mermaidOf } from "./mermaid.ts";
import { capture } from "./pcapng.ts";
import { existingRecord, requireDomain } from "./existing.ts";
import { inQuery } from "./query-parameters.ts";
import { json, operation, problems } from "./responses.ts";
import { domainParameters, traceEntry } from "./schemas.ts";
import { type CallMessage, mergedText, mergedTrace } from "./trace-text.ts";

const formats = ["json", "text", "mermaid", "pcapng"] as const;
const messageSchema = traceEntry.extend({
  home: z.string().openapi({ description: "The user at whose home it was seen", example: "alice@example.com" }),
});
const schema = z
  .object({ messages: z.array(messageSchema).openapi({ description: "Those that the homes of both users still have, oldest first" }) })
  .openapi("CallTrace");
const read = createRoute({
  ...operation("readCallTrace", "Read the messages of a call at all homes that it touched", "Calls"),
  ...{ method: "get", path: "/domains/{domain}/calls/{id}/trace", security: [{ bearer: [] }] },
  request: {
    params: domainParameters.extend({ id: z.string().openapi({ param: { name: "id", in: "path" }, description: "The id of the record" }) }),
    query: z.object({
      format: z
        .enum(formats)
        .default("json")
        .openapi(inQuery("format", "text: for people; mermaid: a sequence diagram of the record; pcapng: for Wireshark")),
    }),
  },
  responses: {
    200: {
      ...json(schema, "The messages; as text, as a diagram, or as a capture, if that was asked for"),
      content: {
        "application/json": { schema },
        "text/plain": { schema: z.string() },
        "application/x-pcapng": { schema: z.string() },
      },
    },
    ...problems(400, 401, 404, 503),
  },
});

/** /domains/{domain}/calls/{id}/trace. */
export const callTraceRoutes = new OpenAPIHono<{ Bindings: Environment }>();

callTraceRoutes.openapi(read, async (context) => {
  const { domain, id } = context.req.valid("param");
  const { format } = context.req.valid("query");
  await requireDomain(context.env, domain);
  const record = await existingRecord(context.env, domain, id);
  const plain = { "Content-Type": "text/plain; charset=utf-8" };
  if (format === "mermaid") return context.body(mermaidOf(record), 200, plain) as never;
  const messages = await messagesOf(
    new Store(context.env.DIRECTORY),
    homesOf(context.env, (work) => context.executionCtx.waitUntil(work)),
    record,
  );
  if (format === "text") return context.body(mergedText(messages), 200, plain) as never;
  if (format === "json") return context.json({ messages }, 200);
  const name = { "Content-Disposition": `attachment; filename="call-${id}.pcapng"` };
  return context.body(capture(messages), 200, { "Content-Type": "application/x-pcapng", ...name }) as never;
});

/** At the homes of those users of the call that are users of this domain. */
async function messagesOf(
  store: Store,
  homes: Homes,
  { caller, callee, callId, domains: [domain = ""] }: CallRecord,
): Promise<CallMessage[]> {
  const users = [...new Set([caller, callee])].filter((user) => user.endsWith(`@${domain}`));
  const traces = await Promise.all(
    users.map(async (home) => {
      const subscriber = await store.subscriber(domain, home.slice(0, home.lastIndexOf("@")));
      return subscriber === undefined ? [] : mergedTrace(home, await homes.trace(subscriber), callId);
    }),
  );
  return traces.flat().sort((one, other) => one.at - other.at);
}
