import { describe, expect, it } from "vitest";
import { api, newcomers, registered } from "./support/homes.ts";

const path = (username: string, what: string): string => `/domains/localhost/subscribers/${username}/${what}`;
const put = (at: string, body: unknown): Promise<Response> => api(at, { method: "PUT", body: JSON.stringify(body) });
const subscribe = (event: string): readonly (readonly [string, string])[] => [
  ["Event", event],
  ["Expires", "600"],
];

describe("what an application says of a subscriber", () => {
  it("is told to those who watch him, until it takes it back", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [watcher, watched] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
    watcher.request("SUBSCRIBE", watched.aor, { headers: subscribe("presence") });
    watcher.reply(await watcher.next("NOTIFY"), 200);
    const said = { open: false, activity: "vacation", note: "Back <soon>", expires: 600 };
    expect(await (await put(path(bob, "presence"), said)).json()).toEqual(said);
    const told = await watcher.next((message) => message.body.includes("vacation"));
    expect([told.body.includes(">closed<"), told.body.includes("Back &lt;soon&gt;")]).toEqual([true, true]);
    watcher.reply(told, 200);
    expect((await api(path(bob, "presence"), { method: "DELETE" })).status).toBe(204);
    expect((await watcher.next((message) => message.body.includes(">open<"))).body).not.toContain("vacation");
  });

  it("of his voice mail is told to his phones (RFC 3842)", async () => {
    const [bob] = await newcomers("bob");
    const phone = await registered({ account: bob, way: "direct" });
    phone.request("SUBSCRIBE", phone.aor, { headers: subscribe("message-summary") });
    phone.reply(await phone.next("NOTIFY"), 200);
    expect((await put(path(bob, "voice-mail"), { unread: 2, read: 5 })).status).toBe(200);
    const told = await phone.next((message) => message.body.includes("Voice-Message"));
    expect(told.body).toContain("Messages-Waiting: yes\r\n");
    expect(told.body).toContain("Voice-Message: 2/5\r\n");
  });

  it.each([
    ["an activity that is none", "presence", { activity: "flying" }],
    ["a time that is too short", "presence", { expires: 1 }],
    ["a note with a control character", "presence", { note: "a\u0001b" }],
    ["a note with half a character", "presence", { note: "\ud800" }],
    ["a count that is none", "voice-mail", { unread: -1 }],
  ])("is refused with %s: 400", async (_rule, what, body) => {
    const [bob] = await newcomers("bob");
    expect((await put(path(bob, what), body)).status).toBe(400);
  });

  it("is refused for one whose home is not open: 409, and for nobody: 404", async () => {
    const [bob] = await newcomers("bob");
    expect((await put(path(bob, "presence"), {})).status).toBe(409);
    expect((await put(path("nobody", "presence"), {})).status).toBe(404);
  });
});
