import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import worker from "../../workers/index.ts";
import { api } from "./support/homes.ts";
import { askForServers, basic, cloudflare, newIceDomain, secret, shared, turn } from "./support/ice.ts";
import { newKey, withKey } from "./support/keys.ts";

/** What the TURN service was asked, and what it answers; a thrown error is a lost connection. */
let asked: { readonly url: string; readonly init: RequestInit }[] = [];
let answer: () => Response | Promise<Response> = () => new Response(null, { status: 500 });
vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
  asked.push({ url, init });
  return answer();
});

const now = Date.UTC(2026, 10, 29);
let log = vi.spyOn(console, "error");
beforeEach(() => {
  asked = [];
  log = vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.useFakeTimers({ toFake: ["Date"], now });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Answer {
  readonly iceServers: readonly { readonly urls: readonly string[]; readonly username?: string; readonly credential?: string }[];
  readonly ttl: number;
  readonly refresh_after: number;
}

async function serversOf(name: string, query = ""): Promise<Answer> {
  const response = await askForServers({ Authorization: basic(name) }, query);
  expect(response.status).toBe(200);
  return response.json();
}

describe("the ICE servers of a user", () => {
  it("are none if the domain has none: 200 with an empty list, which no cache stores", async () => {
    const domain = await newIceDomain();
    const response = await askForServers({ Authorization: basic(`alice@${domain}`) });
    expect([response.status, response.headers.get("Cache-Control"), await response.json()]).toEqual([
      200,
      "no-store",
      { iceServers: [], ttl: 7200, refresh_after: 3600 },
    ]);
  });

  it("are a list that is the same for all", async () => {
    const domain = await newIceDomain({ kind: "static", servers: [{ urls: "stun:stun.example.com" }, turn] });
    expect(await serversOf(`alice@${domain}`)).toEqual({
      iceServers: [{ urls: ["stun:stun.example.com"] }, turn],
      ttl: 7200,
      refresh_after: 3600,
    });
  });

  it("have a credential that was made with a shared secret (draft-uberti-behave-turn-rest-00 §2.2)", async () => {
    const domain = await newIceDomain(shared);
    const username = `${now / 1000 + 3600}:alice@${domain}`;
    const credential = createHmac("sha1", secret).update(username).digest("base64");
    expect(await serversOf(`alice@${domain}`)).toEqual({
      iceServers: [{ urls: shared.urls, username, credential }],
      ttl: 3600,
      refresh_after: 1800,
    });
  });

  it("have a user name without letters that a TURN server may write in another way", async () => {
    const domain = await newIceDomain(shared, "josé");
    const { iceServers } = await serversOf("josé", `?domain=${domain}`);
    expect(iceServers[0]?.username).toBe(`${now / 1000 + 3600}:jos%C3%A9@${domain}`);
  });

  it("come from Cloudflare, without the addresses that browsers do not call", async () => {
    const domain = await newIceDomain(cloudflare);
    const uris = ["turn:turn.cloudflare.com:3478?transport=udp", "turn:turn.cloudflare.com:53?transport=udp"];
    const iceServers = [
      { urls: ["stun:stun.cloudflare.com:3478", "stun:stun.cloudflare.com:53"] },
      { urls: uris, username: "u", credential: "c" },
    ];
    answer = () => Response.json({ iceServers }, { status: 201 });
    expect(await serversOf(`alice@${domain}`)).toEqual({
      iceServers: [
        { urls: ["stun:stun.cloudflare.com:3478"] },
        { urls: ["turn:turn.cloudflare.com:3478?transport=udp"], username: "u", credential: "c" },
      ],
      ttl: 600,
      refresh_after: 300,
    });
    expect(asked).toMatchObject([
      {
        url: "https://1.1.1.1/v1/turn/keys/key1/credentials/generate-ice-servers",
        init: { method: "POST", headers: { Authorization: "Bearer hush-hush-api-token" }, body: '{"ttl":600}', redirect: "manual" },
      },
    ]);
  });

  const unfit: readonly [string, () => Response | Promise<Response>][] = [
    ["refuses", () => new Response("no", { status: 403 })],
    ["redirects", () => Response.redirect("https://127.0.0.1/", 302)],
    ["cannot be reached", () => Promise.reject(new Error("connection lost"))],
    ["sends no JSON", () => new Response("<html>", { status: 201 })],
    ["sends something else", () => Response.json({ iceServers: [{ urls: ["https://example.com/"] }] })],
    ["sends a TURN server without a credential", () => Response.json({ iceServers: [{ urls: ["turn:example.com"] }] })],
    ["sends far too many", () => Response.json({ iceServers: Array.from({ length: 11 }, () => ({ urls: "stun:a.example" })) })],
    ["sends far too much", () => new Response(`{"iceServers": [${" ".repeat(70_000)}]}`)],
  ];
  it.each(unfit)("are not there if the service %s: 503, and the log says why", async (_what, one) => {
    const domain = await newIceDomain(cloudflare);
    answer = one;
    const response = await askForServers({ Authorization: basic(`alice@${domain}`) });
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "30"]);
    expect(await response.text()).not.toContain("hush");
    expect(log.mock.calls.join()).toContain("there are no ICE servers for a user");
    expect(log.mock.calls.join()).not.toContain("hush");
  });

  it("of one domain are not those of another", async () => {
    const [own, other] = [await newIceDomain(shared), await newIceDomain()];
    expect((await serversOf(`alice@${other}`)).iceServers).toEqual([]);
    expect((await askForServers({ Authorization: basic(`alice@${own}`) }, `?domain=${other}`)).status).toBe(400);
    await api(`/domains/${other}/subscribers/alice`, { method: "PUT", body: JSON.stringify({ password: "another one" }) });
    expect((await askForServers({ Authorization: basic("alice") }, `?domain=${other}`)).status).toBe(401);
    expect((await askForServers({ Authorization: basic("alice") }, `?domain=${own.toUpperCase()}`)).status).toBe(200);
  });

  it.each([
    ["a wrong password", (domain: string) => basic(`alice@${domain}`, "guess")],
    ["no such user", (domain: string) => basic(`bob@${domain}`)],
    ["an empty password", (domain: string) => basic(`alice@${domain}`, "")],
  ])("are not for a stranger: %s", async (_what, credentials) => {
    const domain = await newIceDomain(shared);
    const response = await askForServers({ Authorization: credentials(domain) });
    expect([response.status, response.headers.get("WWW-Authenticate")]).toEqual([401, `Basic realm="${domain}"`]);
  });

  it("are not for a user without a password, or who was deleted", async () => {
    const domain = await newIceDomain(shared);
    await env.DIRECTORY.prepare("UPDATE subscribers SET md5 = '', sha256 = '' WHERE domain = ?").bind(domain).run();
    for (const password of ["", "offhook"])
      expect((await askForServers({ Authorization: basic(`alice@${domain}`, password) })).status).toBe(401);
    await api(`/domains/${domain}/subscribers/alice`, { method: "DELETE" });
    expect((await askForServers({ Authorization: basic(`alice@${domain}`) })).status).toBe(401);
  });

  it.each([
    ["no credentials", {}, 401],
    ["another kind of credentials", { Authorization: "Digest username=alice" }, 401],
    ["a wrong token", { Authorization: "Bearer guess" }, 401],
    ["neither an address nor a domain", { Authorization: basic("alice") }, 400],
    ["a domain that is none", { Authorization: basic('alice@a"b') }, 400],
    ["rubbish", { Authorization: "Basic !!!" }, 400],
  ])("are not for a request with %s", async (_what, headers, status) => {
    expect((await askForServers(headers as Record<string, string>)).status).toBe(status);
  });

  it("are not given without TLS, nor too often to one address", async () => {
    const domain = await newIceDomain(shared);
    const headers = { Authorization: basic(`alice@${domain}`) };
    expect((await askForServers(headers, "", { LOCAL_DEVELOPMENT: "" })).status).toBe(403);
    expect((await askForServers(headers, "", { LOCAL_DEVELOPMENT: "" }, {}, "https")).status).toBe(200);
    expect((await askForServers(headers, "", { CONNECTION_RATE: { limit: async () => ({ success: false }) } })).status).toBe(429);
  });

  it("may be tried by an administrator, and by a key that may do everything in all domains", async () => {
    const domain = await newIceDomain(shared);
    const tried: Answer = await (await api(`/ice-servers?domain=${domain}`)).json();
    expect(tried.iceServers[0]?.username).toBe(`${now / 1000 + 3600}:administrator@${domain}`);
    expect((await api("/ice-servers")).status).toBe(400);
    expect((await api("/ice-servers?domain=none.example")).status).toBe(404);
    const statuses = [{ scope: "everything" }, { scope: "provisioning" }, { scope: "everything", domain }].map(async (body) => {
      const { key } = await newKey(body);
      return (await withKey(key, `/ice-servers?domain=${domain}`)).status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 403, 403]);
  });
});

