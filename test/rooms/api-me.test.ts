import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { CallRecord } from "../../lib/proxy/call-record/call-record.ts";
import { CallStore } from "../../platform/directory/call-store.ts";
import worker from "../../workers/index.ts";
import { api, newcomers } from "./support/homes.ts";
import { basic } from "./support/ice.ts";

const ask = (path: string, headers: Record<string, string>, settings: object = {}, init: RequestInit = {}) =>
  worker.fetch(new Request(`http://localhost/api/v1${path}`, { headers, ...init }), { ...env, ...settings }, createExecutionContext());

async function tokenOf(account: string): Promise<string> {
  const answer = await api(`/domains/localhost/subscribers/${account}/tokens`, { method: "POST", body: "{}" });
  return `Bearer ${((await answer.json()) as { readonly token: string }).token}`;
}

const started = Date.UTC(2026, 0, 5, 12);
function record(number: number, changes: Partial<CallRecord>): CallRecord {
  const at = started + number * 1000;
  return {
    ...{ id: `${at.toString(36)}-${"A".repeat(11)}${number}`, callId: `call-${number}`, domains: ["localhost"], forwarded: ["x@y"] },
    ...{ from: "<sip:x@localhost>;tag=1", to: "<sip:x@localhost>", dialled: "sip:x@localhost", caller: "", callee: "" },
    ...{ started: at, ended: at + 30_000, outcome: "answered", status: 200, reason: "OK", why: "a secret of the other side" },
    ...{ endedBy: "caller", devices: [], timeline: [{ at, event: "invite" }] },
    ...changes,
  };
}

describe("a user at /me", () => {
  it("is who the token or the password says", async () => {
    const [alice] = await newcomers("alice");
    for (const authorization of [await tokenOf(alice), basic(`${alice}@localhost`)]) {
      const answer = await ask("/me", { Authorization: authorization });
      expect([answer.status, answer.headers.get("Cache-Control"), await answer.json()]).toEqual([
        200,
        "no-store",
        { address: `${alice}@localhost` },
      ]);
    }
    const wrong = await ask("/me", { Authorization: basic(`${alice}@localhost`, "guess") });
    const none = await ask("/me", {});
    expect([wrong.status, none.status]).toEqual([401, 401]);
  });

  it("may be tried by an administrator, who names the user", async () => {
    const [alice] = await newcomers("alice");
    const statuses = ["", "?user=alice", `?user=${alice}&domain=localhost`, "?user=nobody&domain=localhost"].map(
      async (query) => (await api(`/me${query}`)).status,
    );
    expect(await Promise.all(statuses)).toEqual([400, 400, 200, 404]);
  });

  it("reads the user's own calls, the newest first, in pages, and not what happened at the other side", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [own, other] = [`${alice}@localhost`, `${bob}@localhost`];
    await new CallStore(env.DIRECTORY).insert(
      [
        record(1, { caller: own, callee: other, dialled: `sip:${other};gr=urn:uuid:1`, answered: started + 6000 }),
        record(2, { callee: own, from: '"Shop" <sip:+4930123@trunk.example>;tag=1', outcome: "missed" }),
        record(3, { caller: other, callee: "carol@localhost" }),
      ],
      started + 60_000,
    );
    const authorization = { Authorization: await tokenOf(alice) };
    const first = await (await ask("/me/calls?limit=1", authorization)).json<{ calls: { id: string }[]; next_cursor: string }>();
    const second = await (await ask(`/me/calls?cursor=${first.next_cursor}`, authorization)).json<{ calls: object[] }>();
    const shown = { ended: expect.any(String), started: expect.any(String), id: expect.any(String) };
    expect([first.calls, second]).toEqual([
      [{ ...shown, direction: "incoming", peer: "+4930123@trunk.example", answered: null, seconds: 0, outcome: "missed" }],
      {
        calls: [{ ...shown, direction: "outgoing", peer: other, answered: "2026-01-05T12:00:06.000Z", seconds: 25, outcome: "answered" }],
        next_cursor: null,
      },
    ]);
  });

  it("allows and blocks watchers by a token, in the rules of that user, and the audit log has it", async () => {
    const [alice] = await newcomers("alice");
    const headers = { Authorization: await tokenOf(alice), "Content-Type": "application/json" };
    const put = { method: "PUT", body: JSON.stringify({ permission: "block" }) };
    expect((await ask("/me/watchers/carol@example.com", headers, {}, put)).status).toBe(200);
    const rules = await api(`/domains/localhost/subscribers/${alice}/watchers`);
    expect(await rules.json()).toMatchObject({ watchers: { "carol@example.com": "block" } });
    const audited = async () => {
      const { entries } = await (await api("/domains/localhost/audit")).json<{ entries: { action: string; actor: { name?: string } }[] }>();
      return entries.find(({ action, actor }) => action === "putMyWatcher" && actor.name === `${alice}@localhost`) !== undefined;
    };
    await expect.poll(audited).toBe(true);
  });

  it("is for pages of other origins, as far as ALLOWED_ORIGINS goes", async () => {
    const [alice] = await newcomers("alice");
    const headers = { Origin: "https://app.example.com", Authorization: await tokenOf(alice) };
    for (const path of ["/me", "/me/calls"]) {
      const [allowed, refused] = [
        await ask(path, headers, { ALLOWED_ORIGINS: "https://app.example.com" }),
        await ask(path, headers, { ALLOWED_ORIGINS: "https://other.example" }),
      ];
      expect([allowed.status, allowed.headers.get("Access-Control-Allow-Origin")]).toEqual([200, "https://app.example.com"]);
      expect([refused.status, refused.headers.get("Access-Control-Allow-Origin")]).toEqual([403, null]);
    }
    const asks = { Origin: "https://app.example.com", "Access-Control-Request-Method": "PUT" };
    const preflight = await ask("/me/watchers/bob@localhost", asks, {}, { method: "OPTIONS" });
    expect([preflight.status, preflight.headers.get("Access-Control-Allow-Methods")]).toEqual([204, "GET, PUT"]);
  });
});
