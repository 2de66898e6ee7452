import { afterEach, describe, expect, it } from "vitest";
import { tables } from "../../platform/directory/tables.ts";
import { type Server, startServer } from "../support/server.ts";

let server: Server;
afterEach(() => server.stop());

async function healthOf(): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${server.url}/health`);
  expect([answer.headers.get("cache-control"), answer.headers.get("content-type")]).toEqual(["no-store", "application/json"]);
  return { status: answer.status, body: await answer.json() };
}

describe("/health", () => {
  it("says that all is well", async () => {
    server = await startServer();
    expect(await healthOf()).toEqual({ status: 200, body: { status: "ok", problems: [] } });
  });

  it("says that the keys are missing", async () => {
    server = await startServer({ settings: { SEAL_KEYS: "" } });
    const problems = ["The secret SEAL_KEYS is not set, so phones cannot connect."];
    expect(await healthOf()).toEqual({ status: 503, body: { status: "failing", problems } });
  });

  it("says that a setting is wrong, but not its value", async () => {
    server = await startServer({ settings: { RING_TIMEOUT: "very long", ADMIN_TOKEN: "" } });
    expect(await healthOf()).toEqual({ status: 503, body: { status: "failing", problems: ["A setting is wrong: the log says which."] } });
    expect(server.logs.join("\n")).toContain("RING_TIMEOUT");
  });

  it("says that tables are missing, five seconds after it has said that all is well", async () => {
    server = await startServer();
    expect((await healthOf()).status).toBe(200);
    const database = await server.miniflare().getD1Database("DIRECTORY");
    await database.prepare("DROP TABLE routes").run();
    expect((await healthOf()).status).toBe(200);
    const problems = ["The database lacks tables: npx wrangler d1 migrations apply offhook --remote"];
    await expect.poll(healthOf, { interval: 500 }).toEqual({ status: 503, body: { status: "failing", problems } });
  });
});

it("the tables that it looks for are those of the migrations", async () => {
  server = await startServer();
  const database = await server.miniflare().getD1Database("DIRECTORY");
  const { results } = await database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all<{ name: string }>();
  expect(
    results
      .map(({ name }) => name)
      .filter((name) => !/^(?:_|sqlite_|d1_)/.test(name))
      .sort(),
  ).toEqual(tables);
});
