import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { type Listed, Store, nameOf } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { requireDomain } from "./existing.ts";
import { operation, problems } from "./responses.ts";
import { domainParameters } from "./schemas.ts";

/** Users of one question to the database. */
const atOnce = 1000;

const route = createRoute({
  ...operation(
    "exportSubscribers",
    "Export the users of a domain, with the hashes of their passwords, as an import takes them",
    "Subscribers",
  ),
  ...{ method: "get", path: "/domains/{domain}/subscribers.ndjson", security: [{ bearer: [] }], request: { params: domainParameters } },
  responses: {
    200: {
      description: "A user on each line, by name",
      content: { "application/x-ndjson": { schema: z.string() } },
    },
    ...problems(400, 401, 404, 503),
  },
});

/** GET /domains/{domain}/subscribers.ndjson. */
export const exportRoutes = new OpenAPIHono<{ Bindings: Environment }>();

exportRoutes.openapi(route, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  const store = new Store(context.env.DIRECTORY);
  const encoder = new TextEncoder();
  let after = "";
  const body = new ReadableStream<Uint8Array>({
    pull: async (stream) => {
      const page = await store.subscribers(domain, { after, limit: atOnce, search: "" });
      after = nameOf(page.at(-1)?.subscriber.username ?? "");
      if (page.length > 0) stream.enqueue(encoder.encode(page.map(lineOf).join("")));
      if (page.length < atOnce) stream.close();
    },
  });
  const headers = {
    "Content-Disposition": `attachment; filename="subscribers-${domain}.ndjson"`,
    "Cache-Control": "no-store",
  };
  return context.body(body, 200, { "Content-Type": "application/x-ndjson", ...headers }) as never;
});

/** What an import takes. Hashes of the first releases, and of imports, may be one of the two. */
function lineOf({ subscriber: { username, md5, sha256, aliases }, displayName }: Listed): string {
  const ha1 = { ...(md5 === "" ? {} : { md5 }), ...(sha256 === "" ? {} : { sha256 }) };
  const secret = md5 === "" && sha256 === "" ? { password: null } : { ha1 };
  const user = { username: nameOf(username), ...secret, aliases: aliases.map(nameOf), ...(displayName === null ? {} : { displayName }) };
  return `${JSON.stringify(user)}\n`;
}
