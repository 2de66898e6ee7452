import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { AuditStore, auditId } from "../../platform/directory/audit-store.ts";
import worker from "../../workers/index.ts";
import { api, newcomers } from "./support/homes.ts";
import { newDomain, newKey, withKey } from "./support/keys.ts";

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly domain: string | null;
  readonly actor: object;
  readonly action: string;
  readonly target: string;
  readonly status: number;
}

interface Page {
  readonly entries: readonly Entry[];
  readonly next_cursor: string | null;
}

const page = async (path: string): Promise<Page> => (await api(path)).json();
const ofDomain = async (domain: string, query = ""): Promise<readonly Entry[]> => (await page(`/domains/${domain}/audit${query}`)).entries;
const brief = (entries: readonly Entry[]) => entries.map(({ actor, action, target, status }) => [actor, action, target, status]).reverse();
const put = (path: string, body: object) => api(path, { method: "PUT", body: JSON.stringify(body) });
const administrator = { kind: "administrator" };

/** An entry, as if it had been written at this time. */
async function written(domain: string, at: number): Promise<void> {
  const id = auditId(at, 0, "abcdefgh");
  await new AuditStore(env.DIRECTORY).insert({
    ...{ id, at, domain, actor: { kind: "administrator" }, action: "putDomain", target: "", status: 200 },
  });
}

