import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { hashOfApiKey, mintApiKey } from "../../platform/crypto/api-key.ts";
import { KeyStore } from "../../platform/directory/key-store.ts";
import worker from "../../workers/index.ts";
import { api } from "./support/homes.ts";
import { type NewKey, newDomain, newKey, withKey } from "./support/keys.ts";

const wrong = { type: "about:blank", title: "Unauthorized", status: 401, detail: "the bearer token is missing, wrong or expired" };
const day = 86_400_000;

async function listed(id: string): Promise<Omit<NewKey, "key"> | undefined> {
  const { keys }: { keys: readonly NewKey[] } = await (await api("/keys")).json();
  return keys.find((one) => one.id === id);
}

/** The key with another secret, and a checksum that is right. */
function forged(key: string): string {
  const beginning = key.slice(0, -49) + "A".repeat(43);
  return beginning + createHash("sha256").update(`checksum of ${beginning}`).digest("base64url").slice(0, 6);
}

/** Requests straight to the Worker, which count what D1 is asked. */
function counting(changes: object = {}) {
  const queries: string[] = [];
  const prepare = (query: string) => {
    queries.push(query);
    return env.DIRECTORY.prepare(query);
  };
  const environment = { ...env, DIRECTORY: { prepare } as unknown as D1Database, ...changes };
  const ask = async (key: string, url = "http://localhost/api/v1/domains/none.example") => {
    const context = createExecutionContext();
    const answer = await worker.fetch(new Request(url, { headers: { Authorization: `Bearer ${key}` } }), environment, context);
    await waitOnExecutionContext(context);
    return answer.status;
  };
  return { ask, queries };
}

