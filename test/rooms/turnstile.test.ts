import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import worker from "../../workers/index.ts";
import { api } from "./support/homes.ts";
import { newDomain, newKey, withKey } from "./support/keys.ts";

/** What the stand-in for Turnstile was asked, and answers. */
let asked: { readonly url: string; readonly body: unknown }[] = [];
let errors: string[] = [];
let answer: () => Response | Promise<Response>;
vi.stubGlobal("fetch", async (url: string, { body }: { readonly body: string }) => {
  asked.push({ url, body: JSON.parse(body) });
  return answer();
});

const passes = (more: object = {}) => Response.json({ success: true, hostname: "shop.example", ...more });
const secret = "hush-hush-turnstile";

beforeEach(() => {
  asked = [];
  answer = () => passes();
  errors = [];
  vi.spyOn(console, "error").mockImplementation((line: unknown) => void errors.push(String(line)));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const put = (domain: string, body: object = {}) =>
  api(`/domains/${domain}/turnstile`, { method: "PUT", body: JSON.stringify({ secret, users: ["seller"], ...body }) });

/** A domain with a user whom guests call by Turnstile. */
async function shop(body: object = {}): Promise<string> {
  const domain = await newDomain();
  await api(`/domains/${domain}/subscribers/seller`, { method: "PUT", body: JSON.stringify({ password: null }) });
  expect((await put(domain, body)).status).toBe(200);
  return domain;
}

const address = "192.0.2.1";

/** A page asks for a token. */
function ask(
  domain: string,
  { response = "good", origin = "https://shop.example", settings = {}, scheme = "http" } = {},
): Promise<Response> {
  const headers = { "Content-Type": "application/json", Origin: origin, "CF-Connecting-IP": address };
  const request = new Request(`${scheme}://localhost/api/v1/domains/${domain}/turnstile/tokens`, {
    ...{ method: "POST", headers, body: JSON.stringify({ response }) },
  });
  return worker.fetch(request, { ...env, ...settings }, createExecutionContext());
}

const detailOf = async (refused: Response) => [refused.status, ((await refused.json()) as { readonly detail: string }).detail];

const connect = async (token: string, Origin = "https://shop.example", from = address) => {
  const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip", Origin, "CF-Connecting-IP": from };
  const { status, webSocket } = await exports.default.fetch(`http://localhost/ws?access_token=${token}`, { headers });
  webSocket?.accept();
  webSocket?.close();
  return status;
};

describe("a page gets the token of a guest for a response of Turnstile", () => {
  it("which its visitor connects with, on this page and for one connection", async () => {
    const domain = await shop();
    const given = await ask(domain, { settings: { TURNSTILE_URL: "https://turnstile.test/siteverify" } });
    expect([given.status, given.headers.get("Access-Control-Allow-Origin"), given.headers.get("Cache-Control")]).toEqual([
      ...[201, "https://shop.example", "no-store"],
    ]);
    expect(asked).toEqual([{ url: "https://turnstile.test/siteverify", body: { secret, response: "good", remoteip: address } }]);
    const { token } = (await given.json()) as { readonly token: string };
    expect([await connect(token, "https://evil.example"), await connect(token), await connect(token, undefined, "192.0.2.9")]).toEqual([
      401, 101, 401,
    ]);
  });

  it("asks Cloudflare if the operator has named no other service", async () => {
    await ask(await shop());
    expect(asked.map(({ url }) => url)).toEqual(["https://challenges.cloudflare.com/turnstile/v0/siteverify"]);
  });

  it.each([
    ["timeout-or-duplicate", 403, /used before/],
    ["invalid-input-response", 403, /not valid/],
    ["invalid-input-secret", 503, /no verdict/],
    ["internal-error", 503, /no verdict/],
  ])("or why not: %s is %s", async (code, status, detail) => {
    const domain = await shop();
    answer = () => Response.json({ success: false, "error-codes": [code] });
    expect(await detailOf(await ask(domain))).toEqual([status, expect.stringMatching(detail) as unknown]);
  });

  it.each([
    ["no JSON", () => new Response("<html>")],
    ["null", () => Response.json(null)],
    ["success that is no boolean", () => Response.json({ success: "true" })],
    ["an answer that is too long", () => new Response(`{"success":true,"x":"${"x".repeat(20_000)}"}`)],
    ["a redirection", () => new Response(null, { status: 302, headers: { Location: "https://evil.example" } })],
    ["no connection", () => Promise.reject(new Error("connection lost"))],
  ])("none for %s", async (_what, given) => {
    const domain = await shop();
    answer = given;
    const refused = await ask(domain);
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "10"]);
    expect(errors.join()).not.toContain(secret);
  });

  it("none from the widget of another host, if the hosts are named", async () => {
    const domain = await shop({ hostnames: ["shop.example"] });
    expect((await ask(domain)).status).toBe(201);
    answer = () => passes({ hostname: "evil.example" });
    expect(await detailOf(await ask(domain))).toEqual([403, "the response of Turnstile is of a page of another host"]);
    answer = () => Response.json({ success: true });
    expect((await ask(domain)).status).toBe(403);
  });

  it("not on pages of other origins than ALLOWED_ORIGINS, without TLS, or too often: Turnstile is not asked", async () => {
    const domain = await shop();
    const settings = { ALLOWED_ORIGINS: "https://other.example" };
    expect((await ask(domain, { settings })).status).toBe(403);
    expect((await ask(domain, { settings: { LOCAL_DEVELOPMENT: "false" } })).status).toBe(403);
    const CONNECTION_RATE = { limit: async () => ({ success: false }) };
    expect((await ask(domain, { settings: { CONNECTION_RATE } })).status).toBe(429);
    expect((await ask(domain, { response: "x".repeat(2049) })).status).toBe(400);
    expect((await ask(domain, { origin: `https://${"x".repeat(300)}` })).status).toBe(400);
    expect(asked.length).toBeLessThanOrEqual(1);
  });

  it("not from a domain that does not use it, nor for users who are gone", async () => {
    expect(await detailOf(await ask("nowhere.example"))).toEqual([404, "there is no Turnstile in nowhere.example"]);
    const domain = await shop();
    await api(`/domains/${domain}/subscribers/seller`, { method: "DELETE" });
    expect((await ask(domain)).status).toBe(503);
  });

  it("leaves nothing in the audit log, and opens nothing else", async () => {
    const domain = await shop();
    const count = async () => ((await (await api(`/domains/${domain}/audit`)).json()) as { readonly entries: unknown[] }).entries.length;
    const before = await count();
    await ask(domain);
    expect(await count()).toBe(before);
    for (const path of [`/domains/${domain}/turnstile`, `/domains/${domain}/guest-tokens`])
      expect((await exports.default.fetch(`http://localhost/api/v1${path}`, { method: "POST" })).status).toBe(401);
  });

  it("after the browser has asked whether the page may", async () => {
    const url = `http://localhost/api/v1/domains/${await shop()}/turnstile/tokens`;
    const headers = { Origin: "https://shop.example", "Access-Control-Request-Method": "POST" };
    const preflight = await exports.default.fetch(url, { method: "OPTIONS", headers });
    expect([preflight.status, preflight.headers.get("Access-Control-Allow-Methods")]).toEqual([204, "POST"]);
  });
});

