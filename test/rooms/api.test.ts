import { describe, expect, it } from "vitest";
import { api } from "./support/homes.ts";

/** The contract of the provisioning API: paths, bodies, statuses, paging. */
const request = (method: string, path: string, body?: unknown): Promise<Response> =>
  api(path, body === undefined ? { method } : { method, body: JSON.stringify(body) });

const statusOf = async (method: string, path: string, body?: unknown): Promise<number> => (await request(method, path, body)).status;

const read = async <Body>(path: string): Promise<Body> => (await request("GET", path)).json();

let count = 0;

/** A domain that no other test uses. */
async function newDomain(): Promise<string> {
  count += 1;
  const path = `/domains/d${count}.example`;
  await request("PUT", path);
  return path;
}

describe("domains", () => {
  it("are made with 201, and found there with 200", async () => {
    expect(await statusOf("PUT", "/domains/made.example")).toBe(201);
    expect(await statusOf("PUT", "/domains/made.example")).toBe(200);
    expect(await read("/domains/made.example")).toEqual({ domain: "made.example" });
  });

  it("have names in lower case, however they are written", async () => {
    expect(await (await request("PUT", "/domains/Loud.EXAMPLE")).json()).toEqual({ domain: "loud.example" });
    expect(await read("/domains/loud.example")).toEqual({ domain: "loud.example" });
  });

  it("are deleted with 204, and all that is in them", async () => {
    const domain = await newDomain();
    await request("PUT", `${domain}/subscribers/alice`, { password: "long enough", aliases: ["info"] });
    const answer = await request("DELETE", domain);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(await statusOf("GET", domain)).toBe(404);
    expect(await statusOf("DELETE", domain)).toBe(404);
    await request("PUT", domain);
    expect(await read(`${domain}/subscribers`)).toEqual({ subscribers: [], next_cursor: null });
    expect(await statusOf("PUT", `${domain}/subscribers/info`, { password: "long enough" })).toBe(201);
  });

  it("are listed in pages, each name once", async () => {
    for (const name of ["x1", "x2", "x3"]) await request("PUT", `/domains/${name}.paged.example`);
    const first = await read<{ next_cursor: string }>("/domains?limit=2&cursor=x");
    expect(first).toEqual({ domains: [{ domain: "x1.paged.example" }, { domain: "x2.paged.example" }], next_cursor: "x2.paged.example" });
    const second = await read(`/domains?limit=2&cursor=${first.next_cursor}`);
    expect(second).toEqual({ domains: [{ domain: "x3.paged.example" }], next_cursor: null });
  });
});