describe("pages of other origins", () => {
  const origin = "https://app.example.com";
  const asks = { Origin: origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization" };
  const preflight = (settings: object) => askForServers(asks, "", settings, { method: "OPTIONS" });

  it("may ask for ICE servers, if ALLOWED_ORIGINS has them or is not set", async () => {
    const domain = await newIceDomain(shared);
    for (const settings of [{}, { ALLOWED_ORIGINS: `https://other.example, ${origin}` }]) {
      const before = await preflight(settings);
      expect([before.status, Object.fromEntries(before.headers)]).toEqual([
        204,
        expect.objectContaining({
          "access-control-allow-origin": origin,
          "access-control-allow-methods": "GET, PUT",
          "access-control-allow-headers": "Authorization, Content-Type",
          vary: "Origin",
        }),
      ]);
      const response = await askForServers({ Origin: origin, Authorization: basic(`alice@${domain}`) }, "", settings);
      expect([response.status, response.headers.get("Access-Control-Allow-Origin"), response.headers.get("Vary")]).toEqual([
        200,
        origin,
        "Origin",
      ]);
      // Credentials that the browser adds by itself are not admitted.
      expect(response.headers.get("Access-Control-Allow-Credentials")).toBeNull();
      const refused = await askForServers({ Origin: origin, Authorization: basic(`alice@${domain}`, "guess") }, "", settings);
      expect([refused.status, refused.headers.get("Access-Control-Allow-Origin")]).toEqual([401, origin]);
    }
  });

  it("are refused if ALLOWED_ORIGINS lacks them, before a password is checked", async () => {
    const domain = await newIceDomain(shared);
    const settings = { ALLOWED_ORIGINS: "https://other.example" };
    const tried = [
      await preflight(settings),
      await askForServers({ Origin: origin, Authorization: basic(`alice@${domain}`) }, "", settings),
    ];
    for (const response of tried) {
      expect([response.status, response.headers.get("Access-Control-Allow-Origin")]).toEqual([403, null]);
      expect(await response.text()).toContain("ALLOWED_ORIGINS");
    }
  });

  it("may not ask for anything else", async () => {
    const request = new Request("http://localhost/api/v1/domains", { method: "OPTIONS", headers: asks });
    const response = await worker.fetch(request, env, createExecutionContext());
    expect([response.status, response.headers.get("Access-Control-Allow-Origin")]).toEqual([401, null]);
  });
});
