import { createHash } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { ApiEnvironment } from "./actor.ts";
import { Problem } from "./problem.ts";

type Read = (context: Context<ApiEnvironment>) => Promise<Response>;

/**
 * Conditional requests (RFC 9110 §13): each JSON answer to a GET has an ETag; a PUT or DELETE with If-Match or If-None-Match is performed
 * only if it fits what a GET answers now.
 * @param read performs the GET of the same path for the same sender
 */
export function preconditions(read: Read): MiddlewareHandler<ApiEnvironment> {
  return async (context, next) => {
    const { method } = context.req;
    if (method === "PUT" || method === "DELETE") await check(context, read);
    await next();
    if (method === "GET" || method === "HEAD") await tagAnswer(context);
  };
}

async function check(context: Context<ApiEnvironment>, read: Read): Promise<void> {
  const [wanted, unwanted] = [context.req.header("If-Match"), context.req.header("If-None-Match")];
  if (wanted === undefined && unwanted === undefined) return;
  const answer = await read(context);
  // The operation itself says why.
  if (answer.status === 403) return;
  if (answer.status !== 200 && answer.status !== 404)
    throw new Problem(412, "If-Match and If-None-Match are only for paths that the sender may GET");
  const present = answer.status === 404 ? undefined : await tagOf(answer);
  if (wanted !== undefined && !includes(wanted, present)) throw new Problem(412, "If-Match: it is not, or no longer, what was read");
  if (unwanted !== undefined && includes(unwanted, present)) throw new Problem(412, "If-None-Match: it is there already");
}

async function tagAnswer(context: Context<ApiEnvironment>): Promise<void> {
  const { res } = context;
  if (res.status !== 200 || !isJson(res)) return;
  const tag = await tagOf(res.clone());
  const known = context.req.header("If-None-Match");
  if (known !== undefined && includes(known, tag)) context.res = new Response(null, { status: 304, headers: { ETag: tag } });
  else res.headers.set("ETag", tag);
}

function isJson({ headers }: Response): boolean {
  return headers.get("Content-Type")?.startsWith("application/json") === true;
}

async function tagOf(answer: Response): Promise<string> {
  return `"${createHash("sha256")
    .update(await answer.text())
    .digest("base64url")
    .slice(0, 22)}"`;
}

/** @param tags the value of the header: entity tags, or * for whatever is there */
function includes(tags: string, present: string | undefined): boolean {
  if (present === undefined) return false;
  return tags.trim() === "*" || tags.split(",").some((tag) => tag.trim().replace(/^W\//, "") === present);
}
