import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api } from "./support/homes.ts";

const get = (path: string, headers: Record<string, string> = {}) => exports.default.fetch(`http://localhost${path}`, { headers });
const upgrade = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "xmpp" };

describe("every answer says that nothing is to be made of it but what it is: X-Content-Type-Options", () => {
  it.each<[string, number, () => Promise<Response>]>([
    ["no upgrade", 426, () => get("/ws")],
    ["no upgrade to the redirect server", 426, () => get("/redirect/alice@localhost")],
    ["a wrong subprotocol", 400, () => get("/ws", upgrade)],
    ["the API, asked for something", 200, () => api("/domains")],
    ["its description", 200, () => get("/api/v1/openapi.json")],
    ["the API without a token", 401, () => get("/api/v1/domains")],
    ["a path that it does not have", 404, () => api("/nowhere")],
    ["a method that it does not have", 405, () => api("/domains", { method: "DELETE" })],
    ["a body that is wrong", 400, () => api("/domains/localhost/subscribers/x", { method: "PUT", body: "{" })],
  ])("%s: %i", async (_what, status, ask) => {
    const answer = await ask();
    await answer.body?.cancel();
    expect([answer.status, answer.headers.get("X-Content-Type-Options")]).toEqual([status, "nosniff"]);
  });
});
