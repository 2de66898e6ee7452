import type { z } from "@hono/zod-openapi";
import { accessTo } from "./access.ts";
import { problemSchema } from "./problem.ts";
import { type OperationId, neededScopes } from "./scopes.ts";

/** A JSON response for the API's description. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

export const noContent = { description: "It was deleted" };

/** The groups of operations in the API's description. */
export const tags = {
  Domains: "Domains and their settings",
  Subscribers: "Users, their passwords and aliases",
  Calls: "Rules for the calls of a user, the user's bindings, calls and their records, and traces",
  Presence: "Watchers of a user, and presence for them",
  Lists: "Resources that are watched with one subscription",
  "Other servers": "Trunks, peers and routes",
  Push: "Push notifications that wake sleeping phones",
  Media: "STUN and TURN servers for the phones of a domain",
  "Sign-in": "Who issues tokens for users, so that they need no password",
  Keys: "API keys, and the log of changes",
  "Web hooks": "Events that are sent to an application",
} as const;

/** The name of an operation, for people and for generated clients, and who may perform it. */
export function operation(operationId: OperationId, summary: string, tag: keyof typeof tags) {
  const description = `Scope of API keys: ${neededScopes[operationId]}`;
  return { operationId, summary, description, tags: [tag], middleware: accessTo(operationId) };
}

const meanings: Readonly<Record<number, string>> = {
  400: "The request is malformed",
  401: "The token or the password is missing or wrong",
  403: "The key is not for this operation, or not for this domain",
  404: "The resource of the path does not exist",
  409: "It conflicts with the present state",
  412: "If-Match or If-None-Match does not fit",
  413: "The body is too large",
  415: "The body has another type than is taken here",
  426: "The path takes WebSockets only",
  429: "This address sends too many wrong keys or passwords",
  503: "The database cannot be reached, or a secret of the server is not set",
};

/** The error responses of an operation, RFC 9457; each may also answer 403 and 429. */
export function problems<Status extends number>(...statuses: readonly Status[]) {
  const response = (status: number) => ({
    description: meanings[status] ?? "Error",
    content: { "application/problem+json": { schema: problemSchema } },
  });
  const all = [...statuses, 403, 429] as const;
  return Object.fromEntries(all.map((status) => [status, response(status)])) as Record<Status | 403 | 429, ReturnType<typeof response>>;
}

/** The error response of an operation that has no success of its own in the API's description: it may be any other status. */
export const unexpected = { description: "What went wrong", content: { "application/problem+json": { schema: problemSchema } } };
