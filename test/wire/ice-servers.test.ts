import { createServer } from "node:http";
import { once } from "node:events";
import { afterAll, describe, expect, it } from "vitest";
import { listenOnOwnPort, portOf } from "../support/own-port.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

/** Answers as Cloudflare Realtime TURN does, for the key `good`; others are slow, lead elsewhere, or never end. */
const service = createServer((request, response) => {
  const [, key] = /^\/base\/v1\/turn\/keys\/(\w+)\/credentials\/generate-ice-servers$/.exec(request.url ?? "") ?? [];
  const isRight = request.method === "POST" && request.headers.authorization === "Bearer the-api-token";
  const servers = [{ urls: ["stun:127.0.0.1"] }, { urls: ["turn:127.0.0.1:3478"], username: "u", credential: "c" }];
  if (!isRight) response.writeHead(401).end();
  else if (key === "good") response.writeHead(201, { "Content-Type": "application/json" }).end(JSON.stringify({ iceServers: servers }));
  else if (key === "elsewhere") response.writeHead(307, { Location: request.url?.replace("elsewhere", "good") }).end();
  else if (key === "endless") setInterval(() => response.write(" ".repeat(4096)), 1).unref();
});
await listenOnOwnPort(service);
const serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
const { server } = serverUnderTest;
afterAll(async () => {
  await serverUnderTest.close();
  service.close();
  service.closeAllConnections();
  await once(service, "close");
});

const authorization = `Basic ${Buffer.from("alice@localhost:offhook").toString("base64")}`;
const ask = () => fetch(`${server.url}/api/v1/ice-servers`, { headers: { Authorization: authorization } });
const use = async (key: string, token = "the-api-token") => {
  const endpoint = `http://127.0.0.1:${portOf(service)}/base/`;
  const answer = await server.api("PUT", "/domains/localhost/ice", { kind: "cloudflare", key_id: key, api_token: token, endpoint });
  expect(answer.status).toBe(200);
};

describe("a TURN service that is asked for credentials", () => {
  it("gives them to a user, who never sees its token", async () => {
    await use("good");
    const answer = await ask();
    expect([answer.status, await answer.json()]).toEqual([
      200,
      {
        iceServers: [{ urls: ["stun:127.0.0.1"] }, { urls: ["turn:127.0.0.1:3478"], username: "u", credential: "c" }],
        ttl: 86_400,
        refresh_after: 43_200,
      },
    ]);
  });

  it.each([
    ["refuses the token", "good", "another-api-token"],
    ["leads elsewhere", "elsewhere", undefined],
    ["never ends its answer", "endless", undefined],
    ["never answers", "silent", undefined],
  ])("is given up if it %s: 503 in some seconds", async (_what, key, token) => {
    await use(key, token);
    const before = performance.now();
    expect((await ask()).status).toBe(503);
    expect(performance.now() - before).toBeLessThan(20_000);
  });
});
