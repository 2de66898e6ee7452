import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { type Scope, scopes } from "../../lib/authentication/scope.ts";
import { hashOfApiKey, mintApiKey } from "../../platform/crypto/api-key.ts";
import { type Description, apiScopesPage, page } from "../../scripts/api-scopes-page.ts";
import { api } from "../../workers/api/api.ts";
import { neededScopes } from "../../workers/api/scopes.ts";

const [own, other] = ["own.example", "other.example"];

const description: Description = await (await api.request("/openapi.json")).json();
const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId }]) => ({ method: method.toUpperCase(), path, operationId })),
);

/** A row of the page: whether each scope may perform the operation, and whether keys of one domain may. */
interface Row {
  readonly request: string;
  readonly scopes: Readonly<Record<Scope, string>>;
  readonly oneDomain: string;
}

const rows = new Map(
  readFileSync(page, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, request = "", operationId = "", read = "", calls = "", provisioning = "", everything = "", oneDomain = ""]) => {
      const row: Row = { request, scopes: { read, calls, provisioning, everything }, oneDomain };
      return [operationId, row] as const;
    }),
);

/**
 * The status of an operation for a key. The directory knows the key, and fails whatever else it is asked: what is allowed ends there, or at
 * a body that is missing.
 */
async function statusFor({ method, path }: { method: string; path: string }, scope: Scope, domain: string, inDomain: string) {
  const { id, text } = mintApiKey();
  const row = { id, hash: hashOfApiKey(text), name: "test", domain, scope, created_at: 1, expires_at: null, last_used_at: null };
  const fails = () => Promise.reject(new Error("D1_ERROR: Network connection lost."));
  const failing = { bind: () => failing, first: fails, all: fails, run: fails };
  const known = { bind: () => known, first: async () => row };
  const environment = {
    ADMIN_TOKEN: "another-token",
    LOCAL_DEVELOPMENT: "true",
    CONNECTION_RATE: { limit: async () => ({ success: true }) },
    DIRECTORY: { prepare: (query: string) => (query.startsWith("SELECT * FROM api_keys WHERE id") ? known : failing), batch: fails },
  };
  const url = path.replace(/\{(\w+)\}/g, (_whole, name: string) => (name === "domain" ? inDomain : "x"));
  const init = { method, headers: { Authorization: `Bearer ${text}`, "Content-Type": "application/json" } };
  const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: undefined };
  return (await api.request(url, init, environment, context as unknown as ExecutionContext)).status;
}

/** Neither allowed nor refused for its scope would be a test that proves nothing. What asks the directory nothing answers 200. */
const verdictOf = (status: number): string => (status === 403 ? "refused" : [200, 400, 503].includes(status) ? "allowed" : String(status));

describe("what API keys may do (docs/api-scopes.md)", () => {
  it("is what the table of scopes says, and has each operation of the API", () => {
    expect(readFileSync(page, "utf8")).toBe(apiScopesPage(description));
    expect(operations.length).toBeGreaterThan(45);
    expect([...rows.keys()].sort()).toEqual(operations.map(({ operationId }) => operationId).sort());
    expect(Object.keys(neededScopes).sort()).toEqual(operations.map(({ operationId }) => operationId).sort());
  });

  it.each(operations)("$method $path is allowed, or refused with 403, as the page says, for each scope and domain", async (operation) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const row = rows.get(operation.operationId);
    const expected = scopes.map((scope) => {
      const isAllowed = row?.scopes[scope] === "yes";
      const verdict = (allowed: boolean) => (allowed ? "allowed" : "refused");
      return [scope, verdict(isAllowed), verdict(isAllowed && row?.oneDomain === "in their domain"), "refused"];
    });
    const isOfDomain = operation.path.includes("{domain}");
    const found = await Promise.all(
      scopes.map(async (scope) => {
        const asked = [
          statusFor(operation, scope, "", own),
          statusFor(operation, scope, own, own),
          statusFor(operation, scope, own, other),
        ];
        return [scope, ...(await Promise.all(asked)).map(verdictOf)];
      }),
    );
    expect(row?.request).toBe(`\`${operation.method} ${operation.path}\``);
    expect(isOfDomain).toBe(row?.oneDomain === "in their domain");
    expect(found).toEqual(expected);
  });

  it("changes nothing of it how a path is written", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const tried = (path: string, scope: Scope) => statusFor({ method: "PUT", path }, scope, own, own);
    const spellings = [`/domains/${own}/%73ettings`, `/domains/OWN.example/settings`, `/domains/${own.replace("w", "%77")}/settings`];
    for (const path of spellings) {
      expect([path, await tried(path, "provisioning")]).toEqual([path, 403]);
      expect([path, verdictOf(await tried(path, "everything"))]).toEqual([path, "allowed"]);
    }
    const strange = [`/domains/${own}%2F..%2F${other}/settings`, `/domains/${own}/../${other}/settings`, `/domains/${own}%00/settings`];
    for (const path of strange) expect([path, await tried(path, "everything")]).toEqual([path, 403]);
  });
});
