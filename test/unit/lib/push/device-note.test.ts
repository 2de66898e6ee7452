import { describe, expect, it } from "vitest";
import {
  type DeviceNote,
  emptyNote,
  isEmptyNote,
  senderOf,
  sentNote,
  withMessage,
  withRinging,
  withoutRinging,
} from "../../../../lib/push/device-note.ts";
import { receive } from "../support/sip.ts";

const now = 1_700_000_000_000;
const call = (name: string, until = now + 45_000) => ({ call: name, from: `sip:${name}@example.com`, until });
const shown = (note: DeviceNote) => JSON.parse(sentNote(note, now).text) as unknown;
const from = (name: string) => ({ from: `sip:${name}@example.com` });

describe("the note of a sleeping device", () => {
  it("shows who calls, as long as the call waits", () => {
    const note = withRinging(withRinging(emptyNote, call("bob")), call("carol", now + 60_000));
    expect(shown(note)).toEqual({ ringing: [from("bob"), from("carol")], missed: null, messages: null, refresh: false });
    expect(sentNote(note, now)).toMatchObject({ ttl: 60, isUrgent: true });
    expect(withRinging(note, call("bob")).ringing).toHaveLength(2);
  });

  it("shows five calls at most, the newest", () => {
    const note = [1, 2, 3, 4, 5, 6].reduce((before, number) => withRinging(before, call(`c${number}`)), emptyNote);
    expect(note.ringing.map((one) => one.call)).toEqual(["c2", "c3", "c4", "c5", "c6"]);
  });

  it("counts what was missed, and names the last", () => {
    const ringing = withRinging(withRinging(emptyNote, call("bob")), call("carol"));
    const note = withoutRinging(withoutRinging(ringing, "bob", true), "carol", true);
    expect(shown(note)).toEqual({ ringing: [], missed: { count: 2, last: from("carol") }, messages: null, refresh: false });
    expect(sentNote(note, now)).toMatchObject({ ttl: 86_400, isUrgent: false });
  });

  it("does not count a call that another phone has answered, or that it did not show", () => {
    const ringing = withRinging(emptyNote, call("bob"));
    expect(withoutRinging(ringing, "bob", false)).toEqual(emptyNote);
    expect(withoutRinging(ringing, "other", true)).toBe(ringing);
  });

  it("counts messages", () => {
    const note = withMessage(withMessage(emptyNote, from("bob")), from("carol"));
    expect(shown(note)).toMatchObject({ messages: { count: 2, last: from("carol") } });
  });

  it("is empty when nothing has to be remembered", () => {
    expect(isEmptyNote(emptyNote)).toBe(true);
    expect(
      [withRinging(emptyNote, call("bob")), withMessage(emptyNote, from("bob")), { ...emptyNote, refresh: true as const }].map(isEmptyNote),
    ).toEqual([false, false, false]);
  });

  it.each([
    ["long", `sip:${"x".repeat(300)}@example.com`, "ü".repeat(400)],
    ["quotation marks", "sip:a@example.com", '\\"'.repeat(100)],
    ["no UTF-8", `x:${"\x81".repeat(300)}`, "\x81".repeat(300)],
  ])("fits into a push message (RFC 8291 §4: 3993 octets), also within JSON (4096), whatever the names: %s", (_kind, from, name) => {
    const { request } = receive("INVITE sip:a@b", `From: "${name}" <${from}>;tag=1`);
    expect(senderOf(request).from).not.toBe("");
    const note = [1, 2, 3, 4, 5, 6].reduce(
      (before, number) => withRinging(before, { ...call(`c${number}`), ...senderOf(request) }),
      emptyNote,
    );
    const { text } = sentNote(withMessage(withoutRinging(note, "c2", true), senderOf(request)), now);
    expect(new TextEncoder().encode(text).length).toBeLessThan(3993);
    expect(new TextEncoder().encode(JSON.stringify({ aps: {}, offhook: text })).length).toBeLessThan(4000);
    expect(JSON.parse(text)).toMatchObject({ ringing: expect.arrayContaining([senderOf(request)]), missed: { count: 1 } });
  });
});

describe("who calls", () => {
  it.each([
    ['"Bob B." <sip:bob@example.com>;tag=1', { from: "sip:bob@example.com", name: "Bob B." }],
    ["<sip:bob@example.com>;tag=1", { from: "sip:bob@example.com" }],
    ['"\xe2\x80\xaeecilA" <sip:j@example.com>;tag=1', { from: "sip:j@example.com", name: "ecilA" }],
    ['"J\u00c3\u00b6rg" <sip:j@example.com>;tag=1', { from: "sip:j@example.com", name: "J\u00f6rg" }],
  ])("in %s", (written, sender) => {
    expect(senderOf(receive("INVITE sip:a@b", `From: ${written}`).request)).toEqual(sender);
  });
});
