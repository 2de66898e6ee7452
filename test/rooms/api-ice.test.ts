import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createKeyring } from "../../platform/crypto/keyring.ts";
import { IceStore } from "../../platform/directory/ice-store.ts";
import { api } from "./support/homes.ts";
import { askForServers, basic, cloudflare, newIceDomain, putIce, secret, shared, turn } from "./support/ice.ts";

const fetched = vi.fn<typeof fetch>();
vi.stubGlobal("fetch", fetched);

let log = vi.spyOn(console, "error");
beforeEach(() => {
  log = vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const detailOf = async (response: Response) => [response.status, ((await response.json()) as { detail: string }).detail];
const stored = async (domain: string) =>
  (await env.DIRECTORY.prepare("SELECT settings FROM ice WHERE domain = ?").bind(domain).first<string>("settings")) ?? "";

describe("the secrets of ICE servers", () => {
  const kinds: readonly [string, object][] = [
    ["static", { kind: "static", servers: [turn] }],
    ["shared_secret", shared],
    ["cloudflare", cloudflare],
  ];
  it.each(kinds)("of the kind %s are in no answer to an administrator, and sealed in the database", async (_kind, body) => {
    const domain = await newIceDomain();
    const answers = [await putIce(domain, body), await api(`/domains/${domain}/ice`), await putIce(domain, { ...body, ttl: "hush" })];
    for (const response of answers) expect(await response.text()).not.toContain("hush-hush");
    expect(await stored(domain)).toMatch(/"sealed":"[\w-]+"/);
    expect(await stored(domain)).not.toContain("hush");
  });

  it.each([
    ["static", { kind: "static", servers: [turn] }, { kind: "static", servers: [{ urls: turn.urls, username: "all" }] }],
    ["shared_secret", shared, { kind: "shared_secret", urls: shared.urls, ttl: 3600 }],
    ["cloudflare", cloudflare, { kind: "cloudflare", key_id: "key1", endpoint: "https://1.1.1.1", ttl: 600 }],
  ])("of the kind %s are kept if they are left out", async (_kind, body, rest) => {
    const domain = await newIceDomain(body);
    const before = await stored(domain);
    expect((await putIce(domain, rest)).status).toBe(200);
    expect(JSON.parse(await stored(domain))).toEqual(JSON.parse(before));
  });

  it.each([
    ["the token for another endpoint", { ...cloudflare, api_token: undefined, endpoint: "https://1.0.0.1" }, "api_token"],
    ["the token for another key", { ...cloudflare, api_token: undefined, key_id: "key2" }, "api_token"],
    ["those of another kind", { ...shared, secret: undefined }, "secret"],
    ["those of another server", { kind: "static", servers: [{ ...turn, credential: undefined }] }, "servers.0.credential"],
  ])("are not kept: %s", async (_what, body, member) => {
    const domain = await newIceDomain(cloudflare);
    const before = await stored(domain);
    expect(await detailOf(await putIce(domain, body))).toEqual([400, `${member}: is missing, and there is none to keep`]);
    expect(await stored(domain)).toBe(before);
  });

  it("are bound to the domain, and are sealed anew with a new first key when they are read", async () => {
    const domain = await newIceDomain();
    const [first, second] = [1, 2].map((fill) => new Uint8Array(32).fill(fill)) as [Uint8Array, Uint8Array];
    const store = new IceStore(env.DIRECTORY);
    const settings = { kind: "shared_secret", urls: ["turn:turn.example.com"], secret, ttl: 600 } as const;
    await store.put(domain, settings, createKeyring([first]));
    await env.DIRECTORY.prepare("INSERT INTO ice SELECT 'thief.example', settings FROM ice WHERE domain = ?").bind(domain).run();
    expect(await store.find("thief.example", createKeyring([first]))).toMatchObject({ isLost: true, settings: { secret: "" } });
    expect(await store.find(domain, createKeyring([second]))).toMatchObject({ isLost: true });
    expect(await store.find(domain, createKeyring([second, first]))).toEqual({ settings, isLost: false });
    expect(await store.find(domain, createKeyring([second]))).toEqual({ settings, isLost: false });
    expect(await store.find(domain, undefined)).toMatchObject({ isLost: true });
  });

  it("that no key opens are said to be lost: users get 503, and they have to be sent again", async () => {
    const domain = await newIceDomain();
    const store = new IceStore(env.DIRECTORY);
    await store.put(domain, { kind: "shared_secret", urls: shared.urls, secret, ttl: 600 }, createKeyring([new Uint8Array(32).fill(9)]));
    expect(await (await api(`/domains/${domain}/ice`)).json()).toMatchObject({ lost: true });
    expect((await askForServers({ Authorization: basic(`alice@${domain}`) })).status).toBe(503);
    expect(log.mock.calls.join()).toContain("SEAL_KEYS");
    const { secret: _secret, ...rest } = shared;
    expect((await putIce(domain, rest)).status).toBe(409);
    expect(await (await putIce(domain, shared)).json()).toMatchObject({ lost: false });
  });
});

describe("the API of ICE servers", () => {
  it("shows, replaces and deletes them", async () => {
    const domain = await newIceDomain();
    const path = `/domains/${domain}/ice`;
    expect(await detailOf(await api(path))).toEqual([404, `${domain} has no STUN or TURN servers`]);
    const views = [
      [cloudflare, { kind: "cloudflare", key_id: "key1", endpoint: "https://1.1.1.1", ttl: 600, lost: false }],
      [shared, { kind: "shared_secret", urls: shared.urls, ttl: 3600, lost: false }],
      [
        { kind: "static", servers: [{ urls: "stun:[2001:db8::1]:3478" }, turn] },
        { kind: "static", servers: [{ urls: ["stun:[2001:db8::1]:3478"] }, { urls: turn.urls, username: "all" }], lost: false },
      ],
    ] as const;
    for (const [body, view] of views) {
      expect(await (await putIce(domain, body)).json()).toEqual(view);
      expect(await (await api(path)).json()).toEqual(view);
    }
    const headers = { Authorization: "Bearer test-admin-token", "Content-Type": "application/json", "If-None-Match": "*" };
    expect((await api(path, { method: "PUT", headers, body: JSON.stringify(shared) })).status).toBe(412);
    expect((await api(path, { method: "DELETE" })).status).toBe(204);
    expect((await api(path, { method: "DELETE" })).status).toBe(404);
    expect((await putIce("none.example", shared)).status).toBe(404);
  });

  it("deletes them with the domain", async () => {
    const domain = await newIceDomain(shared);
    expect((await api(`/domains/${domain}`, { method: "DELETE" })).status).toBe(204);
    expect(await stored(domain)).toBe("");
  });

  const many = (length: number) => Array.from({ length }, (_none, index) => `turn:turn${index}.example.com`);
  it.each([
    ["no kind", {}, "kind"],
    ["another kind", { kind: "twilio" }, "kind"],
    ["a member of another kind", { ...shared, api_token: "x" }, "api_token"],
    ["no servers", { kind: "static", servers: [] }, "servers"],
    ["too many servers", { kind: "static", servers: many(11).map((urls) => ({ ...turn, urls })) }, "servers"],
    ["too many addresses", { ...shared, urls: many(11) }, "urls"],
    ["another scheme", { ...shared, urls: ["https://turn.example.com"] }, "urls.0"],
    ["an address without a host", { ...shared, urls: ["turn:"] }, "urls.0"],
    ["a port that is none", { ...shared, urls: ["turn:turn.example.com:99999"] }, "urls.0"],
    ["another transport", { ...shared, urls: ["turn:turn.example.com?transport=sctp"] }, "urls.0"],
    ["a transport for STUN (RFC 7064 §3.1)", { kind: "static", servers: [{ urls: "stun:a.example?transport=udp" }] }, "servers.0.urls"],
    ["an address that is too long", { ...shared, urls: [`turn:${"a.".repeat(160)}example`] }, "urls.0"],
    ["a TURN server without a user name", { kind: "static", servers: [{ urls: "turn:turn.example.com" }] }, "servers.0.username"],
    ["a TURN server without a credential", { kind: "static", servers: [{ ...turn, credential: undefined }] }, "servers.0.credential"],
    ["a credential that is too long", { kind: "static", servers: [{ ...turn, credential: "x".repeat(513) }] }, "servers.0.credential"],
    ["a user name with a line break", { kind: "static", servers: [{ ...turn, username: "a\nb" }] }, "servers.0.username"],
    ["a secret that can be guessed", { ...shared, secret: "north" }, "secret"],
    ["a secret that is too long", { ...shared, secret: "x".repeat(513) }, "secret"],
    ["no secret", { ...shared, secret: undefined }, "secret"],
    ["a time that is too short", { ...shared, ttl: 299 }, "ttl"],
    ["a time that is too long", { ...cloudflare, ttl: 172_801 }, "ttl"],
    ["an id that leads elsewhere", { ...cloudflare, key_id: "../x" }, "key_id"],
    ["a token with a line break", { ...cloudflare, api_token: "a\r\nb" }, "api_token"],
    ["an endpoint without TLS", { ...cloudflare, endpoint: "ftp://1.1.1.1" }, "endpoint"],
    ["an endpoint that is no URL", { ...cloudflare, endpoint: "1.1.1.1" }, "endpoint"],
    ["an endpoint with a query", { ...cloudflare, endpoint: "https://1.1.1.1/?x=" }, "endpoint"],
    ["an endpoint with a password", { ...cloudflare, endpoint: "https://u:p@1.1.1.1/" }, "endpoint"],
    ["an endpoint in a private network", { ...cloudflare, endpoint: "https://10.0.0.1/" }, "endpoint"],
    ["an endpoint on this machine", { ...cloudflare, endpoint: "https://[::1]:8443/" }, "endpoint"],
    ["the address of the metadata of a cloud", { ...cloudflare, endpoint: "http://169.254.169.254" }, "endpoint"],
  ])("refuses %s: 400, which names the member", async (_what, body, member) => {
    const domain = await newIceDomain();
    const [status, detail] = await detailOf(await putIce(domain, body));
    expect([status, String(detail).split(":")[0]]).toEqual([400, member]);
    expect(await stored(domain)).toBe("");
  });

  it("does not ask an endpoint that has moved to a private network", async () => {
    const domain = await newIceDomain();
    const settings = { kind: "cloudflare", keyId: "k", apiToken: "t", ttl: 600, endpoint: "https://10.0.0.1" } as const;
    await new IceStore(env.DIRECTORY).put(domain, settings, createKeyring([Buffer.from(String(env.SEAL_KEYS), "base64")]));
    expect((await askForServers({ Authorization: basic(`alice@${domain}`) })).status).toBe(503);
    expect(fetched).not.toHaveBeenCalled();
  });
});
