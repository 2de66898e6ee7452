import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { mintApiKey } from "../../platform/crypto/api-key.ts";
import app from "../../workers/index.ts";
import { api } from "./support/homes.ts";

type Operations = Record<string, Record<string, { readonly operationId: string }>>;

const { paths }: { paths: Operations } = await (await api("/openapi.json")).json();
/** They ask no database. */
const withoutDatabase = ["listTrunkPresets"];
const operations = Object.entries(paths)
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({ method: method.toUpperCase(), path, operationId })),
  )
  .filter(({ operationId }) => !withoutDatabase.includes(operationId));

const pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";

/** A name for each parameter of a path, and a body that each operation takes. */
const names: Record<string, string> = {
  domain: "localhost",
  username: "alice",
  watcher: "bob@localhost",
  id: "x",
  list: "friends",
  provider: "fcm",
};
const bodies: Record<string, object> = {
  putDomainSettings: { presence_agent: "box" },
  putSubscriber: { password: "long enough" },
  addBinding: { contact: "sip:bob@localhost" },
  putWatcher: { permission: "allow" },
  putMyWatcher: { permission: "allow" },
  putVoiceMail: { unread: 1 },
  putPeer: { domains: ["partner.example"], token: "a-token-that-is-long-enough" },
  putRoute: { action: { kind: "local", user: "alice" } },
  putRouter: { kind: "http", url: "https://192.0.2.1/" },
  testRoutes: { domain: "localhost", uri: "sip:alice@localhost" },
  addKey: { name: "x", scope: "read" },
  putTrunk: { server: "sip:pbx.example;transport=tcp" },
  putListOfSubscriber: { entries: [] },
  putListOfDomain: { entries: [] },
  keepTrace: { minutes: 10 },
  keepTraceOfDomain: { minutes: 10 },
  putIce: { kind: "static", servers: [{ urls: ["stun:stun.example.com"] }] },
  putWebPush: { subject: "mailto:ops@example.com" },
  putFcm: { service_account: { project_id: "p", client_email: "a@b.example", private_key: pem } },
  putApns: { team_id: "T", key_id: "K", key: pem },
  putMediaService: { kind: "rtpengine", url: "https://192.0.2.1/ng" },
  addGuestToken: { users: ["alice"] },
  putIssuer: { issuer: "https://login.example/", audience: ["x"], jwks: { keys: [{ kty: "EC" }] } },
  putSigning: { x5u: "https://certificates.example.com/1.pem" },
  sendMessage: { from: "bob", text: "hello" },
  connectUser: { to: "bob" },
  putTurnstile: { secret: "x", users: ["alice"] },
  addTurnstileToken: { response: "x" },
  putWebHook: { url: "https://192.0.2.1/", events: ["call.ended"] },
};

/** A query that an operation needs. */
const queries: Record<string, string> = {
  ...{ readIceServers: "?domain=localhost", readOfferedPush: "?domain=localhost" },
  ...Object.fromEntries(["readMe", "listMyCalls", "putMyWatcher"].map((id) => [id, "?domain=localhost&user=alice"])),
};

/** A database that fails each question, as D1 does when it cannot be reached. */
const fails = () => Promise.reject(new Error("D1_ERROR: Network connection lost."));
const statement = { bind: () => statement, first: fails, all: fails, run: fails };
const away = { prepare: () => statement, batch: fails } as unknown as D1Database;

afterEach(() => {
  vi.restoreAllMocks();
});

describe("while the database cannot be reached, an operation answers 503 with Retry-After, and not 500", () => {
  it("there are operations", () => {
    expect(operations.length).toBeGreaterThan(40);
    expect(Object.keys(bodies).every((id) => operations.some(({ operationId }) => operationId === id))).toBe(true);
  });

  it.each(operations)("$method $path", async ({ method, path, operationId }) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const url = `http://localhost/api/v1${path.replace(/\{(\w+)\}/g, (_whole, name: string) => names[name] ?? "name")}${queries[operationId] ?? ""}`;
    const hasBody = method === "PUT" || method === "POST";
    const request = new Request(url, {
      method,
      headers: { Authorization: "Bearer test-admin-token", "Content-Type": "application/json" },
      ...(hasBody ? { body: JSON.stringify(bodies[operationId] ?? {}) } : {}),
    });
    const answer = await app.fetch(request, { ...env, DIRECTORY: away }, createExecutionContext());
    expect([answer.status, answer.headers.get("Retry-After"), answer.headers.get("Content-Type")]).toEqual([
      503,
      "5",
      "application/problem+json",
    ]);
  });

  it("so does a key", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const headers = { Authorization: `Bearer ${mintApiKey().text}` };
    const request = new Request("http://localhost/api/v1/domains", { headers });
    const answer = await app.fetch(request, { ...env, DIRECTORY: away }, createExecutionContext());
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "5"]);
  });

  it("so does a subscriber's own password", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const request = new Request("http://localhost/api/v1/domains/localhost/subscribers/alice/watchers", {
      headers: { Authorization: `Basic ${btoa("alice:offhook")}` },
    });
    const answer = await app.fetch(request, { ...env, DIRECTORY: away }, createExecutionContext());
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "5"]);
  });
});
