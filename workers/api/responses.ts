import type { z } from "@hono/zod-openapi";
import { problemSchema } from "./problem.ts";

/** A JSON response for the API's description. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

export const noContent = { description: "It was deleted" };

/** The groups of operations in the API's description. */
export const tags = {
  Domains: "Domains and their settings",
  Subscribers: "Users, their passwords and aliases",
  Calls: "Rules for the calls of a user, and the user's bindings",
  Presence: "Watchers of a user, and presence for them",
  Lists: "Resources that are watched with one subscription",
  "Other servers": "Trunks, peers and routes",
  "Web hooks": "Events that are sent to an application",
} as const;

/** The name of an operation, for people and for generated clients. */
export function operation(operationId: string, summary: string, tag: keyof typeof tags) {
  return { operationId, summary, tags: [tag] };
}

const meanings: Readonly<Record<number, string>> = {
  400: "The request is malformed",
  401: "The token or the password is missing or wrong",
  404: "The resource of the path does not exist",
  409: "It conflicts with the present state",
  413: "The body is too large",
  503: "The database cannot be reached, or a secret of the server is not set",
};

/** The error responses of an operation, RFC 9457. */
export function problems<Status extends number>(...statuses: readonly Status[]) {
  const response = (status: number) => ({
    description: meanings[status] ?? "Error",
    content: { "application/problem+json": { schema: problemSchema } },
  });
  return Object.fromEntries(statuses.map((status) => [status, response(status)])) as Record<Status, ReturnType<typeof response>>;
}
