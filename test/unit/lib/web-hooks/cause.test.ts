import { expect, it } from "vitest";
import { causeOf } from "../../../../lib/web-hooks/cause.ts";

it.each([
  ["the caller", { caller: "alice@example.com", callee: "bob@example.com", trunk: "provider" }, "alice@example.com"],
  ["for the user whom a trunk or a guest calls", { caller: null, callee: "bob@example.com", trunk: "provider" }, "to bob@example.com"],
  ["the user who registers", { user: "bob@example.com", contact: "sip:x" }, "bob@example.com"],
  ["for the receiver of a message", { user: "bob@example.com", from: "<sip:x@y>" }, "to bob@example.com"],
  ["the trunk", { trunk: "provider", server: "sip:x" }, "trunk provider"],
  ["none of them", { web_hook: "app" }, ""],
])("the cause of an event is %s", (_name, data, cause) => {
  expect(causeOf(data)).toBe(cause);
});
