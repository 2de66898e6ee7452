import { describe, expect, it } from "vitest";
import { type ListView, type ResourceView, listBody } from "../../../../lib/presence/rlmi.ts";
import { readNotice } from "../../../support/list-watching.ts";

const pidf = (basic: string) => ({ type: "application/pidf+xml", text: `<presence><basic>${basic}</basic></presence>` });

function body(resources: readonly ResourceView[], more: Partial<ListView> = {}) {
  const list = { uri: "sip:list.friends.alice@example.com", name: "friends", version: 7, isFull: true, id: "abc", host: "example.com" };
  const { type, text } = listBody({ ...list, resources, ...more });
  return { type, text, notice: readNotice({ body: text, headers: [["content-type", type]] }) };
}

const instance = (state: "active" | "pending" | "terminated", more: Partial<NonNullable<ResourceView["instance"]>> = {}) => ({
  ...{ id: "i1", state, reason: undefined, body: undefined },
  ...more,
});

describe("the body of a list's notification (RFC 4662 §5)", () => {
  it("has the RLMI document as its root, and one part for each state, named by its cid", () => {
    const { type, text, notice } = body([
      { uri: "sip:bob@example.com", name: "Bob", instance: instance("active", { body: pidf("open") }) },
      { uri: "sip:carol@example.com", instance: instance("pending") },
      { uri: "sip:dave@example.com", instance: instance("terminated", { reason: "rejected" }) },
      { uri: "sip:erin@example.com", instance: undefined },
    ]);
    expect(type).toBe('multipart/related;type="application/rlmi+xml";start="<abc.7.0@example.com>";boundary="abc-7"');
    expect(notice).toMatchObject({
      version: 7,
      isFull: true,
      resources: {
        "sip:bob@example.com": "active open",
        "sip:carol@example.com": "pending",
        "sip:dave@example.com": "terminated rejected",
        "sip:erin@example.com": "unknown",
      },
    });
    expect(Object.keys(notice.parts)).toEqual(["abc.7.0@example.com", "abc.7.1@example.com"]);
    expect(text).toContain("Content-ID: <abc.7.1@example.com>\r\nContent-Type: application/pidf+xml\r\n\r\n<presence>");
    expect(text).toContain("<name>friends</name><resource");
  });

  it("of nobody is an empty list", () => {
    const { notice } = body([], { isFull: false, version: 0 });
    expect(notice).toMatchObject({ version: 0, isFull: false, resources: {} });
  });

  it.each([
    ["markup", 'a <b> & "c"', "a &lt;b&gt; &amp; &quot;c&quot;"],
    ["control characters", "a\u0000\u0007b", "ab"],
    ["half a character", "a\ud800b", "a\ufffdb"],
    ["what XML cannot hold", "a\uFFFEb", "ab"],
  ])("a name with %s is told as XML can hold it", (_what, name, told) => {
    expect(body([{ uri: "sip:b@example.com", name, instance: undefined }]).text).toContain(`<name>${told}</name>`);
  });

  it("has a boundary that is in no part, whatever somebody publishes", () => {
    const hostile = { type: "text/plain", text: "--abc-7--\r\n--abc-7." };
    const { type, notice } = body([{ uri: "sip:b@example.com", instance: instance("active", { body: hostile }) }]);
    expect(type).toContain('boundary="abc-7.."');
    expect(notice.parts["abc.7.1@example.com"]).toBe(`${hostile.text}\r\n`);
  });
});
