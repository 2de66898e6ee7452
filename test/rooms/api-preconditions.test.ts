import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import worker from "../../workers/index.ts";
import { api } from "./support/homes.ts";
import { newDomain, newKey, withKey } from "./support/keys.ts";

const put = (path: string, body: object, headers: Record<string, string> = {}) =>
  api(path, {
    method: "PUT",
    body: JSON.stringify(body),
    headers: { Authorization: "Bearer test-admin-token", "Content-Type": "application/json", ...headers },
  });
const user = { password: "long enough" };
const tagOf = async (path: string) => (await api(path)).headers.get("ETag") ?? "";
const withTag = (path: string, name: "If-Match" | "If-None-Match", tag: string, method = "GET") =>
  api(path, { method, headers: { Authorization: "Bearer test-admin-token", [name]: tag } });

describe("an ETag", () => {
  it("is in each JSON answer to a GET, changes with the answer, and saves it", async () => {
    const path = `/domains/${await newDomain()}/subscribers/alice`;
    await put(path, user);
    const first = await tagOf(path);
    expect(first).toMatch(/^"[\w-]{22}"$/);
    const same = await withTag(path, "If-None-Match", `"x", ${first}`);
    expect([same.status, await same.text(), same.headers.get("ETag")]).toEqual([304, "", first]);
    await put(path, { displayName: "Alice" });
    expect(await tagOf(path)).not.toBe(first);
    expect((await withTag(path, "If-None-Match", first)).status).toBe(200);
  });

  it("lets only that change happen which was made of what is there", async () => {
    const path = `/domains/${await newDomain()}/subscribers/alice`;
    await put(path, user);
    const tag = await tagOf(path);
    expect((await put(path, { displayName: "One" }, { "If-Match": tag })).status).toBe(200);
    const refused = await put(path, { displayName: "Two" }, { "If-Match": tag });
    expect([refused.status, ((await refused.json()) as { title: string }).title]).toEqual([412, "Precondition Failed"]);
    expect(await (await api(path)).json()).toMatchObject({ displayName: "One" });
    expect((await withTag(path, "If-Match", tag, "DELETE")).status).toBe(412);
    expect((await withTag(path, "If-Match", await tagOf(path), "DELETE")).status).toBe(204);
    expect((await put(path, user, { "If-Match": "*" })).status).toBe(412);
  });

  it("makes no difference between a new resource and an old one, unless If-None-Match asks for a new one", async () => {
    const path = `/domains/${await newDomain()}/subscribers/alice`;
    expect((await put(path, user, { "If-None-Match": "*" })).status).toBe(201);
    expect((await put(path, user, { "If-None-Match": "*" })).status).toBe(412);
  });

  it.each([
    ["trunks", { server: "sip:carrier.example", prefixes: ["+1"] }],
    ["peers", { token: "x".repeat(32), domains: ["peer-of-preconditions.example"] }],
    ["routes", { action: { kind: "reject", status: 403 } }],
  ])("is there for one of the %s", async (kind, body) => {
    const path = `/domains/${await newDomain()}/${kind}/one`;
    expect((await api(path)).status).toBe(404);
    expect((await put(path, body, { "If-None-Match": "*" })).status).toBe(200);
    const tag = await tagOf(path);
    expect(await (await api(path)).json()).toMatchObject({ name: "one" });
    expect((await put(path, body, { "If-Match": tag })).status).toBe(200);
    expect((await put(path, body, { "If-Match": '"x"' })).status).toBe(412);
  });

  it("tells a key nothing that it may not read", async () => {
    const [domain, other] = [await newDomain(), await newDomain()];
    const { key } = await newKey({ scope: "provisioning", domain });
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "If-None-Match": "*" };
    for (const path of [`/domains/${other}`, `/domains/none.example`])
      expect((await api(path, { method: "PUT", headers })).status).toBe(403);
    expect((await withKey(key, `/domains/${domain}/subscribers/alice`, "PUT", user)).status).toBe(201);
  });

  it("counts for keys of a server that is deployed, over TLS", async () => {
    const domain = await newDomain();
    const { key } = await newKey({ scope: "everything", domain });
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "If-None-Match": "*" };
    const body = JSON.stringify(user);
    const url = `https://sip.example/api/v1/domains/${domain}/subscribers/alice`;
    const context = createExecutionContext();
    const send = () => worker.fetch(new Request(url, { method: "PUT", headers, body }), { ...env, LOCAL_DEVELOPMENT: "false" }, context);
    expect([(await send()).status, (await send()).status]).toEqual([201, 412]);
  });

  it.each(["x", '"a" "b"', '*, "x"', '"a'])("is refused if it is malformed: %j", async (tag) => {
    const path = `/domains/${await newDomain()}/subscribers/alice`;
    for (const name of ["If-Match", "If-None-Match"]) expect((await put(path, user, { [name]: tag })).status).toBe(400);
    expect((await api(path)).status).toBe(404);
  });

  it("is refused where there is no GET", async () => {
    const { id } = await newKey({ scope: "read" });
    expect((await withTag(`/keys/${id}`, "If-Match", '"x"', "DELETE")).status).toBe(412);
    expect((await api(`/keys/${id}`, { method: "DELETE" })).status).toBe(204);
  });
});
