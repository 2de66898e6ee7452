import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, newcomers } from "./support/homes.ts";

const path = (username: string, watcher = ""): string =>
  `/domains/localhost/subscribers/${username}/watchers${watcher === "" ? "" : `/${encodeURIComponent(watcher)}`}`;
const basic = (username: string, password: string) => `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

/** As the subscriber himself. */
function asOwner(at: string, username: string, init: RequestInit = {}, password = "offhook"): Promise<Response> {
  const headers = { Authorization: basic(username, password), "Content-Type": "application/json" };
  return exports.default.fetch(`http://localhost/api/v1${at}`, { headers, ...init });
}
const allow = { method: "PUT", body: JSON.stringify({ permission: "allow" }) };

describe("who may watch a subscriber", () => {
  it("is nobody's rule at first", async () => {
    const [alice] = await newcomers("alice");
    expect(await (await api(path(alice))).json()).toEqual({ watchers: {} });
  });

  it("is said by an administrator, one watcher at a time, and stands in the rules", async () => {
    const [alice] = await newcomers("alice");
    expect((await api(path(alice, "SIP:Carol@EXAMPLE.com"), allow)).status).toBe(200);
    expect(await (await api(`/domains/localhost/subscribers/${alice}/rules`)).json()).toMatchObject({
      watching: { watchers: { "Carol@example.com": "allow" } },
    });
  });

  it("is said by the subscriber himself, with his password (RFC 7617)", async () => {
    const [alice] = await newcomers("alice");
    expect((await asOwner(path(alice, "carol@localhost"), alice, allow)).status).toBe(200);
    expect(await (await asOwner(path(alice), alice)).json()).toEqual({ watchers: { "carol@localhost": "allow" } });
    expect((await asOwner(path(alice, "carol@localhost"), alice, { method: "DELETE" })).status).toBe(204);
    expect((await asOwner(path(alice, "carol@localhost"), alice, { method: "DELETE" })).status).toBe(404);
  });

  it("is all kept that is said at the same time", async () => {
    const [alice] = await newcomers("alice");
    const names = Array.from({ length: 10 }, (_none, index) => `w${index}@example.com`);
    const statuses = await Promise.all(names.map(async (name) => (await api(path(alice, name), allow)).status));
    expect(statuses).toEqual(names.map(() => 200));
    expect(await (await api(path(alice))).json()).toEqual({ watchers: Object.fromEntries(names.map((name) => [name, "allow"])) });
  });

  it("is not said by others, nor with a wrong password: 401", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    expect((await asOwner(path(alice, "carol@localhost"), alice, allow, "guess")).status).toBe(401);
    expect((await asOwner(path(alice, "carol@localhost"), bob, allow)).status).toBe(401);
    expect((await asOwner(path("nobody", "carol@localhost"), "nobody", allow)).status).toBe(401);
  });

  it("is not said by a path that is malformed: 400", async () => {
    const [alice] = await newcomers("alice");
    expect((await asOwner("/domains/localhost/subscribers/%E0%A4%A/watchers", alice)).status).toBe(400);
  });

  it("is all that a subscriber may say: 401 elsewhere", async () => {
    const [alice] = await newcomers("alice");
    expect((await asOwner(`/domains/localhost/subscribers/${alice}/rules`, alice)).status).toBe(401);
    expect((await asOwner("/domains", alice)).status).toBe(401);
  });

  it.each([
    ["a permission that is none", "carol@localhost", { permission: "perhaps" }],
    ["a watcher that is nobody", "not a name", { permission: "allow" }],
  ])("refuses %s: 400", async (_name, watcher, body) => {
    const [alice] = await newcomers("alice");
    const answer = await api(path(alice, watcher), { method: "PUT", body: JSON.stringify(body) });
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([400, "application/problem+json"]);
  });
});
