import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "@hono/zod-openapi";

/** An error by RFC 9457. */
export const problemSchema = z
  .object({
    type: z.string().openapi({ description: "Always about:blank" }),
    title: z.string().openapi({ description: "The name of the status", example: "Bad Request" }),
    status: z.number().int().openapi({ description: "The status", example: 400 }),
    detail: z.string().openapi({ description: "What is wrong, with the name of the member", example: "password: is missing" }),
  })
  .openapi("Problem");

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** A failed API request; thrown anywhere, answered in one place. */
export class Problem extends Error {
  readonly status: ContentfulStatusCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: ContentfulStatusCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }
}

export function answerProblem(context: Context, problem: Problem): Response {
  const { status, message: detail, headers } = problem;
  const body = { type: "about:blank", title: titles[status] ?? "Error", status, detail };
  return context.body(JSON.stringify(body), status, { ...headers, "Content-Type": "application/problem+json" });
}
