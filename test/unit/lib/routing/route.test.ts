import { describe, expect, it } from "vitest";
import { numberReadings } from "../../../../lib/routing/number-readings.ts";
import { type Route, type RouteAction, type RouteMatch, chooseRoute, isPattern } from "../../../../lib/routing/route.ts";

const route = (name: string, match: RouteMatch, action: RouteAction, order = 100): Route => ({
  domain: "example.com",
  name,
  order,
  match,
  action,
});
const asked = { method: "INVITE", user: "+493012345", domain: "example.com", caller: "alice@example.com" };
const reject = (status: number): RouteAction => ({ kind: "reject", status });
const taken = (routes: readonly Route[], question = asked) => chooseRoute(routes, question).outcome;

describe("what a route matches", () => {
  it.each<[string, RouteMatch, Partial<typeof asked>, boolean]>([
    ["everything of its own domain, if it says nothing", {}, {}, true],
    ["nothing of another domain", {}, { domain: "other.example" }, false],
    ["another domain, if it names that", { domain: "other.example" }, { domain: "other.example" }, true],
    ["not its own any more then", { domain: "other.example" }, {}, false],
    ["calls and messages, if it names no methods", {}, { method: "MESSAGE" }, true],
    ["no subscriptions, if it names no methods", {}, { method: "SUBSCRIBE" }, false],
    ["the methods it names", { methods: ["SUBSCRIBE"] }, { method: "SUBSCRIBE" }, true],
    ["and no others", { methods: ["SUBSCRIBE"] }, {}, false],
    ["a user by a prefix", { user: { prefix: "+49" } }, {}, true],
    ["no user with another", { user: { prefix: "+44" } }, {}, false],
    ["a user by an expression", { user: { pattern: "^\\+49[0-9]+$" } }, {}, true],
    ["all of the expression", { user: { pattern: "^\\+49[0-9]{3}$" } }, {}, false],
    ["a caller by a prefix", { caller: { prefix: "alice@" } }, {}, true],
    ["no other caller", { caller: { prefix: "bob@" } }, {}, false],
    ["a caller by an expression", { caller: { pattern: "@example\\.com$" } }, {}, true],
    ["a user by the name, without escapes", { user: { prefix: "josé" } }, { user: "jos%C3%A9" }, true],
    ["a star code by what is dialled", { user: { pattern: "^#31#[0-9]+$" } }, { user: "%2331%23030" }, true],
    ["a caller by the name, without escapes", { caller: { prefix: "josé@" } }, { caller: "jos%C3%A9@example.com" }, true],
    ["all that it says together", { user: { prefix: "+49" }, caller: { prefix: "bob@" } }, {}, false],
    ["a long text by an expression without repetitions", { user: { pattern: "^1" } }, { user: "1".repeat(1024) }, true],
    ["a long caller", { caller: { pattern: "@example\\.com$" } }, { caller: `${"a".repeat(100)}@example.com` }, true],
  ])("%s", (_rule, match, question, fits) => {
    expect(taken([route("one", match, reject(403))], { ...asked, ...question }) !== undefined).toBe(fits);
  });
});

describe("what is too long for an expression", () => {
  const slow = "^(a*b?c{2}d+)$";
  it.each<[string, RouteMatch, Partial<typeof asked>, number]>([
    ["the called user", { user: { pattern: "^1" } }, { user: "1".repeat(1025) }, 484],
    ["the called user, if the expression could be slow", { user: { pattern: slow } }, { user: "1".repeat(65) }, 484],
    ["the caller", { caller: { pattern: slow } }, { caller: `${"a".repeat(65)}@example.com` }, 403],
  ])("is refused, so that it slips by no route: %s", (_name, match, question, status) => {
    const actions: RouteAction[] = [reject(603), { kind: "local", user: "bob" }, { kind: "trunk", trunk: "pbx" }];
    for (const action of actions)
      expect(taken([route("one", match, action)], { ...asked, ...question })).toMatchObject({ kind: "reject", status });
  });

  it("is not refused by a route that is for other requests", () => {
    const long = { ...asked, user: "1".repeat(1025) };
    const others: RouteMatch[] = [{ methods: ["MESSAGE"] }, { domain: "other.example" }, { caller: { prefix: "bob@" } }];
    for (const match of others) expect(taken([route("one", { ...match, user: { pattern: "^1" } }, reject(403))], long)).toBeUndefined();
  });
});

it("what an expression captures of a name is escaped in a URI, and changes nothing else of it", () => {
  const routes = [route("one", { user: { prefix: "x" } }, { kind: "retarget", uri: "sip:\\1@other.example" })];
  expect(taken(routes, { ...asked, user: "xjos%C3%A9%40evil.example" })).toEqual({
    kind: "retarget",
    uri: "sip:jos%C3%A9%40evil.example@other.example",
  });
});

