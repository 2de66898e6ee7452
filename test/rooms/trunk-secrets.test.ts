import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createKeyring } from "../../platform/crypto/keyring.ts";
import { Directory } from "../../platform/directory/directory.ts";
import { api } from "./support/homes.ts";

/** What trunks show to other servers: sealed in D1, opened where a trunk is read. */
const [first, second] = [createKeyring([new Uint8Array(32).fill(1)]), createKeyring([new Uint8Array(32).fill(2)])];
const rotated = createKeyring([new Uint8Array(32).fill(2), new Uint8Array(32).fill(1)]);
const settings = {
  servers: [{ uri: "sip:pbx.example;transport=tcp", priority: 1, weight: 1 }],
  register: false,
  inbound: true,
  prefixes: [],
  trusted: false,
};
const body = { server: "sip:pbx.example;transport=tcp", username: "4930", password: "hush-password", token: "hush-token" };

await api("/domains/trunks.example", { method: "PUT" });
const put = (name: string, more: object = {}): Promise<Response> =>
  api(`/domains/trunks.example/trunks/${name}`, { method: "PUT", body: JSON.stringify({ ...body, ...more }) });

const stored = async (name: string): Promise<string> =>
  (await env.DIRECTORY.prepare("SELECT settings FROM trunks WHERE name = ?").bind(name).first<string>("settings")) ?? "";

const store = (name: string, row: object) =>
  env.DIRECTORY.prepare("INSERT OR REPLACE INTO trunks (domain, name, settings) VALUES ('trunks.example', ?, ?)")
    .bind(name, JSON.stringify({ domain: "trunks.example", name, ...settings, ...row }))
    .run();

const read = async (name: string, keyring: ReturnType<typeof createKeyring> | undefined) =>
  (await new Directory(env.DIRECTORY, () => keyring).trunks("trunks.example")).find((trunk) => trunk.name === name);

afterEach(async () => {
  vi.restoreAllMocks();
  await env.DIRECTORY.prepare("DELETE FROM trunks").run();
});

