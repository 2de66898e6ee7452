import { describe, expect, it } from "vitest";
import { api, newcomers, registered } from "./support/homes.ts";

let count = 0;
/** A route of a name that no other test has. */
const fresh = () => `/domains/localhost/routes/r${(count += 1)}`;
const put = (at: string, body: unknown) => api(at, { method: "PUT", body: JSON.stringify(body) });
const test = async (body: object) => {
  const answer = await api("/routes/test", { method: "POST", body: JSON.stringify({ domain: "localhost", ...body }) });
  return (await answer.json()) as { outcome: string; target: object; action?: object; trace: { route: string; why: string }[] };
};
const reject = { kind: "reject", status: 403 };

describe("the routes of a domain", () => {
  it("are put, listed and deleted", async () => {
    await newcomers("alice");
    const at = fresh();
    const route = { order: 5, match: { user: { pattern: "^0(.*)$" } }, action: { kind: "local", user: "\\1" } };
    const name = at.slice(at.lastIndexOf("/") + 1);
    expect(await (await put(at, route)).json()).toEqual({ name, ...route });
    expect(await (await api("/domains/localhost/routes")).json()).toMatchObject({ routes: expect.arrayContaining([{ name, ...route }]) });
    expect((await api(at, { method: "DELETE" })).status).toBe(204);
    expect((await api(at, { method: "DELETE" })).status).toBe(404);
  });

  it.each([
    ["without an action", {}],
    ["of an action that is none", { action: { kind: "forget" } }],
    ["to a trunk that is not there", { action: { kind: "trunk", trunk: "nobody" } }],
    ["to what is no URI", { action: { kind: "retarget", uri: "http://example.com" } }],
    ["with a status that is no refusal", { action: { kind: "reject", status: 200 } }],
    ["with a status that is no redirection of ours", { action: { kind: "redirect", status: 380, uri: "sip:a@example.com" } }],
    ["with a reason of two lines", { action: { ...reject, reason: "No\r\nX: y" } }],
    ["with a malformed expression", { match: { user: { pattern: "(" } }, action: reject }],
    ["with an expression that could take long", { match: { user: { pattern: "(a+)+$" } }, action: reject }],
    ["with a member that is not known", { match: { users: {} }, action: reject }],
  ])("are refused %s: 400", async (_rule, body) => {
    await newcomers("alice");
    const at = fresh();
    const answer = await put(at, body);
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([400, "application/problem+json"]);
  });

  it("of a domain that is not there: 404", async () => {
    expect((await put("/domains/nowhere.example/routes/r", { action: reject })).status).toBe(404);
    expect((await api("/domains/nowhere.example/routes")).status).toBe(404);
  });
});

