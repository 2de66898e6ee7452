import { describe, expect, it } from "vitest";
import { canonicalResource, listUri, readListUser } from "../../../../lib/presence/resource-list.ts";

describe("the user part of a list's URI", () => {
  it.each([
    ["list.sales", { name: "sales", owner: undefined }],
    ["list.friends.alice", { name: "friends", owner: "alice" }],
    ["list.friends.alice.b.smith", { name: "friends", owner: "alice.b.smith" }],
    ["list.", { name: "", owner: undefined }],
    ["list", undefined],
    ["alice", undefined],
    ["List.sales", undefined],
    ["alist.sales", undefined],
  ])("%s", (user, name) => {
    expect(readListUser(user)).toEqual(name);
    expect(name === undefined || listUri(name, "example.com") === `sip:${user}@example.com`).toBe(true);
  });
});

describe("the one spelling of a resource's URI (RFC 3261 §19.1.4)", () => {
  it.each([
    ["sip:bob@EXAMPLE.com", "sip:bob@example.com"],
    ["sip:%62ob@example.com", "sip:bob@example.com"],
    ["SIP:Bob@example.com;user=phone", "sip:Bob@example.com;user=phone"],
    ["sips:bob@example.com:5061", "sips:bob@example.com:5061"],
    ["tel:+4930123", "tel:+4930123"],
    ["sip:example.com", undefined],
    ["sip:bob@example.com?Subject=x", undefined],
    ["sip:bob:secret@example.com", undefined],
    ["http://example.com/bob", undefined],
    ["bob", undefined],
    ["", undefined],
  ])("%s", (text, spelling) => {
    expect(canonicalResource(text)).toBe(spelling);
  });
});
