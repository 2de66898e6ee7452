import { describe, expect, it } from "vitest";
import { isReservedName } from "../../../../lib/routing/reserved-name.ts";
import type { Route } from "../../../../lib/routing/route.ts";
import type { Trunk } from "../../../../lib/routing/trunk.ts";

const route = (name: string, more: Partial<Route>): Route => ({
  ...{ domain: "example.com", name, order: 1, match: {}, action: { kind: "reject", status: 403 } },
  ...more,
});
const routes = [
  route("all", {}),
  route("every-name", { match: { user: { prefix: "" }, caller: { prefix: "bob@" } } }),
  route("desk", { match: { user: { pattern: "^desk-" } } }),
  route("abroad", { match: { domain: "other.example", user: { prefix: "erin" } } }),
  route("sales", { match: { user: { prefix: "shop" } }, action: { kind: "local", user: "support" } }),
];
const trunks = [{ name: "pbx", prefixes: ["", "room-"] }] as unknown as readonly Trunk[];

describe("a name by which a new user would get calls of others", () => {
  it.each([
    ["+4930123456", true],
    ["030-123", true],
    ["+1900x", true],
    ["room-7", true],
    ["desk-7", true],
    ["shop", true],
    ["support", true],
    ["alice", false],
    ["erin", false],
    ["2nd-floor", false],
    ["jos%C3%A9", false],
  ])("%s: %s", (user, isReserved) => {
    expect(isReservedName(user, routes, trunks)).toBe(isReserved);
  });
});
