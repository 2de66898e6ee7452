import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createKeyring } from "../../platform/crypto/keyring.ts";
import { MediaStore } from "../../platform/directory/media-store.ts";
import { api } from "./support/homes.ts";

const workerFetch = globalThis.fetch;
afterEach(() => vi.stubGlobal("fetch", workerFetch));

let domains = 0;
async function newDomain(): Promise<string> {
  domains += 1;
  await api(`/domains/media-${domains}.example`, { method: "PUT" });
  return `media-${domains}.example`;
}

const put = (domain: string, body: object, name = "frankfurt") =>
  api(`/domains/${domain}/media/${name}`, { method: "PUT", body: JSON.stringify(body) });
const stored = async (domain: string) =>
  (await env.DIRECTORY.prepare("SELECT settings FROM media_services WHERE domain = ?").bind(domain).first<string>("settings")) ?? "";
const detailOf = async (response: Response) => [response.status, ((await response.json()) as { detail: string }).detail];
const service = { kind: "rtpengine", url: "https://1.1.1.1/ng" };

describe("the media services of a domain", () => {
  it("are stored, listed and deleted; the secret is in no answer, and sealed in the database", async () => {
    const domain = await newDomain();
    const answers = [await put(domain, { ...service, secret: "hush-hush" }), await api(`/domains/${domain}/media/frankfurt`)];
    for (const answer of answers) expect(await answer.text()).not.toContain("hush");
    expect(await stored(domain)).not.toContain("hush");
    expect(await (await api(`/domains/${domain}/media`)).json()).toEqual({
      services: [{ name: "frankfurt", ...service, priority: 1, lost: false }],
    });
    expect((await api(`/domains/${domain}/media/frankfurt`, { method: "DELETE" })).status).toBe(204);
    expect((await api(`/domains/${domain}/media/frankfurt`)).status).toBe(404);
  });

  it("keep their secret for the same URL only", async () => {
    const domain = await newDomain();
    const store = new MediaStore(env.DIRECTORY);
    const key = createKeyring([Buffer.from(env.SEAL_KEYS ?? "", "base64")]);
    const secretOf = async () => (await store.ofDomain(domain, key))[0]?.service.secret;
    await put(domain, { ...service, secret: "hush-hush" });
    await put(domain, { ...service, priority: 7 });
    expect(await secretOf()).toBe("hush-hush");
    await put(domain, { ...service, url: "https://1.0.0.1/ng" });
    expect(await secretOf()).toBe("");
    await put(domain, { ...service, secret: "hush-hush" });
    expect(await store.ofDomain(domain, createKeyring([new Uint8Array(32).fill(9)]))).toMatchObject([{ isLost: true }]);
  });

  it.each([
    [{ ...service, url: "ftp://1.1.1.1/" }, "url: is not an https URL"],
    [{ ...service, url: "https://10.0.0.1/ng" }, expect.stringContaining("url: leads to 10.0.0.1") as string],
    [{ ...service, secret: "with a space" }, "secret: is not made of visible ASCII characters"],
    [{ ...service, phone_interface: "public" }, "the body: needs both phone_interface and trunk_interface, or neither"],
    [{ ...service, kind: "other" }, "kind: has to be rtpengine"],
    [{ ...service, more: 1 }, "more: there is no such member"],
  ])("%j is refused", async (body, detail) => {
    expect(await detailOf(await put(await newDomain(), body))).toEqual([400, detail]);
  });

  it("are ten at most", async () => {
    const domain = await newDomain();
    for (let count = 0; count < 10; count += 1) expect((await put(domain, service, `s${count}`)).status).toBe(200);
    expect((await put(domain, service, "s10")).status).toBe(409);
    expect((await put(domain, service, "s9")).status).toBe(200);
  });

  it.each([
    ["answers", (cookie: string) => new Response(`${cookie} {"result": "pong"}`), { reachable: true, why: null }],
    ["is away", () => new Response("", { status: 502 }), { reachable: false, why: "it answered with the status 502" }],
    ["is something else", () => new Response("<html>"), { reachable: false, why: "its answer is not one of the NG protocol" }],
  ])("say whether they are there: one that %s", async (_what, answer, expected) => {
    const domain = await newDomain();
    await put(domain, service);
    vi.stubGlobal("fetch", async (_url: string, { body }: { body: string }) => answer(body.split(" ")[0] ?? ""));
    expect(await (await api(`/domains/${domain}/media/frankfurt/status`)).json()).toEqual(expected);
  });
});
