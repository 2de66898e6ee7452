import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import app from "../../workers/index.ts";
import { api, provision } from "./support/homes.ts";

/** What the provisioning API refuses, and how: problems as RFC 9457 has them. */
interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

async function problemOf(answer: Response): Promise<Problem> {
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  const problem: Problem = await answer.json();
  expect(problem.status).toBe(answer.status);
  expect([problem.type, problem.title.length > 0, problem.detail.length > 0]).toEqual(["about:blank", true, true]);
  return problem;
}

await provision("alice");
const alice = "/domains/localhost/subscribers/alice";
const put = (path: string, body?: string, headers: Record<string, string> = {}): Promise<Response> =>
  api(path, {
    method: "PUT",
    headers: { Authorization: "Bearer test-admin-token", "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body }),
  });

describe("names that are refused with 400", () => {
  it.each(["with%20space", "-leading", "a..b", "dotted.", "%5B::1%5D", `${"a".repeat(64)}.example`, "host%3A5060", "a%40b"])(
    "the domain %s",
    async (name) => {
      expect((await problemOf(await put(`/domains/${name}`))).status).toBe(400);
    },
  );

  it.each([
    "%20space",
    "a%40b",
    "a%3Ab",
    "%25FF",
    "%252541",
    "%00",
    "a%0D%0Ab",
    "x".repeat(65),
    "%E4%BD%A0".repeat(22),
    "%3Ca%3E",
    "a%22b",
    "a%5Cb",
  ])("the subscriber %s", async (name) => {
    expect((await problemOf(await put(`/domains/localhost/subscribers/${name}`, '{"password":"long enough"}'))).status).toBe(400);
  });

  it.each([" space", "a@b", "a:b", "", "%FF", "x".repeat(65), 'a"b', "a\ud800"])("the alias %j", async (alias) => {
    const problem = await problemOf(await put(alice, JSON.stringify({ aliases: [alias] })));
    expect(problem).toMatchObject({ status: 400, detail: expect.stringContaining("aliases") as unknown });
  });
});

describe("bodies that are refused", () => {
  it.each([
    ["no JSON", "{password"],
    ["nothing", undefined],
    ["no object", '["long enough"]'],
    ["null", "null"],
    ["an unknown field", '{"password":"long enough","passwort":"p"}'],
    ["a password that is no text", '{"password":7}'],
    ["an empty password", '{"password":""}'],
    ["a password longer than 256 characters", JSON.stringify({ password: "long enough".repeat(257) })],
    ["aliases that are no list", '{"aliases":"info"}'],
    ["more than 50 aliases", JSON.stringify({ aliases: Array.from({ length: 51 }, (_none, index) => `a${index}`) })],
  ])("%s: 400", async (_what, body) => {
    expect((await problemOf(await put(alice, body))).status).toBe(400);
  });

  it.each(["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])("of the type %s: 415", async (type) => {
    const problem = await problemOf(await put(alice, '{"password":"long enough"}', { "Content-Type": type }));
    expect(problem).toMatchObject({
      status: 415,
      title: "Unsupported Media Type",
      detail: expect.stringContaining("application/json") as unknown,
    });
  });

  it.each([
    ["30,000 brackets", "[".repeat(30_000)],
    ["__proto__", '{"password":"long enough","__proto__":{"aliases":["info"]}}'],
    ["constructor", '{"password":"long enough","constructor":{}}'],
  ])("%s: 400, and nothing comes of it", async (_what, body) => {
    expect((await problemOf(await put("/domains/localhost/subscribers/hostile", body))).status).toBe(400);
    expect((await api("/domains/localhost/subscribers/hostile")).status).toBe(404);
  });

  it("more than 65536 octets: 413, whether the length is announced or not", async () => {
    const body = JSON.stringify({ password: "long enough", padding: "x".repeat(70_000) });
    expect((await problemOf(await put(alice, body))).status).toBe(413);
    const pieces = [body.slice(0, 60_000), body.slice(60_000)];
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(piece));
      },
    });
    const headers = { Authorization: "Bearer test-admin-token", "Content-Type": "application/json" };
    const unannounced = await app.fetch(new Request(`http://localhost/api/v1${alice}`, { method: "PUT", headers, body: stream }), env);
    expect((await problemOf(unannounced)).status).toBe(413);
  });

  it("change nothing", async () => {
    await put(alice, '{"aliases":["kept"]}');
    await put(alice, '{"aliases":["lost"],"unknown":true}');
    expect(await (await api(alice)).json()).toMatchObject({ aliases: ["kept"] });
  });
});