describe("the audit log", () => {
  it("has each change: who, what, on what, with which result", async () => {
    const domain = await newDomain();
    const { key, id } = await newKey({ name: "provisioning script", scope: "provisioning", domain });
    const path = `/domains/${domain}/subscribers/alice`;
    await put(path, { password: "a secret password" });
    await withKey(key, `${path}/rules`, "PUT", { forward: { always: "sip:x@example.org" } });
    await withKey(key, path, "DELETE");
    await expect.poll(async () => (await ofDomain(domain)).length).toBe(4);
    const entries = await ofDomain(domain);
    expect(brief(entries)).toEqual([
      [administrator, "putDomain", `/domains/${domain}`, 201],
      [administrator, "putSubscriber", path, 201],
      [{ kind: "key", id, name: "provisioning script" }, "putRules", `${path}/rules`, expect.any(Number)],
      [{ kind: "key", id, name: "provisioning script" }, "deleteSubscriber", path, 204],
    ]);
    expect(entries.every((entry) => entry.domain === domain && Math.abs(Date.parse(entry.at) - Date.now()) < 60_000)).toBe(true);
    const rows = await env.DIRECTORY.prepare("SELECT * FROM audit").all();
    for (const secret of ["a secret password", key, key.slice(-49), "example.org"])
      expect(JSON.stringify(rows.results)).not.toContain(secret);
  });

  it("has what users change with their own password", async () => {
    const [alice] = await newcomers("alice");
    const path = `/domains/localhost/subscribers/${alice}/lists/friends`;
    const headers = { Authorization: `Basic ${btoa(`${alice}:offhook`)}`, "Content-Type": "application/json" };
    expect((await api(path, { method: "PUT", headers, body: '{"entries":[]}' })).status).toBe(201);
    const actor = { kind: "subscriber", name: `${alice}@localhost` };
    await expect.poll(async () => brief(await ofDomain("localhost", "?limit=1"))).toEqual([[actor, "putListOfSubscriber", path, 201]]);
  });

  it("has no reading, and no change that its own content or the present state ruled out", async () => {
    const domain = await newDomain();
    await api(`/domains/${domain}/subscribers`);
    await put(`/domains/${domain}/subscribers/alice`, { password: "short" });
    await api(`/domains/${domain}/subscribers/alice`, { method: "DELETE" });
    await api("/routes/test", { method: "POST", body: JSON.stringify({ domain, uri: `sip:alice@${domain}` }) });
    await put(`/domains/${domain}/settings`, {});
    await expect.poll(async () => brief(await ofDomain(domain)).map(([, action]) => action)).toEqual(["putDomain", "putDomainSettings"]);
    expect((await page("/audit?limit=1000")).entries.map(({ action }) => action)).not.toContain("testRoutes");
  });

  it("has changes that were refused to a key, in the domain of the key", async () => {
    const [domain, other] = [await newDomain(), await newDomain()];
    const { key, id } = await newKey({ name: "curious", scope: "read", domain });
    await withKey(key, `/domains/${other}/subscribers/alice`, "PUT", { password: "long enough" });
    const actor = { kind: "key", id, name: "curious" };
    const refused = [actor, "putSubscriber", `/domains/${other}/subscribers/alice`, 403];
    await expect.poll(async () => brief(await ofDomain(domain, "?limit=1"))).toEqual([refused]);
    expect((await ofDomain(other)).map(({ action }) => action)).toEqual(["putDomain"]);
  });

  it("has changes that were refused because of what they ask for", async () => {
    const domain = await newDomain();
    const { key, id } = await newKey({ name: "owner", scope: "everything", domain });
    const path = `/domains/${domain}/peers/friend`;
    const answer = await withKey(key, path, "PUT", { token: "x".repeat(32), domains: ["friend.example"], trusted: true });
    expect(answer.status).toBe(403);
    const actor = { kind: "key", id, name: "owner" };
    await expect.poll(async () => brief(await ofDomain(domain, "?limit=1"))).toEqual([[actor, "putPeer", path, 403]]);
  });

  it("has sixty of the changes that were refused to a key at once, and one more a second later", async () => {
    const domain = await newDomain();
    const { key } = await newKey({ scope: "read", domain });
    const now = Date.now();
    const refusedAt = async (at: number, times: number) => {
      vi.spyOn(Date, "now").mockReturnValue(at);
      for (let count = 0; count < times; count += 1) expect((await withKey(key, `/domains/${domain}`, "DELETE")).status).toBe(403);
      vi.restoreAllMocks();
    };
    await refusedAt(now, 70);
    await refusedAt(now + 1000, 3);
    await put(`/domains/${domain}/settings`, {});
    const actions = async () => (await ofDomain(domain)).map(({ action }) => action);
    await expect.poll(actions).toContain("putDomainSettings");
    await expect.poll(async () => (await actions()).filter((action) => action === "deleteDomain").length).toBe(61);
  });

  it("has an export of users, which gives away the hashes of their passwords", async () => {
    const domain = await newDomain();
    await (await api(`/domains/${domain}/subscribers.ndjson`)).text();
    await expect.poll(async () => (await ofDomain(domain, "?limit=1"))[0]?.action).toBe("exportSubscribers");
  });

  it("cuts long paths", async () => {
    const domain = await newDomain();
    const { key } = await newKey({ scope: "read", domain });
    await withKey(key, `/domains/${"x".repeat(5000)}`, "PUT");
    await expect.poll(async () => (await ofDomain(domain, "?limit=1"))[0]?.target).toBe(`/domains/${"x".repeat(503)}`);
  });

  it("names the key that was made, or deleted, and not its secret", async () => {
    const { id } = await newKey({ scope: "read" });
    await api(`/keys/${id}`, { method: "DELETE" });
    const found = async () => (await page("/audit?limit=50")).entries.filter(({ target }) => target === `/keys/${id}`);
    await expect
      .poll(async () => brief(await found()))
      .toEqual([
        [administrator, "addKey", `/keys/${id}`, 201],
        [administrator, "deleteKey", `/keys/${id}`, 204],
      ]);
    expect((await found()).map(({ domain }) => domain)).toEqual([null, null]);
  });

  it("is pages, the newest first, since a time", async () => {
    const domain = await newDomain();
    const start = Date.now() + 3_600_000;
    for (let number = 0; number < 5; number += 1) await written(domain, start + number);
    const path = `/domains/${domain}/audit?limit=2&since=${new Date(start).toISOString()}`;
    const first = await page(path);
    const second = await page(`${path}&cursor=${first.next_cursor}`);
    const last = await page(`${path}&cursor=${second.next_cursor}`);
    const times = [first, second, last].map(({ entries }) => entries.map(({ at }) => Date.parse(at) - start));
    expect([times, last.next_cursor]).toEqual([[[4, 3], [2, 1], [0]], null]);
    expect((await page(`/audit?limit=2&since=${new Date(start).toISOString()}`)).entries.map(({ id }) => id)).toEqual(
      first.entries.map(({ id }) => id),
    );
    await env.DIRECTORY.prepare("DELETE FROM audit WHERE at >= ?").bind(start).run();
  });

  it.each(["limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=%27--", "since=yesterday", "until=2026-01-01T00:00:00Z"])(
    "takes no query %s: 400",
    async (query) => {
      const domain = await newDomain();
      expect([(await api(`/audit?${query}`)).status, (await api(`/domains/${domain}/audit?${query}`)).status]).toEqual([400, 400]);
    },
  );

  it("is read by keys: that of a domain by its keys, all by keys for all domains", async () => {
    const [domain, other] = [await newDomain(), await newDomain()];
    const [{ key }, { key: general }] = [await newKey({ scope: "read", domain }), await newKey({ scope: "read" })];
    const status = async (token: string, path: string) => (await withKey(token, path)).status;
    expect(await status(key, `/domains/${domain}/audit`)).toBe(200);
    expect([await status(key, `/domains/${other}/audit`), await status(key, "/audit")]).toEqual([403, 403]);
    expect([await status(general, `/domains/${other}/audit`), await status(general, "/audit")]).toEqual([200, 200]);
    expect(await status(general, "/domains/absent.example/audit")).toBe(404);
    expect(await status("wrong", `/domains/${domain}/audit`)).toBe(401);
  });

  it("of a domain has nothing of a deleted domain of that name; that of all domains has it", async () => {
    const domain = await newDomain();
    await put(`/domains/${domain}/settings`, {});
    await api(`/domains/${domain}`, { method: "DELETE" });
    const all = async () => (await page("/audit?limit=100")).entries.filter((entry) => entry.domain === domain).map(({ action }) => action);
    await expect.poll(all).toEqual(["deleteDomain", "putDomainSettings", "putDomain"]);
    await api(`/domains/${domain}`, { method: "PUT" });
    await expect.poll(async () => (await ofDomain(domain)).map(({ action }) => action)).toEqual(["putDomain"]);
  });

  it("is kept for 90 days", async () => {
    const [old, recent] = [Date.now() - 91 * 86_400_000, Date.now() - 89 * 86_400_000];
    for (const at of [old, recent]) await written("old.example", at);
    await worker.scheduled(createScheduledController(), env);
    const rows = await env.DIRECTORY.prepare("SELECT at FROM audit WHERE domain = 'old.example'").all<{ at: number }>();
    expect(rows.results.map(({ at }) => at)).toEqual([recent]);
  });
});

describe("an answer", () => {
  const answered = async (domain: string, write: () => Promise<never>) => {
    const failing = { bind: () => failing, run: write };
    const prepare = (query: string) => (query.startsWith("INSERT INTO audit") ? failing : env.DIRECTORY.prepare(query));
    const headers = { Authorization: "Bearer test-admin-token" };
    const request = new Request(`http://localhost/api/v1/domains/${domain}`, { method: "PUT", headers });
    const context = createExecutionContext();
    const { status } = await worker.fetch(request, { ...env, DIRECTORY: { prepare } as unknown as D1Database }, context);
    return { status, context };
  };

  it("does not wait for the audit log", async () => {
    expect((await answered("slow-audit.example", () => new Promise<never>(() => undefined))).status).toBe(201);
  });

  it("does not fail with it", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { status, context } = await answered("no-audit.example", () => Promise.reject(new Error("D1_ERROR: Network connection lost.")));
    await waitOnExecutionContext(context);
    expect([status, JSON.stringify(log.mock.calls)]).toEqual([201, expect.stringContaining("the audit log could not be written")]);
    log.mockRestore();
  });
});