describe("what a route does", () => {
  it.each<[string, RouteMatch, RouteAction, unknown]>([
    ["sends to a user here", {}, { kind: "local", user: "alice" }, { kind: "local", user: "alice" }],
    ["a name, which is escaped", {}, { kind: "local", user: "user name" }, { kind: "local", user: "user%20name" }],
    ["what is left behind a prefix", { user: { prefix: "+49" } }, { kind: "local", user: "\\1" }, { kind: "local", user: "3012345" }],
    [
      "what an expression has captured",
      { user: { pattern: "^\\+49(30)(.*)$" } },
      { kind: "trunk", trunk: "berlin", user: "0\\1\\2" },
      { kind: "trunk", trunk: "berlin", user: "03012345", keepsDomain: false },
    ],
    [
      "the same user at a trunk",
      {},
      { kind: "trunk", trunk: "pbx" },
      { kind: "trunk", trunk: "pbx", user: "+493012345", keepsDomain: false },
    ],
    [
      "sends to another address",
      { user: { prefix: "+" } },
      { kind: "retarget", uri: "sip:\\1@gw.example;transport=tcp" },
      { kind: "retarget", uri: "sip:493012345@gw.example;transport=tcp" },
    ],
    ["redirects", {}, { kind: "redirect", status: 301, uri: "tel:+1555" }, { kind: "redirect", status: 301, uri: "tel:+1555" }],
    ["refuses", {}, { kind: "reject", status: 603, reason: "No" }, { kind: "reject", status: 603, reason: "No" }],
    ["nothing, if what it makes is no URI", { user: { pattern: "^(x?)" } }, { kind: "local", user: "\\1" }, undefined],
  ])("%s", (_rule, match, action, outcome) => {
    expect(taken([route("one", match, action)])).toEqual(outcome);
  });
});

describe("a number that another server may read in a name", () => {
  const premium = route("premium", { user: { prefix: "0900" } }, reject(403), 1);
  const trunk = route("trunk", { user: { prefix: "0" } }, { kind: "trunk", trunk: "provider" }, 2);
  const asking = (user: string) => ({ ...asked, user, readings: numberReadings(user) });

  it.each(["0,900123", "0%E2%80%8B900", "0*900", "x0900"])("is refused as if it were called: %s", (user) => {
    const { outcome, trace } = chooseRoute([premium, trunk], asking(user));
    expect([outcome, trace.at(-1)?.why]).toEqual([
      { kind: "reject", status: 403, reason: undefined },
      "it matches a number that another server may read in the name",
    ]);
  });

  it("is not called by it", () => {
    expect(chooseRoute([trunk], asking("x0123")).outcome).toBeUndefined();
    expect(chooseRoute([premium, trunk], asking("0,800")).outcome).toMatchObject({ kind: "trunk", user: "0,800" });
  });

  it("does not refuse a name that leads to a user here", () => {
    const mailbox = route("mailbox", { user: { pattern: "^room" } }, { kind: "local", user: "desk" }, 3);
    expect(chooseRoute([route("all", { user: { prefix: "1" } }, reject(403), 1), mailbox], asking("room101")).outcome).toMatchObject({
      kind: "local",
    });
  });

  it("is refused by its exact length, too", () => {
    const exact = route("exact", { user: { pattern: "^1900[0-9]{6}$" } }, reject(403), 1);
    expect(chooseRoute([exact], asking("1900555123a9")).outcome).toMatchObject({ kind: "reject" });
  });

  it("does not refuse what an earlier route lets through", () => {
    const codes = route("codes", { user: { prefix: "*" } }, { kind: "trunk", trunk: "pbx" }, 1);
    const others = route("others", {}, reject(404), 2);
    expect(chooseRoute([codes, others], asking("*100#5")).outcome).toMatchObject({ kind: "trunk", trunk: "pbx" });
  });
});

describe("the order of routes", () => {
  it("is by their numbers, then by their names", () => {
    const routes = [route("b", {}, reject(402), 5), route("c", {}, reject(403), 1), route("a", {}, reject(401), 5)];
    expect(taken(routes)).toMatchObject({ status: 403 });
    expect(taken(routes.slice(0, 1).concat(routes.slice(2)))).toMatchObject({ status: 401 });
  });

  it("is told, with why each was taken or not", () => {
    const routes = [
      route("one", { user: { prefix: "0" } }, reject(403), 1),
      route("two", { methods: ["MESSAGE"] }, reject(403), 2),
      route("three", {}, reject(403), 3),
    ];
    expect(chooseRoute(routes, asked).trace).toEqual([
      { route: "one", why: "the user is +493012345" },
      { route: "two", why: "the method is INVITE" },
      { route: "three", why: "it matches" },
    ]);
  });
});

it.each([
  ["(a+)+$", false],
  ["a{1,2}{1,2}", false],
  ["(", false],
  ["^\\+49([0-9]*)$", true],
])("the expression %s can be used: %s", (pattern, usable) => {
  expect(isPattern({ pattern })).toBe(usable);
});
