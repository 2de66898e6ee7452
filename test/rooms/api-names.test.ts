import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { header } from "../support/received-message.ts";
import { hashesOf } from "../support/provision.ts";
import type { Phone } from "../support/phone.ts";
import { api, connect, provision, registered } from "./support/homes.ts";

const password = "long enough";
const put = (name: string, body: object): Promise<Response> =>
  api(`/domains/localhost/subscribers/${encodeURIComponent(name)}`, { method: "PUT", body: JSON.stringify(body) });

await provision("caller");

/** A name, and how it stands in a URI. */
const names = [
  ["josé", "jos%C3%A9"],
  ["user name", "user%20name"],
  ["9901#1", "9901%231"],
  ["50%", "50%25"],
  ["مريم", "%D9%85%D8%B1%D9%8A%D9%85"],
  ["你好", "%E4%BD%A0%E5%A5%BD"],
  ["ring😀", "ring%F0%9F%98%80"],
] as const;

/** What a caller hears who writes to the user of a phone. */
async function reach(phone: Phone, user: string): Promise<number> {
  const caller = await registered({ account: "caller", way: "general" });
  const sent = caller.request("MESSAGE", `sip:${user}@localhost`, { body: "hello" });
  phone.reply(await phone.next("MESSAGE"), 200);
  const { status } = await caller.finalResponse(sent);
  caller.socket.close(1000);
  return status;
}

describe.each(names)("the user %s", (name, user) => {
  it("is stored and shown without escapes", async () => {
    expect((await put(name, { password, aliases: [`also ${name}`] })).status).toBe(201);
    const answer = await api(`/domains/localhost/subscribers/${encodeURIComponent(name)}`);
    expect(await answer.json()).toMatchObject({ username: name, aliases: [`also ${name}`] });
    const query = env.DIRECTORY.prepare("SELECT username, md5, sha256 FROM subscribers WHERE username = ?").bind(name);
    expect(await query.first()).toEqual({ username: name, ...hashesOf(name, "localhost", password) });
    expect((await put(user, { password })).status).toBe(200);
  });

  it.each(["direct", "general"] as const)(
    "registers and is called with the digest's username in either spelling, on the %s way",
    async (way) => {
      for (const username of [user, name]) {
        const phone = await connect({ account: user, way, password });
        const answer = await phone.register({ credentials: { username } });
        expect([username, answer.status]).toEqual([username, 200]);
        expect(await reach(phone, user)).toBe(200);
        await phone.register({ credentials: { username }, contacts: ["*"], expires: 0 });
        phone.socket.close(1000);
      }
    },
  );

  it("is not somebody else's password away", async () => {
    const phone = await connect({ account: user, way: "direct", password: "wrong-password" });
    expect((await phone.register({ credentials: { username: name } })).status).toBe(401);
  });

  it("may change their own watchers with the name and the password", async () => {
    const path = `/domains/localhost/subscribers/${encodeURIComponent(name)}/watchers`;
    for (const typed of [name, user]) {
      const credentials = Buffer.from(`${typed}:${password}`).toString("base64");
      expect((await api(path, { headers: { Authorization: `Basic ${credentials}` } })).status).toBe(200);
    }
  });
});

describe("names with escapes in the rest of the API", () => {
  it("are shown without them, in whichever spelling they were put", async () => {
    await put("renée", { password });
    const at = "/domains/localhost/subscribers/ren%C3%A9e";
    const rules = { blocked: ["josé@evil.example", "jos%C3%A9@other.example"], watching: { watchers: { "josé@localhost": "allow" } } };
    const answer = await api(`${at}/rules`, { method: "PUT", body: JSON.stringify(rules) });
    const shown = { blocked: ["josé@evil.example", "josé@other.example"], watching: { watchers: { "josé@localhost": "allow" } } };
    expect(await answer.json()).toMatchObject(shown);
    expect(await (await api(`${at}/watchers`)).json()).toEqual({ watchers: { "josé@localhost": "allow" } });
    expect((await api(`${at}/watchers/jos%C3%A9@localhost`, { method: "DELETE" })).status).toBe(204);
  });

  it("are escaped where a URI is written", async () => {
    await put("renée", { password });
    const at = "/domains/localhost/subscribers/ren%C3%A9e";
    const forward = await api(`${at}/rules`, { method: "PUT", body: JSON.stringify({ forward: { busy: "josé" } }) });
    expect(await forward.json()).toMatchObject({ forward: { busy: "sip:jos%C3%A9@localhost" } });
    const list = await api(`${at}/lists/friends`, { method: "PUT", body: JSON.stringify({ entries: [] }) });
    expect(await list.json()).toMatchObject({ uri: "sip:list.friends.ren%C3%A9e@localhost" });
    expect(await (await api(`${at}/lists`)).json()).toMatchObject({ lists: [{ name: "friends" }] });
  });

  it("come in another normal form of Unicode too: that is one name (RFC 7616 §4)", async () => {
    await put("zoë", { password });
    expect((await put("zoe\u0308", { password })).status).toBe(200);
  });
});

