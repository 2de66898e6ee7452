import { includesScope, scopes } from "../lib/authentication/scope.ts";
import { type OperationId, neededScopes } from "../workers/api/scopes.ts";

export const page = "docs/api-scopes.md";

/** What the page needs of the API's description (OpenAPI). */
export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: OperationId }>>>>;
}

const heads = ["request", "operation", ...scopes, "keys of one domain"];

/** The text of the page: a row for each operation of the API's description, with the scopes that may perform it. */
export function apiScopesPage({ paths }: Description): string {
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => [
      `\`${method.toUpperCase()} ${path}\``,
      operationId,
      ...scopes.map((scope) => (includesScope(scope, neededScopes[operationId]) ? "yes" : "no")),
      path.startsWith("/domains/{domain}") ? "in their domain" : "no",
    ]),
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return `${[
    "# What API keys may do",
    "<!-- Made by `npm run api-scopes` of workers/api/scopes.ts: do not edit. -->",
    "Each operation of [the API](api.md), and the scopes of [keys](api.md#keys) that may perform it; others get 403. The last column says whether a key for one domain may. The `ADMIN_TOKEN` may perform all.",
    [line(heads), `|${"---|".repeat(heads.length)}`, ...rows.map(line)].join("\n"),
  ].join("\n\n")}\n`;
}