describe("the settings of Turnstile", () => {
  it("are read without the secret, which is kept where it is left out, and sealed in the database", async () => {
    const domain = await shop({ seconds: 300, maximum_calls: 2, maximum_call_seconds: 900 });
    const expected = { users: ["seller"], seconds: 300, maximum_calls: 2, maximum_call_seconds: 900, is_lost: false };
    expect(await (await api(`/domains/${domain}/turnstile`)).json()).toEqual(expected);
    expect((await put(domain, { secret: undefined, seconds: 60 })).status).toBe(200);
    await ask(domain);
    expect(asked[0]?.body).toMatchObject({ secret });
    const row = await env.DIRECTORY.prepare("SELECT settings FROM turnstile WHERE domain = ?").bind(domain).first<{ settings: string }>();
    expect(row?.settings).not.toContain(secret);
    expect((await api(`/domains/${domain}/turnstile`, { method: "DELETE" })).status).toBe(204);
    expect((await api(`/domains/${domain}/turnstile`)).status).toBe(404);
    expect(await detailOf(await put(domain, { secret: undefined }))).toEqual([400, "secret: is missing, and there is none to keep"]);
  });

  it("are sealed with a new key when a page asks, and lost without the old one", async () => {
    const domain = await shop();
    const fresh = Buffer.alloc(32, 99).toString("base64");
    const row = () => env.DIRECTORY.prepare("SELECT settings FROM turnstile WHERE domain = ?").bind(domain).first<{ settings: string }>();
    const before = await row();
    expect((await ask(domain, { settings: { SEAL_KEYS: fresh } })).status).toBe(503);
    expect(await row()).toEqual(before);
    expect((await ask(domain, { settings: { SEAL_KEYS: `${fresh},${env.SEAL_KEYS}` } })).status).toBe(201);
    expect(await row()).not.toEqual(before);
    expect((await ask(domain, { settings: { SEAL_KEYS: fresh } })).status).toBe(201);
    expect((await (await api(`/domains/${domain}/turnstile`)).json()) as object).toMatchObject({ is_lost: true });
  });

  it("leave nothing in the database for an Idempotency-Key of a stranger", async () => {
    const domain = await shop();
    const headers = { "Content-Type": "application/json", "Idempotency-Key": "of-a-stranger" };
    const path = `http://localhost/api/v1/domains/${domain}/turnstile/tokens`;
    await exports.default.fetch(path, { method: "POST", headers, body: "{}" });
    const prepare = vi.spyOn(env.DIRECTORY, "prepare");
    await exports.default.fetch(path, { method: "POST", headers, body: "{}" });
    expect(prepare.mock.calls.flat().filter((query) => query.includes("kept_answers"))).toEqual([]);
  });

  it("are those of the domain of a key, and need the scope everything", async () => {
    const [own, other] = [await shop(), await shop()];
    const { key } = await newKey({ domain: own, scope: "provisioning" });
    expect((await withKey(key, `/domains/${own}/turnstile`)).status).toBe(200);
    expect((await withKey(key, `/domains/${own}/turnstile`, "PUT", { secret, users: ["seller"] })).status).toBe(403);
    expect((await withKey(key, `/domains/${other}/turnstile`)).status).toBe(403);
  });

  it.each([{ users: [] }, { users: ["nobody"] }, { secret: "" }, { hostnames: [] }, { hostnames: ["https://x"] }, { seconds: 59 }])(
    "have bounds: %j",
    async (body) => {
      expect((await put(await shop(), body)).status).toBe(400);
    },
  );
});
