import { expect, it } from "vitest";
import { permissionOf } from "../../../../lib/location/watcher-rules.ts";
import { trunkIdentity } from "../../../../lib/routing/trunk.ts";

const owner = { user: "boss", domain: "example.com" };
const trunk = trunkIdentity({ name: "provider", domain: "example.com" });

it.each([
  ["a user of the domain", "alice@example.com", {}, "allow"],
  ["a user of another domain", "alice@example.org", {}, "confirm"],
  ["the server of a trunk of the domain", trunk, {}, "confirm"],
  ["the server of a trunk, whatever holds for the domain", trunk, { watchers: { "*@example.com": "allow" } }, "confirm"],
  ["the server of a trunk that is allowed by its name", trunk, { watchers: { [trunk]: "allow" } }, "allow"],
  ["the server of a trunk, where all are allowed", trunk, { default: "allow" }, "allow"],
] as const)("%s", (_who, watcher, rules, permission) => {
  expect(permissionOf({ watchers: {}, ...rules }, watcher, owner, watcher !== trunk)).toBe(permission);
});