describe("queries that are refused with 400", () => {
  it.each(["limit=0", "limit=1001", "limit=many", "limit=1.5"])("a page with %s", async (query) => {
    expect((await problemOf(await api(`/domains?${query}`))).status).toBe(400);
    expect((await problemOf(await api(`/domains/localhost/subscribers?${query}`))).status).toBe(400);
  });

  it.each(["%27%20OR%201=1--", "%00", "z".repeat(5000)])("no cursor reads more than a page does: %s", async (cursor) => {
    const all: { domains: { domain: string }[] } = await (await api("/domains")).json();
    const answer = await api(`/domains?cursor=${cursor}`);
    const { domains }: typeof all = await answer.json();
    expect([answer.status, domains.every(({ domain }) => all.domains.some((one) => one.domain === domain))]).toEqual([200, true]);
  });

  it("a trace in a format that is none of ours", async () => {
    expect((await problemOf(await api(`${alice}/trace?format=pcap`))).status).toBe(400);
  });
});

describe("ways that lead nowhere", () => {
  it.each([
    ["GET", "/"],
    ["GET", "/nothing"],
    ["GET", "/domains/"],
    ["GET", "//domains"],
    ["GET", "/domains/localhost/subscribers/.."],
    ["GET", "/domains/localhost/subscribers/%2e%2e"],
    ["GET", "/domains/localhost/subscribers/alice/other"],
    ["POST", "/domains/localhost/other"],
  ])("%s %s: 404", async (method, path) => {
    expect((await problemOf(await api(path, { method }))).status).toBe(404);
  });

  it.each([
    ["POST", "/domains", "GET, HEAD"],
    ["PATCH", "/domains/localhost", "GET, HEAD, PUT, DELETE"],
    ["OPTIONS", "/domains/localhost/subscribers/alice", "GET, HEAD, PUT, DELETE"],
    ["PUT", "/domains/localhost/subscribers/alice/calls", "GET, HEAD, POST"],
    ["GET", "/routes/test", "POST"],
  ])("%s %s: 405, and what the path takes is told", async (method, path, allowed) => {
    const answer = await api(path, { method });
    expect(answer.headers.get("Allow")).toBe(allowed);
    expect(await problemOf(answer)).toMatchObject({ status: 405, title: "Method Not Allowed" });
  });

  it("HEAD is answered as GET is, without a body", async () => {
    const answer = await api(alice, { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });
});

describe("who may ask", () => {
  it.each([
    ["nothing", undefined],
    ["another token", "Bearer test-admin-tokeN"],
    ["the token and more", "Bearer test-admin-token2"],
    ["another scheme", "Basic test-admin-token"],
    ["no scheme", "test-admin-token"],
    ["an empty token", "Bearer "],
    ["a password of the demo", `Basic ${btoa("alice:offhook")}`],
    ["the token twice", "Bearer test-admin-token, Bearer test-admin-token"],
  ])("whoever gives %s: 401", async (_what, authorization) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
    const answer = await api("/domains", { headers });
    expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect((await problemOf(answer)).status).toBe(401);
  });

  it("nobody who gives a wrong token learns what is there", async () => {
    const headers = { Authorization: "Bearer wrong" };
    for (const path of [alice, "/domains/absent.example", "/nothing"]) {
      expect((await problemOf(await api(path, { headers }))).status).toBe(401);
    }
  });

  it.each([undefined, ""])("without ADMIN_TOKEN (%j) the API is closed, not open: 503", async (token) => {
    const { ADMIN_TOKEN: _taken, ...rest } = env;
    const environment = token === undefined ? rest : { ...rest, ADMIN_TOKEN: token };
    for (const headers of [{}, { Authorization: "Bearer " }, { Authorization: "Bearer undefined" }]) {
      const answer = await app.fetch(new Request("http://localhost/api/v1/domains", { headers }), environment);
      expect((await problemOf(answer)).status).toBe(503);
    }
  });
});

describe("a database without its tables", () => {
  it("is told from other failures: 503, with what is to be done", async () => {
    const environment = {
      ...env,
      DIRECTORY: { prepare: () => env.DIRECTORY.prepare("SELECT * FROM not_migrated WHERE name = ?") } as unknown as D1Database,
    };
    const headers = { Authorization: "Bearer test-admin-token" };
    const answer = await app.fetch(new Request("http://localhost/api/v1/domains/localhost", { headers }), environment);
    expect(await problemOf(answer)).toMatchObject({ status: 503, detail: expect.stringContaining("d1 migrations apply") as unknown });
  });
});

describe("the description of the API", () => {
  it("is public, and lists every path and what each may answer", async () => {
    const answer = await api("/openapi.json", { headers: {} });
    expect(answer.status).toBe(200);
    const { openapi, paths }: { openapi: string; paths: Record<string, Record<string, { responses: object }>> } = await answer.json();
    expect(openapi).toBe("3.1.0");
    const operations = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
    expect(operations.sort()).toEqual([
      "delete /domains/{domain}",
      "delete /domains/{domain}/ice",
      "delete /domains/{domain}/issuers/{issuer}",
      "delete /domains/{domain}/lists/{list}",
      "delete /domains/{domain}/media/{name}",
      "delete /domains/{domain}/peers/{peer}",
      "delete /domains/{domain}/push/{provider}",
      "delete /domains/{domain}/router",
      "delete /domains/{domain}/routes/{route}",
      "delete /domains/{domain}/signing",
      "delete /domains/{domain}/subscribers/{username}",
      "delete /domains/{domain}/subscribers/{username}/bindings/{id}",
      "delete /domains/{domain}/subscribers/{username}/calls/{id}",
      "delete /domains/{domain}/subscribers/{username}/lists/{list}",
      "delete /domains/{domain}/subscribers/{username}/presence",
      "delete /domains/{domain}/subscribers/{username}/rules",
      "delete /domains/{domain}/subscribers/{username}/tokens",
      "delete /domains/{domain}/subscribers/{username}/trace",
      "delete /domains/{domain}/subscribers/{username}/watchers/{watcher}",
      "delete /domains/{domain}/trace",
      "delete /domains/{domain}/trunks/{trunk}",
      "delete /domains/{domain}/turnstile",
      "delete /domains/{domain}/web-hooks/{name}",
      "delete /keys/{id}",
      "get /audit",
      "get /domains",
      "get /domains/{domain}",
      "get /domains/{domain}/audit",
      "get /domains/{domain}/calls",
      "get /domains/{domain}/calls.csv",
      "get /domains/{domain}/calls/{id}",
      "get /domains/{domain}/calls/{id}/trace",
      "get /domains/{domain}/events",
      "get /domains/{domain}/ice",
      "get /domains/{domain}/issuers",
      "get /domains/{domain}/issuers/{issuer}",
      "get /domains/{domain}/lists",
      "get /domains/{domain}/lists/{list}",
      "get /domains/{domain}/live-calls",
      "get /domains/{domain}/media",
      "get /domains/{domain}/media/{name}",
      "get /domains/{domain}/media/{name}/status",
      "get /domains/{domain}/peers",
      "get /domains/{domain}/peers/{peer}",
      "get /domains/{domain}/push",
      "get /domains/{domain}/push/{provider}",
      "get /domains/{domain}/router",
      "get /domains/{domain}/routes",
      "get /domains/{domain}/routes/{route}",
      "get /domains/{domain}/settings",
      "get /domains/{domain}/signing",
      "get /domains/{domain}/signing/status",
      "get /domains/{domain}/subscribers",
      "get /domains/{domain}/subscribers.ndjson",
      "get /domains/{domain}/subscribers/{username}",
      "get /domains/{domain}/subscribers/{username}/bindings",
      "get /domains/{domain}/subscribers/{username}/calls",
      "get /domains/{domain}/subscribers/{username}/lists",
      "get /domains/{domain}/subscribers/{username}/lists/{list}",
      "get /domains/{domain}/subscribers/{username}/rules",
      "get /domains/{domain}/subscribers/{username}/trace",
      "get /domains/{domain}/subscribers/{username}/watchers",
      "get /domains/{domain}/trace",
      "get /domains/{domain}/trunks",
      "get /domains/{domain}/trunks/{trunk}",
      "get /domains/{domain}/trunks/{trunk}/status",
      "get /domains/{domain}/turnstile",
      "get /domains/{domain}/web-hooks",
      "get /domains/{domain}/web-hooks/{name}",
      "get /domains/{domain}/web-hooks/{name}/deliveries",
      "get /ice-servers",
      "get /keys",
      "get /me",
      "get /me/calls",
      "get /push-services",
      "get /trunk-presets",
      "post /domains/{domain}/guest-tokens",
      "post /domains/{domain}/subscribers/import",
      "post /domains/{domain}/subscribers/{username}/bindings",
      "post /domains/{domain}/subscribers/{username}/calls",
      "post /domains/{domain}/subscribers/{username}/messages",
      "post /domains/{domain}/subscribers/{username}/tokens",
      "post /domains/{domain}/turnstile/tokens",
      "post /domains/{domain}/web-hooks/{name}/deliveries/{id}/replay",
      "post /domains/{domain}/web-hooks/{name}/secret",
      "post /domains/{domain}/web-hooks/{name}/test",
      "post /keys",
      "post /routes/test",
      "put /domains/{domain}",
      "put /domains/{domain}/ice",
      "put /domains/{domain}/issuers/{issuer}",
      "put /domains/{domain}/lists/{list}",
      "put /domains/{domain}/media/{name}",
      "put /domains/{domain}/peers/{peer}",
      "put /domains/{domain}/push/apns",
      "put /domains/{domain}/push/fcm",
      "put /domains/{domain}/push/webpush",
      "put /domains/{domain}/router",
      "put /domains/{domain}/routes/{route}",
      "put /domains/{domain}/settings",
      "put /domains/{domain}/signing",
      "put /domains/{domain}/subscribers/{username}",
      "put /domains/{domain}/subscribers/{username}/lists/{list}",
      "put /domains/{domain}/subscribers/{username}/presence",
      "put /domains/{domain}/subscribers/{username}/rules",
      "put /domains/{domain}/subscribers/{username}/trace",
      "put /domains/{domain}/subscribers/{username}/voice-mail",
      "put /domains/{domain}/subscribers/{username}/watchers/{watcher}",
      "put /domains/{domain}/trace",
      "put /domains/{domain}/trunks/{trunk}",
      "put /domains/{domain}/turnstile",
      "put /domains/{domain}/web-hooks/{name}",
      "put /me/watchers/{watcher}",
    ]);
    const putSubscriber = paths["/domains/{domain}/subscribers/{username}"]?.["put"]?.responses ?? {};
    expect(Object.keys(putSubscriber)).toEqual(["200", "201", "400", "401", "403", "404", "409", "412", "413", "429", "503"]);
  });
});