describe("a key", () => {
  it("is shown once, when it is made, and kept as a hash", async () => {
    const domain = await newDomain();
    const expires = new Date(Date.now() + day).toISOString();
    const made = await api("/keys", {
      method: "POST",
      body: JSON.stringify({ name: "billing", domain: domain.toUpperCase(), scope: "read", expires }),
    });
    const { key, ...rest }: NewKey = await made.json();
    expect([made.status, made.headers.get("Location"), made.headers.get("Cache-Control")]).toEqual([
      201,
      `/api/v1/keys/${rest.id}`,
      "no-store",
    ]);
    expect(key).toMatch(new RegExp(`^ofh_${rest.id}_[\\w-]{49}$`));
    expect(rest).toMatchObject({ name: "billing", domain, scope: "read", expires, last_used: null });
    expect(await listed(rest.id)).toEqual(rest);
    const secret = key.slice(-49, -6);
    expect(await (await api("/keys")).text()).not.toContain(secret);
    const rows = await env.DIRECTORY.prepare("SELECT * FROM api_keys").all();
    expect(JSON.stringify(rows.results)).not.toContain(secret);
  });

  it("does what its scope says, and no more", async () => {
    const domain = await newDomain();
    const user = `/domains/${domain}/subscribers/alice`;
    const [reader, provisioner] = [await newKey({ scope: "read" }), await newKey({ scope: "provisioning", domain })];
    const refused = await withKey(reader.key, user, "PUT", { password: "long enough" });
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { title: "Forbidden", detail: "this needs a key with the scope provisioning: that of this key is read" },
    ]);
    expect((await withKey(provisioner.key, user, "PUT", { password: "long enough" })).status).toBe(201);
    expect((await withKey(reader.key, user)).status).toBe(200);
    expect((await withKey(reader.key, user, "HEAD")).status).toBe(200);
    expect((await withKey(provisioner.key, `/domains/${domain}/settings`, "PUT", { calls_out: true })).status).toBe(403);
    expect((await withKey(provisioner.key, `${user}/calls/x`, "DELETE")).status).toBe(403);
    expect((await withKey(reader.key, "/nothing")).status).toBe(404);
    expect((await withKey(reader.key, user, "PATCH")).status).toBe(405);
  });

  it("for one domain does not tell which other domains there are", async () => {
    const [domain, other] = [await newDomain(), await newDomain()];
    const { key } = await newKey({ scope: "everything", domain });
    expect((await withKey(key, `/domains/${domain.toUpperCase()}/settings`)).status).toBe(200);
    const answers = await Promise.all(
      [other, "absent.example", "not a domain"].map(async (name) => {
        const answer = await withKey(key, `/domains/${encodeURIComponent(name)}`);
        return [answer.status, await answer.text(), [...answer.headers.keys()]];
      }),
    );
    expect(answers[0]?.[0]).toBe(403);
    expect(answers[0]?.[1]).toContain(`this key is for paths of the domain ${domain} only`);
    expect([answers[1], answers[2]]).toEqual([answers[0], answers[0]]);
    const question = { domain, uri: `sip:alice@${domain}` };
    expect((await withKey(key, "/domains")).status).toBe(403);
    expect((await withKey(key, "/audit")).status).toBe(403);
    expect((await withKey(key, "/routes/test", "POST", question)).status).toBe(403);
  });

  it("ends at once when it is deleted", async () => {
    const { key, id } = await newKey({ scope: "read" });
    expect((await withKey(key, "/domains")).status).toBe(200);
    expect((await api(`/keys/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await withKey(key, "/domains")).status).toBe(401);
    expect((await api(`/keys/${id}`, { method: "DELETE" })).status).toBe(404);
    expect(await listed(id)).toBeUndefined();
  });

  it("ends at its time", async () => {
    const expires = new Date(Date.now() + day);
    const { key } = await newKey({ scope: "read", expires: expires.toISOString() });
    const statusAt = async (at: number) => {
      vi.spyOn(Date, "now").mockReturnValue(at);
      const { status } = await withKey(key, "/domains");
      vi.restoreAllMocks();
      return status;
    };
    expect([await statusAt(expires.getTime() - 1), await statusAt(expires.getTime())]).toEqual([200, 401]);
  });

  it("is deleted 90 days after its end", async () => {
    const store = new KeyStore(env.DIRECTORY);
    const ended = async (days: number) => {
      const { id, text } = mintApiKey();
      const key = { id, name: "old", domain: undefined, scope: "read", createdAt: 1, expiresAt: Date.now() - days * day } as const;
      await store.insert(key, hashOfApiKey(text));
      return id;
    };
    const [recent, old] = [await ended(89), await ended(91)];
    await worker.scheduled(createScheduledController(), env);
    expect([(await listed(recent))?.id, await listed(old)]).toEqual([recent, undefined]);
  });

  it("ends with its domain, also if there is a new one of that name", async () => {
    const domain = await newDomain();
    const [{ key, id }, { key: general }] = [await newKey({ scope: "everything", domain }), await newKey({ scope: "read" })];
    expect((await withKey(key, `/domains/${domain}`, "DELETE")).status).toBe(204);
    await api(`/domains/${domain}`, { method: "PUT" });
    expect((await withKey(key, `/domains/${domain}`)).status).toBe(401);
    expect(await listed(id)).toBeUndefined();
    expect((await withKey(general, `/domains/${domain}`)).status).toBe(200);
  });

  it("has the day of its last use, which is written once", async () => {
    const { key, id } = await newKey({ scope: "read" });
    const { ask, queries } = counting();
    const writes = () => queries.filter((query) => query.startsWith("UPDATE api_keys")).length;
    const today = new Date().toISOString().slice(0, 10);
    expect([await ask(key), await ask(key), await ask(key)]).toEqual([404, 404, 404]);
    expect([writes(), (await listed(id))?.last_used]).toEqual([1, today]);
    await env.DIRECTORY.prepare("UPDATE api_keys SET last_used_at = ? WHERE id = ?")
      .bind(Date.now() - 2 * day, id)
      .run();
    await ask(key);
    expect([writes(), (await listed(id))?.last_used]).toEqual([2, today]);
  });

  it("works also if its use cannot be noted", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { key } = await newKey({ scope: "read" });
    const failing = { bind: () => failing, run: () => Promise.reject(new Error("D1_ERROR: Network connection lost.")) };
    const prepare = (query: string) => (query.startsWith("UPDATE api_keys") ? failing : env.DIRECTORY.prepare(query));
    expect(await counting({ DIRECTORY: { prepare } }).ask(key)).toBe(404);
    expect(JSON.stringify(log.mock.calls)).not.toContain(key);
    expect(JSON.stringify(log.mock.calls)).toContain("the use of a key could not be noted");
    log.mockRestore();
  });
});

describe("a wrong key", () => {
  it("is answered as a wrong ADMIN_TOKEN is, whatever is wrong with it", async () => {
    const { key, id } = await newKey({ scope: "read" });
    const { id: gone, text: expired } = mintApiKey();
    await new KeyStore(env.DIRECTORY).insert(
      { id: gone, name: "x", domain: undefined, scope: "read", createdAt: 1, expiresAt: 2 },
      hashOfApiKey(expired),
    );
    const typo = `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`;
    const unknown = mintApiKey().text;
    for (const token of ["wrong", typo, `ofh_${id}_`, key.toUpperCase(), `${key}A`, unknown, forged(key), expired]) {
      const answer = await withKey(token, "/domains");
      expect([answer.status, answer.headers.get("WWW-Authenticate"), await answer.json()]).toEqual([401, "Bearer", wrong]);
    }
    expect((await withKey(key, "/domains")).status).toBe(200);
  });

  it("asks nothing of D1 without the checksum, one row with it, and is counted with the connections of its address", async () => {
    const { ask, queries } = counting();
    const { key } = await newKey({ scope: "read" });
    for (const token of ["x".repeat(5000), `${key.slice(0, -6)}AAAAAA`, "ofh_' OR 1=1--"]) expect(await ask(token)).toBe(401);
    expect(queries).toEqual([]);
    expect(await ask(mintApiKey().text)).toBe(401);
    expect(queries).toEqual(["SELECT * FROM api_keys WHERE id = ?"]);
    const limited = counting({ CONNECTION_RATE: { limit: async () => ({ success: false }) } });
    expect([await limited.ask(mintApiKey().text), await limited.ask(forged(key)), await limited.ask("wrong")]).toEqual([429, 429, 401]);
    expect(limited.queries).toEqual([]);
  });

  it("does not count against a script whose key was right before", async () => {
    const { key, id } = await newKey({ scope: "read" });
    const limited = counting({ CONNECTION_RATE: { limit: async () => ({ success: false }) } });
    expect(await limited.ask(key)).toBe(429);
    expect(await counting().ask(key)).toBe(404);
    expect(await limited.ask(key)).toBe(404);
    await api(`/keys/${id}`, { method: "DELETE" });
    expect([await limited.ask(key), await limited.ask(key)]).toEqual([401, 429]);
  });

  it("is not looked at without TLS, or without an ADMIN_TOKEN", async () => {
    const { key } = await newKey({ scope: "read" });
    const { LOCAL_DEVELOPMENT: _here, ADMIN_TOKEN: _taken, ...deployed } = env;
    const remote = counting({ ...deployed, LOCAL_DEVELOPMENT: "false", ADMIN_TOKEN: "test-admin-token" });
    expect(await remote.ask(key)).toBe(403);
    expect(await counting({ ADMIN_TOKEN: "" }).ask(key)).toBe(503);
  });
});

describe("keys are made", () => {
  it.each([
    ["no name", { name: undefined, scope: "read" }],
    ["an empty name", { name: "", scope: "read" }],
    ["a name of 65 characters", { name: "x".repeat(65), scope: "read" }],
    ["a name with controls", { name: "a\nb", scope: "read" }],
    ["no scope", {}],
    ["an unknown scope", { scope: "write" }],
    ["several scopes", { scope: ["read", "calls"] }],
    ["a domain that does not exist", { scope: "read", domain: "absent.example" }],
    ["a domain that is none", { scope: "read", domain: "" }],
    ["a time in the past", { scope: "read", expires: "2020-01-01T00:00:00Z" }],
    ["a time that is none", { scope: "read", expires: "soon" }],
    ["an unknown member", { scope: "read", key: "ofh_mine" }],
  ])("not with %s: 400", async (_what, body) => {
    const answer = await api("/keys", { method: "POST", body: JSON.stringify({ name: "test", ...body }) });
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([400, "application/problem+json"]);
  });

  it("not by keys that may do less: 403", async () => {
    const domain = await newDomain();
    const mine = [{ scope: "read" }, { scope: "calls" }, { scope: "provisioning" }, { scope: "everything", domain }];
    for (const one of mine) {
      const { key, id } = await newKey(one);
      for (const wanted of [one, { scope: "everything" }])
        expect((await withKey(key, "/keys", "POST", { name: "more", ...wanted })).status).toBe(403);
      expect((await withKey(key, "/keys")).status).toBe(403);
      expect((await withKey(key, `/keys/${id}`, "DELETE")).status).toBe(403);
    }
  });

  it("by a key for everything, but none that is valid longer: 403", async () => {
    const expires = new Date(Date.now() + day).toISOString();
    const { key } = await newKey({ scope: "everything", expires });
    const make = async (body: object) => (await withKey(key, "/keys", "POST", { name: "next", scope: "everything", ...body })).status;
    expect(await make({})).toBe(403);
    expect(await make({ expires: new Date(Date.parse(expires) + 1).toISOString() })).toBe(403);
    expect(await make({ expires })).toBe(201);
    const { key: endless } = await newKey({ scope: "everything" });
    expect((await withKey(endless, "/keys", "POST", { name: "next", scope: "everything" })).status).toBe(201);
  });

  it("up to 1000: then 409", async () => {
    const fill = `INSERT INTO api_keys (id, hash, name, domain, scope, created_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
      SELECT i + 1 FROM n WHERE i < 1000) SELECT 'filler' || i, '', '', '', 'read', 0 FROM n`;
    await env.DIRECTORY.prepare(fill).run();
    const answer = await api("/keys", { method: "POST", body: JSON.stringify({ name: "one more", scope: "read" }) });
    await env.DIRECTORY.prepare("DELETE FROM api_keys WHERE id LIKE 'filler%'").run();
    expect(answer.status).toBe(409);
  });
});

describe("a key of one domain", () => {
  it("may not let a peer or a trunk assert identities of all domains, and may keep what an administrator has set", async () => {
    const domain = await newDomain();
    const { key } = await newKey({ domain, scope: "everything" });
    const [peer, trunk] = [`/domains/${domain}/peers/office`, `/domains/${domain}/trunks/carrier`];
    const bodies = (trusted: boolean) =>
      [
        [peer, { token: "x".repeat(32), domains: ["peer-of-keys.example"], trusted }],
        [trunk, { server: "sip:carrier.example", prefixes: ["+1"], trusted }],
      ] as const;
    for (const [path, body] of bodies(true)) {
      const answer = await withKey(key, path, "PUT", body);
      expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([403, expect.stringContaining("trusted")]);
    }
    for (const [path, body] of bodies(false)) expect((await withKey(key, path, "PUT", body)).status).toBe(200);
    for (const [path, body] of bodies(true)) {
      expect((await api(path, { method: "PUT", body: JSON.stringify(body) })).status).toBe(200);
      expect((await withKey(key, path, "PUT", body)).status).toBe(200);
    }
  });

  it.each<[string, string, object, object]>([
    ["a peer with another token", "peers", { token: "x".repeat(32), domains: ["one.example"] }, { token: "y".repeat(32) }],
    ["a peer with another certificate", "peers", { token: "x".repeat(32), domains: ["one.example"] }, { certificate: "ab".repeat(32) }],
    ["a peer of another domain", "peers", { token: "x".repeat(32), domains: ["one.example"] }, { domains: ["two.example"] }],
    ["a trunk to another server", "trunks", { server: "sip:carrier.example" }, { server: "sip:elsewhere.example" }],
    ["a trunk with another account", "trunks", { server: "sip:carrier.example" }, { username: "mallory", password: "secret" }],
  ])("may not turn what an administrator has trusted into another server: %s", async (_name, kind, body, change) => {
    const domain = await newDomain();
    const { key } = await newKey({ domain, scope: "everything" });
    const path = `/domains/${domain}/${kind}/office`;
    // A token belongs to one peer of all domains.
    const own = "token" in body ? { ...body, token: `${domain}${"x".repeat(20)}` } : body;
    const trusted = { ...own, trusted: true };
    expect((await api(path, { method: "PUT", body: JSON.stringify(trusted) })).status).toBe(200);
    const answer = await withKey(key, path, "PUT", { ...trusted, ...change });
    expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([403, expect.stringContaining("trusted")]);
    expect((await withKey(key, path, "PUT", trusted)).status).toBe(200);
    expect((await withKey(key, path, "PUT", { ...trusted, ...change, trusted: false })).status).toBe(200);
  });
});
