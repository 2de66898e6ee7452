import type { z } from "@hono/zod-openapi";
import { problemSchema } from "./problem.ts";

/** A JSON response for the API's description. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

export const noContent = { description: "It is gone" };

const meanings: Readonly<Record<number, string>> = {
  400: "The request is malformed",
  401: "The bearer token is missing or wrong",
  404: "There is no such domain or subscriber",
  409: "A name already leads to another subscriber",
  413: "The body is too large",
  503: "The API is closed: no ADMIN_TOKEN is configured",
};

/** The error responses of an operation, RFC 9457. */
export function problems<Status extends number>(...statuses: readonly Status[]) {
  const response = (status: number) => ({
    description: meanings[status] ?? "Error",
    content: { "application/problem+json": { schema: problemSchema } },
  });
  return Object.fromEntries(statuses.map((status) => [status, response(status)])) as Record<Status, ReturnType<typeof response>>;
}
