import { describe, expect, it } from "vitest";
import { api, newcomers, provision } from "./support/homes.ts";

type Schema = { readonly properties?: Readonly<Record<string, unknown>>; readonly $ref?: string };
type Operation = { readonly operationId: string; readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> } };
type Description = {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Schema> };
};

await provision("alice", "bob");
const { paths, components }: Description = await (await api("/openapi.json")).json();
const names: Record<string, string> = { domain: "localhost", username: "alice", watcher: "bob@localhost", id: "x", list: "friends" };
const at = (path: string) => path.replace(/\{(\w+)\}/g, (_whole, name: string) => names[name] ?? "name");

/** What the validator says where nothing else is said. */
const raw = /\b(?:invalid|expected|received|zod|undefined|NaN|regex|pattern \/|must match|too (?:small|big)|unrecognized)\b/i;

/** Every member of every body, each with values that no member takes, or few. */
const wrong: readonly unknown[] = [
  null,
  7,
  -1,
  1e9,
  true,
  "",
  "\u0000",
  "x".repeat(70),
  [],
  [7],
  [[]],
  {},
  { kind: "x" },
  { kind: "local" },
  [{}],
  { "x y": 1 },
];
const members = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { requestBody }]) => {
    const schema = requestBody?.content["application/json"]?.schema;
    const { properties = {} } =
      schema?.$ref === undefined ? (schema ?? {}) : (components.schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {});
    return Object.keys(properties).map((member) => ({ method: method.toUpperCase(), path, member }));
  }),
);

describe("what is wrong is told in plain English, with the name of the member", () => {
  it("there are members", () => {
    expect(members.length).toBeGreaterThan(40);
  });

  it.each(members)("$method $path: $member", async ({ method, path, member }) => {
    for (const value of wrong) {
      const answer = await api(at(path), { method, body: JSON.stringify({ [member]: value }) });
      if (answer.status < 300) continue;
      const { detail }: { detail: string } = await answer.json();
      expect([value, detail]).toEqual([value, expect.not.stringMatching(raw)]);
      expect([value, detail]).toEqual([
        value,
        expect.stringMatching(
          /^[a-z_0-9A-Z.]+(?: [a-z ]+)?: |^a |^the |^one |^no phone |reserved|already|has never|there is no |is not set/,
        ),
      ]);
    }
  });

  it.each([
    [
      "a password that is too short",
      "PUT",
      "/domains/localhost/subscribers/new",
      { password: "offhook" },
      "password: has to be at least 8 characters long",
    ],
    ["a password that is missing", "PUT", "/domains/localhost/subscribers/new", {}, "password: a new subscriber needs a password, or ha1"],
    ["a member that does not exist", "PUT", "/domains/localhost/subscribers/new", { passwort: "x" }, "passwort: there is no such member"],
    ["another type", "PUT", "/domains/localhost/subscribers/new", { aliases: "info" }, "aliases: has to be a list"],
    ["an element of a list", "PUT", "/domains/localhost/subscribers/new", { aliases: ["info", 7] }, "aliases.1: has to be a text"],
    [
      "a value of none that there are",
      "PUT",
      "/domains/localhost/subscribers/alice/watchers/bob@localhost",
      { permission: "maybe" },
      "permission: has to be one of allow, block, polite-block, confirm",
    ],
    [
      "a kind of action",
      "PUT",
      "/domains/localhost/routes/new",
      { action: { kind: "drop" } },
      "action.kind: has to be one of local, trunk, retarget, redirect, reject",
    ],
    [
      "an expression",
      "PUT",
      "/domains/localhost/routes/new",
      { match: { user: { pattern: "(" } }, action: { kind: "local", user: "bob" } },
      "match.user: is not a valid regular expression (POSIX extended), or could be slow",
    ],
    ["a number", "POST", "/domains/localhost/subscribers/alice/bindings", { contact: "sip:bob@localhost", q: 2 }, "q: has to be at most 1"],
    [
      "the name of a watcher",
      "PUT",
      "/domains/localhost/subscribers/alice/rules",
      { watching: { watchers: { nobody: "allow" } } },
      "watching.watchers.nobody: is not user@domain or *@domain",
    ],
    ["no body at all", "PUT", "/domains/localhost/subscribers/new", null, "the body: has to be an object"],
  ])("%s", async (_what, method, path, body, detail) => {
    const answer = await api(path, { method, body: JSON.stringify(body) });
    expect([answer.status, (await answer.json<{ detail: string }>()).detail]).toEqual([400, detail]);
  });
});

describe("a query parameter that an operation does not have is refused: 400", () => {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  );

  it.each(operations)("$method $path", async ({ method, path }) => {
    const answer = await api(`${at(path)}?serach=x`, { method, ...(method === "GET" || method === "DELETE" ? {} : { body: "{}" }) });
    expect([answer.status, (await answer.json<{ detail: string }>()).detail]).toEqual([
      400,
      expect.stringMatching(/^serach: there is no such query parameter/),
    ]);
  });

  it("so is one that is given twice", async () => {
    const answer = await api("/domains?limit=1&limit=2");
    expect([answer.status, (await answer.json<{ detail: string }>()).detail]).toEqual([400, "limit: is given more than once"]);
  });
});

describe("an address that calls would be sent to in vain is refused: 400", () => {
  const put = (username: string, forward: object) =>
    api(`/domains/localhost/subscribers/${username}/rules`, { method: "PUT", body: JSON.stringify({ forward }) });

  it("the user's own, by name, alias and number, for each kind of forwarding", async () => {
    const [alice] = await newcomers("alice");
    await api(`/domains/localhost/subscribers/${alice}`, { method: "PUT", body: JSON.stringify({ aliases: [`info-${alice}`, "+4912"] }) });
    for (const own of [alice, `sip:${alice}@LOCALHOST`, `sips:${alice}@localhost:5061`, `info-${alice}`, "tel:+49-12"]) {
      for (const forward of [{ always: own }, { busy: own }, { not_registered: own }, { no_answer: { to: own, after: 5 } }]) {
        const answer = await put(alice, forward);
        expect([own, answer.status, (await answer.json<{ detail: string }>()).detail]).toEqual([
          own,
          400,
          expect.stringMatching(/^forward\.[a-z_.]+: .* is this user/),
        ]);
      }
    }
  });

  it("one of no user; another domain's, a trunk's and a route's are taken", async () => {
    const [alice] = await newcomers("alice");
    const answer = await put(alice, { always: "ghost" });
    expect([answer.status, (await answer.json<{ detail: string }>()).detail]).toEqual([
      400,
      expect.stringMatching(/^forward\.always: there is no user ghost in localhost/),
    ]);
    expect((await put(alice, { always: "sip:ghost@elsewhere.example" })).status).toBe(200);
    const route = { match: { user: { prefix: "gho" } }, action: { kind: "local", user: "bob" } };
    await api("/domains/localhost/routes/ghosts", { method: "PUT", body: JSON.stringify(route) });
    expect((await put(alice, { always: "ghost" })).status).toBe(200);
    await api("/domains/localhost/routes/ghosts", { method: "DELETE" });
    expect((await put(alice, { busy: "+1555" })).status).toBe(400);
    await api("/domains/localhost/trunks/way-out", {
      method: "PUT",
      body: JSON.stringify({ server: "sip:pbx.example;transport=tcp", prefixes: ["+1"] }),
    });
    expect((await put(alice, { busy: "+1555" })).status).toBe(200);
    await api("/domains/localhost/trunks/way-out", { method: "DELETE" });
  });
});