describe("HA1 from another server in place of the password", () => {
  it.each([
    ["md5", "MD5"],
    ["sha256", "SHA-256"],
  ] as const)("%s alone lets a phone register by %s", async (hash, algorithm) => {
    const account = `imported-${hash}`;
    const { [hash]: digits } = hashesOf(account, "localhost", "short");
    expect((await put(account, { ha1: { [hash]: digits.toUpperCase() } })).status).toBe(201);
    const phone = await connect({ account, way: "direct", password: "short" });
    expect((await phone.register({ credentials: { algorithm } })).status).toBe(200);
    const other = await connect({ account, way: "direct", password: "short" });
    const wrong = algorithm === "MD5" ? "SHA-256" : "MD5";
    expect((await other.register({ credentials: { algorithm: wrong } })).status).toBe(401);
    const basic = `Basic ${Buffer.from(`${account}:short`).toString("base64")}`;
    expect((await api(`/domains/localhost/subscribers/${account}/watchers`, { headers: { Authorization: basic } })).status).toBe(200);
  });

  it.each([
    ["no hash", { ha1: {} }, "ha1"],
    ["a hash that is too short", { ha1: { md5: "ab".repeat(15) } }, "ha1.md5"],
    ["a hash of another algorithm", { ha1: { md5: "ab".repeat(32) } }, "ha1.md5"],
    ["no hexadecimal digits", { ha1: { sha256: "xy".repeat(32) } }, "ha1.sha256"],
    ["a password beside it", { password, ha1: { md5: "ab".repeat(16) } }, "ha1"],
    ["another algorithm", { ha1: { sha1: "ab".repeat(20) } }, "ha1.sha1"],
  ])("%s: 400, which names the member", async (_what, body, member) => {
    const answer = await put("imported", body);
    const { detail }: { detail: string } = await answer.json();
    expect([answer.status, detail.slice(0, detail.indexOf(":"))]).toEqual([400, member]);
  });
});

describe("a display name", () => {
  it("is kept if it is left out, removed by null, and shown", async () => {
    const shown = async (body: object) => (await (await put("displayed", body)).json<{ displayName: unknown }>()).displayName;
    expect(await shown({ password })).toBeNull();
    expect(await shown({ displayName: "Dörte Ågren" })).toBe("Dörte Ågren");
    expect(await shown({ aliases: [] })).toBe("Dörte Ågren");
    expect(await shown({ displayName: null })).toBeNull();
    expect((await put("displayed", { displayName: "a\r\nb" })).status).toBe(400);
  });
});

describe("?search=", () => {
  const usernames = async (query: string): Promise<string[]> => {
    const answer = await api(`/domains/searched.example/subscribers?${query}`);
    return (await answer.json<{ subscribers: { username: string }[] }>()).subscribers.map(({ username }) => username);
  };

  it("finds users by name, alias and display name, page by page, and domains by name", async () => {
    await api("/domains/searched.example", { method: "PUT" });
    const people = { alice: { aliases: ["+493012345"] }, "Alina%": { aliases: [] }, bob: { displayName: "Robert Alistair" }, carol: {} };
    for (const [name, more] of Object.entries(people)) {
      const path = `/domains/searched.example/subscribers/${encodeURIComponent(name)}`;
      await api(path, { method: "PUT", body: JSON.stringify({ password, ...more }) });
    }
    expect(await usernames("search=ali")).toEqual(["Alina%", "alice", "bob"]);
    expect(await usernames("search=3012")).toEqual(["alice"]);
    expect(await usernames("search=%25")).toEqual(["Alina%"]);
    expect(await usernames("search=_")).toEqual([]);
    expect(await usernames("search=ali&limit=1&cursor=Alina%25")).toEqual(["alice"]);
    expect(await (await api("/domains?search=SEARCHED")).json()).toEqual({ domains: [{ domain: "searched.example" }], next_cursor: null });
  });
});

it("a phone of a user with such a name is told its bindings in a URI", async () => {
  await put("ümit", { password });
  const phone = await connect({ account: "%C3%BCmit", way: "direct", password });
  const answer = await phone.register({ credentials: { username: "ümit" } });
  expect(header(answer, "contact")).toContain("sip:%C3%BCmit@");
});
