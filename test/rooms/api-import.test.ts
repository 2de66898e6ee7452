import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, connect, newcomers } from "./support/homes.ts";

interface Result {
  readonly created: number;
  readonly existing: number;
  readonly failed: number;
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
}

let domains = 0;

async function newDomain(): Promise<string> {
  domains += 1;
  const domain = `import-${domains}.example`;
  await api(`/domains/${domain}`, { method: "PUT" });
  return domain;
}

const send = (domain: string, type: string, body: string | ReadableStream): Promise<Response> =>
  api(`/domains/${domain}/subscribers/import`, {
    method: "POST",
    headers: { Authorization: "Bearer test-admin-token", "Content-Type": type },
    body,
  });
const sent = async (domain: string, type: string, body: string): Promise<Result> => (await send(domain, type, body)).json();
const ndjson = (...rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const [json, csv] = ["application/x-ndjson", "text/csv; charset=utf-8"];
const password = "correct horse";
const users = async (domain: string): Promise<Record<string, unknown>[]> =>
  ((await (await api(`/domains/${domain}/subscribers`)).json()) as { subscribers: Record<string, unknown>[] }).subscribers;

describe("an import of users", () => {
  it("makes those of JSON lines, who can log in then", async () => {
    await newcomers("alice");
    const rows = ndjson(
      { username: "import-anna", password },
      { username: "import-josé", password, aliases: ["+4930555"], displayName: "José" },
    );
    expect(await sent("localhost", json, rows)).toEqual({ created: 2, existing: 0, failed: 0, problems: [] });
    const phone = await connect({ account: "import-anna", way: "general", password });
    expect((await phone.register()).status).toBe(200);
    const jose = await api("/domains/localhost/subscribers/import-jos%C3%A9");
    expect(await jose.json()).toEqual({
      domain: "localhost",
      username: "import-josé",
      displayName: "José",
      aliases: ["+4930555"],
      opened: false,
    });
  });

  it("makes those of CSV, with quotation marks, a byte order mark and either kind of line end", async () => {
    const domain = await newDomain();
    const body = `\uFEFFusername,display_name,aliases,password\r\nanna,"Anna, ""A""",100 200,${password}\nbert,,,${password}\n\n`;
    expect(await sent(domain, csv, body)).toMatchObject({ created: 2, failed: 0 });
    expect(await users(domain)).toMatchObject([
      { username: "anna", displayName: 'Anna, "A"', aliases: ["100", "200"] },
      { username: "bert", displayName: null },
    ]);
  });

  it("takes HA1 from another server", async () => {
    const md5 = "0".repeat(32);
    const domain = await newDomain();
    expect(await sent(domain, csv, `username,ha1_md5\nanna,${md5}\nbert,short\n`)).toMatchObject({
      created: 1,
      failed: 1,
      problems: [{ line: 3 }],
    });
  });

  it("changes nothing the second time, and leaves users who are there as they are", async () => {
    const domain = await newDomain();
    const rows = ndjson({ username: "anna", password }, { username: "bert", password });
    await sent(domain, json, rows);
    const again = ndjson(
      { username: "anna", password: "another password", displayName: "x" },
      { username: "bert", password },
      { username: "carl", password },
    );
    expect(await sent(domain, json, again)).toEqual({ created: 1, existing: 2, failed: 0, problems: [] });
    expect(await users(domain)).toMatchObject([{ displayName: null }, {}, { username: "carl" }]);
  });

  it("says what is wrong with each bad line, and makes the others", async () => {
    const domain = await newDomain();
    await sent(domain, json, ndjson({ username: "taken", password, aliases: ["100"] }));
    const good = Array.from({ length: 2500 }, (_, index) => ({ username: `user${index}`, password }));
    const lines = [
      ...ndjson(...good.slice(0, 1200))
        .trimEnd()
        .split("\n"),
      "not json",
      JSON.stringify({ username: "a@b", password }),
      JSON.stringify({ username: "short", password: "short" }),
      JSON.stringify({ username: "nameless", password, aliases: ["100"] }),
      JSON.stringify({ username: "twice", password, aliases: ["user7"] }),
      JSON.stringify({ username: "list.x", password }),
      JSON.stringify({ username: "none" }),
      JSON.stringify({ username: "more", password, colour: "red" }),
      ...ndjson(...good.slice(1200))
        .trimEnd()
        .split("\n"),
    ];
    const result = await sent(domain, json, lines.join("\n"));
    expect(result).toMatchObject({ created: 2500, existing: 0, failed: 8 });
    expect(Object.fromEntries(result.problems.map(({ line, problem }) => [line, problem]))).toEqual({
      1201: "is not JSON",
      1202: expect.stringContaining("username"),
      1203: expect.stringContaining("password"),
      1204: "100 already belongs to another subscriber",
      1205: "user7 already belongs to another subscriber",
      1206: expect.stringContaining("reserved"),
      1207: expect.stringContaining("password"),
      1208: expect.stringContaining("colour"),
    });
  });

  it("ends at 200,000 lines, also of empty ones", async () => {
    const answer = await send(await newDomain(), json, "\n".repeat(200_001));
    expect([answer.status, await answer.text()]).toEqual([413, expect.stringContaining("more than 200000 lines") as string]);
  });

  it("takes what an export has written, after which the users log in as before", async () => {
    const domain = await newDomain();
    const many = Array.from({ length: 1500 }, (_, index) => ({ username: `user${index}`, password, aliases: [`${2000 + index}`] }));
    await sent(domain, json, ndjson(...many, { username: "josé", password, displayName: 'José "J"' }));
    await api(`/domains/${domain}/subscribers/tokens-only`, { method: "PUT", body: JSON.stringify({ password: null }) });
    const before = await users(domain);
    const exported = await api(`/domains/${domain}/subscribers.ndjson`);
    expect(exported.headers.get("Content-Type")).toBe("application/x-ndjson");
    const body = await exported.text();
    expect(body.trimEnd().split("\n")).toHaveLength(1502);
    expect(body).not.toContain(password);
    const hashes = async () =>
      (await env.DIRECTORY.prepare("SELECT username, md5, sha256 FROM subscribers WHERE domain = ? ORDER BY username").bind(domain).all())
        .results;
    const secrets = await hashes();
    await api(`/domains/${domain}`, { method: "DELETE" });
    await api(`/domains/${domain}`, { method: "PUT" });
    expect(await sent(domain, json, body)).toEqual({ created: 1502, existing: 0, failed: 0, problems: [] });
    expect([await users(domain), await hashes()]).toEqual([before, secrets]);
  });

  it("gives a user who was deleted a home of its own", async () => {
    const domain = await newDomain();
    await sent(domain, json, ndjson({ username: "anna", password }));
    await api(`/domains/${domain}/subscribers/anna`, { method: "DELETE" });
    expect(await sent(domain, json, ndjson({ username: "anna", password }))).toMatchObject({ created: 1 });
    expect(await users(domain)).toMatchObject([{ username: "anna", opened: false }]);
  });

  it.each([
    ["another type", "application/json", "[]", 415],
    ["unknown columns", csv, "username,colour\n", 400],
    ["no username", csv, "password\n", 400],
  ])("with %s is refused", async (_what, type, body, status) => {
    expect((await send(await newDomain(), type, body)).status).toBe(status);
  });

  it("of an unknown domain is refused", async () => {
    expect((await send("none.example", json, ndjson({ username: "anna", password }))).status).toBe(404);
  });

  it("leaves out lines that are too long, or not UTF-8, wherever the parts of the body end", async () => {
    const domain = await newDomain();
    const bad = new Uint8Array([0x7b, 0xff, 0x0a]);
    const parts = [ndjson({ username: "anna", password }).slice(0, 9), ndjson({ username: "anna", password }).slice(9), bad];
    const long = `{"username":"${"a".repeat(20_000)}`;
    const last = JSON.stringify({ username: "bert", password, displayName: "ß".repeat(20) });
    const body = new Blob([...parts, long.slice(0, 9000), `${long.slice(9000)}\n`, last]).stream();
    expect(await (await send(domain, json, body)).json()).toEqual({
      ...{ created: 2, existing: 0, failed: 2 },
      problems: [
        { line: 2, problem: "is not UTF-8" },
        { line: 3, problem: "is longer than 16384 octets" },
      ],
    });
  });

  it("makes those before the line at which it stops, says so, and the audit log has it", async () => {
    const domain = await newDomain();
    const answer = await send(domain, json, `${ndjson({ username: "anna", password })}${"x\n".repeat(100_000)}`);
    expect(answer.status).toBe(413);
    const { detail } = (await answer.json()) as { detail: string };
    expect(detail).toMatch(/100000 users: line 100001 .*created: 1, existing: 0, failed: 99999$/);
    expect(await users(domain)).toMatchObject([{ username: "anna" }]);
    const audit = async () => ((await (await api(`/domains/${domain}/audit?limit=1`)).json()) as { entries: object[] }).entries;
    await expect.poll(audit).toMatchObject([{ action: "importSubscribers", status: 413 }]);
  });

  it("has a limit of its own only as a POST", async () => {
    const body = JSON.stringify({ password, displayName: "x".repeat(100_000) });
    expect((await api(`/domains/${await newDomain()}/subscribers/import`, { method: "PUT", body })).status).toBe(413);
  });

  it.each(['anna,"open', 'anna,"a"b', "anna"])("has no line of CSV like %j", async (line) => {
    expect(await sent(await newDomain(), csv, `username,password\n${line}\n`)).toMatchObject({ created: 0, failed: 1 });
  });
});
