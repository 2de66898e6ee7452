import { createHash } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { ApiEnvironment } from "./actor.ts";
import { Problem } from "./problem.ts";

/** RFC 9110 §13.1.1. */
const form = /^\s*(?:\*|(?:W\/)?"[\w-]*"(?:\s*,\s*(?:W\/)?"[\w-]*")*)\s*$/;

/**
 * Conditional requests (RFC 9110 §13): a PUT or DELETE with If-Match or If-None-Match is performed only if it fits what a GET of the same
 * path answers now. @throws 412 if it does not fit, or if it is not known whether it does
 */
export async function checkPreconditions(context: Context<ApiEnvironment>): Promise<void> {
  const { method } = context.req;
  const [wanted, unwanted] = [context.req.header("If-Match"), context.req.header("If-None-Match")];
  if ((method !== "PUT" && method !== "DELETE") || (wanted === undefined && unwanted === undefined)) return;
  for (const tags of [wanted, unwanted])
    if (tags !== undefined && !form.test(tags))
      throw new Problem(400, "If-Match and If-None-Match take entity tags in quotation marks, or *");
  const answer = await context.get("readPresent")();
  if (answer.status !== 200 && answer.status !== 404)
    throw new Problem(
      412,
      `If-Match and If-None-Match: a GET of this path is answered with ${answer.status}, so that they cannot be checked`,
    );
  const present = answer.status === 404 ? undefined : await tagOf(answer);
  if (wanted !== undefined && !includes(wanted, present)) throw new Problem(412, "If-Match: it is not, or no longer, what was read");
  if (unwanted !== undefined && includes(unwanted, present)) throw new Problem(412, "If-None-Match: it is there already");
}

/** Each JSON answer to a GET has an ETag, with which If-None-Match saves the answer. */
export const entityTags: MiddlewareHandler<ApiEnvironment> = async (context, next) => {
  await next();
  if (context.req.method === "GET" || context.req.method === "HEAD") await tagAnswer(context);
};

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