describe("what would happen to a request", () => {
  it("is told, and why", async () => {
    await newcomers("alice");
    const at = fresh();
    await put(at, { order: 1, match: { user: { prefix: "777" } }, action: { kind: "redirect", status: 301, uri: "sip:\\1@new.example" } });
    const { outcome, action, trace } = await test({ uri: "sip:7771@localhost", caller: "sip:alice@LOCALHOST" });
    expect([outcome, action, trace.at(-1)]).toEqual([
      "the sender is redirected with 301 to sip:1@new.example",
      { kind: "redirect", status: 301, uri: "sip:1@new.example" },
      { route: at.slice(at.lastIndexOf("/") + 1), why: "it matches" },
    ]);
    await api(at, { method: "DELETE" });
  });

  it("is told in the words in which a route is written", async () => {
    await newcomers("alice");
    const at = fresh();
    const trunk = "/domains/localhost/trunks/told";
    await api(trunk, { method: "PUT", body: JSON.stringify({ server: "sip:pbx.example" }) });
    const action = { kind: "trunk", trunk: "told", keeps_domain: true };
    await put(at, { order: 1, match: { user: { prefix: "888" } }, action });
    expect((await test({ uri: "sip:8881@localhost" })).action).toEqual({ ...action, user: "8881" });
    for (const path of [at, trunk]) await api(path, { method: "DELETE" });
  });

  it("where no route fits, is what the location of users says", async () => {
    const [alice] = await newcomers("alice");
    expect((await test({ uri: `sip:${alice}@localhost` })).outcome).toBe("it is refused with 480: no phone of this user has registered");
    await registered({ account: alice, way: "direct" });
    expect(await test({ uri: `sip:${alice}@localhost` })).toMatchObject({
      outcome: `it goes to the user ${alice}`,
      target: { kind: "user", user: alice },
    });
    const unknown = await test({ uri: "sip:nobody-at-all@localhost" });
    expect([unknown.outcome, unknown.target]).toEqual(["it is refused with 404: there is no such user", { kind: "refused", status: 404 }]);
    expect((await test({ uri: "sip:somebody@elsewhere.example" })).target).toEqual({ kind: "refused", status: 403 });
  });

  it("where a trunk has the number, is that trunk", async () => {
    await newcomers("alice");
    const at = "/domains/localhost/trunks/by-prefix";
    await api(at, { method: "PUT", body: JSON.stringify({ server: "sip:pbx.example", prefixes: ["+555"] }) });
    expect((await test({ uri: "sip:+5551@localhost" })).target).toEqual({
      kind: "trunk",
      trunk: "by-prefix",
      uri: "sip:+5551@pbx.example",
    });
    await api(at, { method: "DELETE" });
  });

  it.each<readonly [what: string, method: string, dialled: string, expected: object]>([
    ["a call to a number that it may not call", "INVITE", "+5559001", { kind: "refused", status: 403 }],
    ["a message there", "MESSAGE", "+5559001", { kind: "refused", status: 403 }],
    ["a call to another number", "INVITE", "+5551", { kind: "trunk", trunk: "careful", uri: "sip:+5551@pbx.example" }],
    ["a request that costs nothing", "OPTIONS", "+5559001", { kind: "trunk", trunk: "careful", uri: "sip:+5559001@pbx.example" }],
  ])("where a trunk does not allow the number, is its refusal: %s", async (_what, method, dialled, expected) => {
    await newcomers("alice");
    const at = "/domains/localhost/trunks/careful";
    const trunk = { server: "sip:pbx.example", prefixes: ["+555"], forbidden_destinations: ["+555900"] };
    await api(at, { method: "PUT", body: JSON.stringify(trunk) });
    expect((await test({ uri: `sip:${dialled}@localhost`, method })).target).toEqual(expected);
    await api(at, { method: "DELETE" });
  });

  it("with a made-up GRUU, is what the routes say of its user, and never a trunk (RFC 5627)", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    const [at, trunk] = [fresh(), "/domains/localhost/trunks/premium"];
    await api(trunk, { method: "PUT", body: JSON.stringify({ server: "sip:pbx.example", prefixes: ["+1900"] }) });
    expect((await test({ uri: "sip:+19001@localhost" })).target).toMatchObject({ kind: "trunk" });
    expect((await test({ uri: "sip:+19001@localhost;gr=x" })).target).toEqual({ kind: "refused", status: 404 });
    await put(at, { order: 1, match: {}, action: { kind: "reject", status: 403 } });
    expect((await test({ uri: "sip:+19001@localhost;gr=x" })).target).toEqual({ kind: "refused", status: 403 });
    expect((await test({ uri: `sip:${alice}@localhost;gr=x` })).target).toEqual({ kind: "user", user: alice });
    for (const path of [at, trunk]) await api(path, { method: "DELETE" });
  });

  it("for another domain that the users may call, is that domain; nothing is opened or changed by the question", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    await api("/domains/localhost/settings", { method: "PUT", body: JSON.stringify({ calls_out: true }) });
    expect((await test({ uri: "sip:carol@partner.example" })).target).toEqual({ kind: "domain", uri: "sip:carol@partner.example" });
    await api("/domains/localhost/settings", { method: "PUT", body: JSON.stringify({ calls_out: false }) });
    const rules = { forward: { always: `sip:${bob}@localhost` } };
    await api(`/domains/localhost/subscribers/${alice}/rules`, { method: "PUT", body: JSON.stringify(rules) });
    expect((await test({ uri: `sip:${alice}@localhost` })).target).toEqual({ kind: "user", user: alice });
    const subscriber = (await (await api(`/domains/localhost/subscribers/${alice}`)).json()) as { opened: unknown };
    expect(subscriber.opened).toBe(false);
  });

  it("where a route leads to a user here, is that user", async () => {
    const [alice] = await newcomers("alice");
    await registered({ account: alice, way: "direct" });
    const at = fresh();
    await put(at, { order: 1, match: { user: { prefix: "8881" } }, action: { kind: "local", user: alice } });
    expect((await test({ uri: "tel:8881" })).outcome).toBe(`it goes to the user ${alice}`);
    await api(at, { method: "DELETE" });
  });

  it("of something that names nobody is refused: 400", async () => {
    await newcomers("alice");
    const answer = await api("/routes/test", { method: "POST", body: JSON.stringify({ domain: "localhost", uri: "http://example.com" }) });
    expect(answer.status).toBe(400);
  });
});