describe("subscribers", () => {
  it("are made with 201, changed with 200, read, and deleted with 204", async () => {
    const path = `${await newDomain()}/subscribers/alice`;
    expect(await statusOf("PUT", path, { password: "the first one", aliases: ["+493012345", "info"] })).toBe(201);
    expect(await statusOf("PUT", path, { password: "the second one" })).toBe(200);
    expect(await read(path)).toMatchObject({ username: "alice", aliases: ["+493012345", "info"], opened: false });
    const answer = await request("DELETE", path);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(await statusOf("GET", path)).toBe(404);
    expect(await statusOf("DELETE", path)).toBe(404);
  });

  it("keep the aliases that a PUT does not name, and lose all with an empty list", async () => {
    const path = `${await newDomain()}/subscribers/alice`;
    await request("PUT", path, { password: "long enough", aliases: ["info"] });
    await request("PUT", path, { password: "quite another" });
    expect(await read(path)).toMatchObject({ aliases: ["info"] });
    await request("PUT", path, { aliases: [] });
    expect(await read(path)).toMatchObject({ aliases: [] });
  });

  it("may have 50 aliases", async () => {
    const path = `${await newDomain()}/subscribers/alice`;
    const aliases = Array.from({ length: 50 }, (_none, index) => `alias-${index}`);
    expect(await statusOf("PUT", path, { password: "long enough", aliases })).toBe(201);
    expect(await read(path)).toMatchObject({ aliases });
  });

  it("have names whose case counts, in one spelling of their escapes (RFC 3261 §19.1.4)", async () => {
    const domain = await newDomain();
    expect(await statusOf("PUT", `${domain}/subscribers/Alice`, { password: "long enough" })).toBe(201);
    expect(await statusOf("PUT", `${domain}/subscribers/alice`, { password: "long enough" })).toBe(201);
    expect(await statusOf("PUT", `${domain}/subscribers/%61lice`, { password: "long enough" })).toBe(200);
  });

  it("are refused as new without a password, and in a domain that is not there", async () => {
    expect(await statusOf("PUT", `${await newDomain()}/subscribers/alice`, { aliases: [] })).toBe(400);
    for (const method of ["GET", "PUT", "DELETE"]) {
      const body = method === "PUT" ? { password: "long enough" } : undefined;
      expect(await statusOf(method, "/domains/absent.example/subscribers/alice", body)).toBe(404);
    }
    expect(await statusOf("GET", "/domains/absent.example/subscribers")).toBe(404);
  });

  it("are listed in pages, by name", async () => {
    const domain = await newDomain();
    for (const name of ["carol", "alice", "bob"]) await request("PUT", `${domain}/subscribers/${name}`, { password: "long enough" });
    const first = await read<{ subscribers: { username: string }[]; next_cursor: string }>(`${domain}/subscribers?limit=2`);
    expect(first.subscribers.map(({ username }) => username)).toEqual(["alice", "bob"]);
    const second = await read(`${domain}/subscribers?limit=2&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ subscribers: [{ username: "carol" }], next_cursor: null });
    expect(await read(`${domain}/subscribers?limit=3`)).toMatchObject({ next_cursor: null });
  });

  it("are never shown with a secret, in whatever answer", async () => {
    const domain = await newDomain();
    const path = `${domain}/subscribers/alice`;
    const answers = [
      await request("PUT", path, { password: "hush-hush" }),
      await request("PUT", path, { password: "hush-hush", aliases: ["info"] }),
      await request("GET", path),
      await request("GET", `${domain}/subscribers`),
      await request("PUT", path, { password: "hush-hush", aliases: 1 }),
      await request("GET", `${path}/trace`),
    ];
    for (const answer of answers) expect(await answer.text()).not.toMatch(/hush|md5|sha|password|[0-9a-f]{32}/i);
  });
});

describe("a name leads to one subscriber", () => {
  it.each([
    ["another's alias as an alias", "bob", { aliases: ["info"] }],
    ["another's name as an alias", "bob", { aliases: ["alice"] }],
    ["another's alias as a name", "info", { aliases: [] }],
  ])("%s: 409", async (_what, username, change) => {
    const domain = await newDomain();
    await request("PUT", `${domain}/subscribers/alice`, { password: "long enough", aliases: ["info"] });
    expect(await statusOf("PUT", `${domain}/subscribers/${username}`, { password: "long enough", ...change })).toBe(409);
    expect(await statusOf("GET", `${domain}/subscribers/${username}`)).toBe(404);
  });

  it("the same alias may stand in two domains, and a freed one may be taken", async () => {
    const [one, other] = [await newDomain(), await newDomain()];
    expect(await statusOf("PUT", `${one}/subscribers/alice`, { password: "long enough", aliases: ["info"] })).toBe(201);
    expect(await statusOf("PUT", `${other}/subscribers/alice`, { password: "long enough", aliases: ["info"] })).toBe(201);
    await request("DELETE", `${one}/subscribers/alice`);
    expect(await statusOf("PUT", `${one}/subscribers/bob`, { password: "long enough", aliases: ["info"] })).toBe(201);
  });

  it("an alias given twice, or one's own name, counts once or not at all", async () => {
    const path = `${await newDomain()}/subscribers/alice`;
    await request("PUT", path, { password: "long enough", aliases: ["info", "%69nfo", "alice"] });
    expect(await read(path)).toMatchObject({ aliases: ["info"] });
  });
});