describe("the secrets of a trunk", () => {
  it("are nowhere in the database, and in no answer of the API", async () => {
    const answers = [await put("sealed"), await api("/domains/trunks.example/trunks"), await put("sealed", { password: 7 })];
    for (const answer of answers) expect(await answer.text()).not.toContain("hush");
    expect(await stored("sealed")).not.toContain("hush");
    const dump = await env.DIRECTORY.prepare("SELECT * FROM trunks").all();
    expect(JSON.stringify(dump.results)).not.toContain("hush");
  });

  it("are kept if they are left out, and replaced if not", async () => {
    await put("kept");
    const before = await stored("kept");
    const { password: _password, token: _token, ...rest } = body;
    await api("/domains/trunks.example/trunks/kept", { method: "PUT", body: JSON.stringify(rest) });
    expect(await stored("kept")).toBe(before);
    await put("kept", { password: "hush-another" });
    expect(await stored("kept")).not.toBe(before);
  });

  it.each([
    ["another server", { server: "sip:elsewhere.example;transport=tcp" }, "password"],
    [
      "one more server",
      { server: undefined, servers: ["pbx", "elsewhere"].map((at) => ({ uri: `sip:${at}.example;transport=tcp` })) },
      "password",
    ],
    ["another account", { username: "4931" }, "password"],
    ["another server without an account", { server: "sip:elsewhere.example;transport=wss", username: undefined }, "token"],
  ])("are not kept for %s, which would see them", async (_name, change, missing) => {
    await put("moved");
    const before = await stored("moved");
    const left = { password: undefined, token: undefined };
    const refused = await put("moved", { ...left, ...change });
    expect([refused.status, ((await refused.json()) as { detail: string }).detail]).toEqual([400, expect.stringContaining(missing)]);
    expect(await stored("moved")).toBe(before);
    expect((await put("moved", change)).status).toBe(200);
  });

  it("are kept if only the order of the servers changes, and a password goes with its account", async () => {
    await put("kept", { server: undefined, servers: ["one", "two"].map((at) => ({ uri: `sip:${at}.example;transport=tcp` })) });
    const left = { password: undefined, token: undefined };
    expect((await put("kept", { ...left, server: "sip:two.example;transport=tcp" })).status).toBe(200);
    const { sealed: both } = JSON.parse(await stored("kept")) as { sealed: object };
    expect(Object.keys(both)).toEqual(["password", "token"]);
    expect((await put("kept", { password: undefined, username: undefined })).status).toBe(200);
    const { sealed } = JSON.parse(await stored("kept")) as { sealed: object };
    expect(Object.keys(sealed)).toEqual(["token"]);
  });

  it("of a row in plain text, as older versions wrote it, are used, and sealed when they are read", async () => {
    await store("plain", { username: "4930", password: "hush-password" });
    expect(await read("plain", first)).toMatchObject({ password: "hush-password" });
    expect(await stored("plain")).not.toContain("hush");
    expect(await read("plain", first)).toMatchObject({ password: "hush-password", username: "4930" });
  });

  it("go over to the first key when they are read, so that an old one can be dropped", async () => {
    await store("rotated", { password: "hush-password" });
    await read("rotated", first);
    expect(await read("rotated", rotated)).toMatchObject({ password: "hush-password" });
    expect(await read("rotated", second)).toMatchObject({ password: "hush-password" });
  });

  it("are bound to the trunk: another row cannot have them", async () => {
    await store("mine", { password: "hush-password" });
    await read("mine", first);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await store("stolen", { sealed: (JSON.parse(await stored("mine")) as { sealed: object }).sealed });
    expect(await read("stolen", first)).toMatchObject({ lost: ["password"] });
    await store("crossed", { sealed: { token: (JSON.parse(await stored("mine")) as { sealed: { password: string } }).sealed.password } });
    expect(await read("crossed", first)).toMatchObject({ lost: ["token"] });
  });

  it("that no key opens are said to be lost, in the log and by the API; the other trunks go on", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await store("lost", { password: "hush-password" });
    await read("lost", first);
    await store("other", { password: "hush-other" });
    for (const keyring of [second, undefined]) {
      const trunk = await read("lost", keyring);
      expect([trunk?.lost, trunk?.password]).toEqual([["password"], undefined]);
      expect(await read("other", second)).toMatchObject({ password: "hush-other" });
    }
    expect(log.mock.calls.join()).toContain("SEAL_KEYS");
    const { trunks }: { trunks: object[] } = await (await api("/domains/trunks.example/trunks")).json();
    expect(trunks).toContainEqual(expect.objectContaining({ name: "lost", lost: ["password"] }));
    const again = await api("/domains/trunks.example/trunks/lost", { method: "PUT", body: JSON.stringify({ server: body.server }) });
    expect([again.status, await again.text()]).toEqual([409, expect.stringContaining("password")]);
    expect((await put("lost")).status).toBe(200);
    expect(await (await put("lost")).json()).not.toHaveProperty("lost");
  });
});

describe("a server that no call could go to is refused: 400, which names the member", () => {
  it.each([
    ["UDP", { server: "sip:pbx.example;transport=udp" }, "server"],
    ["a transport that nobody has", { server: "sip:pbx.example;transport=pigeon" }, "server"],
    ["TCP for SIPS, as WebSocket without TLS", { server: "sips:pbx.example;transport=udp" }, "server"],
    ["an address of a private network", { server: "sip:10.0.0.1;transport=tcp" }, "server"],
    ["this machine", { server: "sip:127.0.0.1:5070;transport=tcp" }, "server"],
    ["this machine by IPv6", { server: "sip:[::1];transport=tcp" }, "server"],
    ["one of several", { server: undefined, servers: [{ uri: "sip:pbx.example" }, { uri: "sip:192.168.1.1" }] }, "servers.1.uri"],
  ])("%s", async (_what, more, member) => {
    const answer = await put("refused", more);
    const { detail }: { detail: string } = await answer.json();
    expect([answer.status, detail.slice(0, detail.indexOf(":"))]).toEqual([400, member]);
    expect(await stored("refused")).toBe("");
  });

  it.each(["sip:pbx.example", "sip:8.8.8.8;transport=tcp", "sips:pbx.example", "sip:pbx.example;transport=wss"])(
    "%s is taken",
    async (server) => {
      expect((await put("taken", { server })).status).toBe(200);
    },
  );
});
