import { describe, expect, it } from "vitest";
import { api, homes, newcomers, provision, registered } from "./support/homes.ts";

await provision("bob", "carol");
await api("/domains/localhost/subscribers/carol", { method: "PUT", body: '{"aliases":["+15551234"]}' });

const path = (username: string): string => `/domains/localhost/subscribers/${username}/rules`;
const put = (username: string, body: unknown): Promise<Response> => api(path(username), { method: "PUT", body: JSON.stringify(body) });
const nothing = { forward: {}, do_not_disturb: false, blocked: [] };

const everything = {
  forward: {
    always: "sip:bob@example.com",
    busy: "tel:+15551234",
    no_answer: { to: "sips:bob@example.com", after: 20 },
    not_registered: "sip:carol@localhost",
  },
  do_not_disturb: true,
  blocked: ["spam@example.com", "*@evil.example", "anonymous"],
  maximum_calls: 2,
  watching: { default: "confirm", watchers: { "carol@localhost": "allow", "*@evil.example": "polite-block" } },
};

describe("the rules of a subscriber", () => {
  it("are none at first", async () => {
    const [alice] = await newcomers("alice");
    expect(await (await api(path(alice))).json()).toEqual(nothing);
  });

  it("are put whole and read back", async () => {
    const [alice] = await newcomers("alice");
    const answer = await put(alice, everything);
    expect([answer.status, await answer.json()]).toEqual([200, everything]);
    expect(await (await api(path(alice))).json()).toEqual(everything);
    expect(await (await put(alice, {})).json()).toEqual(nothing);
  });

  it("are deleted with 204", async () => {
    const [alice] = await newcomers("alice");
    await put(alice, everything);
    expect((await api(path(alice), { method: "DELETE" })).status).toBe(204);
    expect(await (await api(path(alice))).json()).toEqual(nothing);
  });

  it("stay when the password changes", async () => {
    const [alice] = await newcomers("alice");
    await put(alice, everything);
    await api(path(alice).replace("/rules", ""), { method: "PUT", body: JSON.stringify({ password: "another-one" }) });
    expect(await (await api(path(alice))).json()).toEqual(everything);
  });

  it("take a user part for one of the same domain", async () => {
    const [alice] = await newcomers("alice");
    const answer = await put(alice, { forward: { always: "bob" } });
    expect(await answer.json()).toMatchObject({ forward: { always: "sip:bob@localhost" } });
  });

  it("take blocked names however they are written, each once", async () => {
    const [alice] = await newcomers("alice");
    const answer = await put(alice, { blocked: ["sip:Spam@EXAMPLE.com", "Spam@example.com", "Anonymous"] });
    expect(await answer.json()).toMatchObject({ blocked: ["Spam@example.com", "anonymous"] });
  });

  it.each([
    ["a target that is no URI", { forward: { always: "http://example.com" } }],
    ["a target without a user", { forward: { busy: "sip:example.com" } }],
    ["a time that is no time", { forward: { no_answer: { to: "bob", after: 0 } } }],
    ["a time that is too long", { forward: { no_answer: { to: "bob", after: 181 } } }],
    ["a name nobody can have", { blocked: ["not a name"] }],
    ["too many blocked names", { blocked: Array.from({ length: 201 }, (_, index) => `u${index}@example.com`) }],
    ["names that are too long together", { blocked: Array.from({ length: 100 }, (_, index) => `${"u".repeat(90)}${index}@example.com`) }],
    ["names in letters of two octets", { blocked: Array.from({ length: 50 }, (_, index) => `${"ж".repeat(90)}${index}@example.com`) }],
    ["a permission that is none", { watching: { default: "perhaps" } }],
    ["a watcher that is nobody", { watching: { watchers: { "not a name": "allow" } } }],
    ["no calls at all", { maximum_calls: 0 }],
    ["a member that is not known", { forwards: {} }],
  ])("refuse %s: 400", async (_name, body) => {
    const [alice] = await newcomers("alice");
    const answer = await put(alice, body);
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([400, "application/problem+json"]);
    expect(await (await api(path(alice))).json()).toEqual(nothing);
  });

  it("of nobody: 404", async () => {
    expect((await put("nobody", {})).status).toBe(404);
    expect((await api(path("nobody"))).status).toBe(404);
  });

  it("do not open a home", async () => {
    const [alice] = await newcomers("alice");
    const before = await homes();
    await put(alice, everything);
    expect(await homes()).toEqual(before);
  });

  it("hold at once in an open home", async () => {
    const [alice, bob, carol] = await newcomers("alice", "bob", "carol");
    const [caller, callee, third] = [
      await registered({ account: alice, way: "direct" }),
      await registered({ account: bob, way: "direct" }),
      await registered({ account: carol, way: "general" }),
    ];
    await put(bob, { forward: { always: carol } });
    caller.request("INVITE", callee.aor);
    const invite = await third.next("INVITE");
    third.reply(invite, 180);
    expect((await caller.next(180)).status).toBe(180);
    expect(callee.socket.rest()).toHaveLength(0);
    await put(bob, { do_not_disturb: true });
    const sent = caller.request("INVITE", callee.aor);
    expect((await caller.finalResponse(sent)).status).toBe(486);
  });
});
