import { describe, expect, it } from "vitest";
import type { ReceivedMessage } from "../support/received-message.ts";
import { listLines, readNotice, tableOf } from "../support/list-watching.ts";
import type { Phone } from "../support/phone.ts";
import { api, forgetEverything, newcomers, registered, rowsOf, spentBy } from "./support/homes.ts";

const put = (at: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
  api(at, { method: "PUT", body: JSON.stringify(body), ...init });
const ofUser = (username: string, list = "friends"): string => `/domains/localhost/subscribers/${username}/lists/${list}`;
const ofDomain = (list: string): string => `/domains/localhost/lists/${list}`;
const aor = (username: string): string => `sip:${username}@localhost`;
const subscribing = [
  ["Event", "presence"],
  ["Expires", "600"],
  ...listLines.map((line) => line.split(": ") as unknown as readonly [string, string]),
] as const;

/** A phone hears the state of all resources of a list, in one notification or in some. */
async function hearsAll(watcher: Phone): Promise<ReceivedMessage[]> {
  const heard: ReceivedMessage[] = [];
  do {
    const notify = await watcher.next("NOTIFY");
    watcher.reply(notify, 200);
    heard.push(notify);
  } while (Object.values(tableOf(heard) ?? {}).includes("unknown"));
  return heard;
}

describe("the lists of a subscriber", () => {
  it("are put, read, listed and deleted", async () => {
    const [alice] = await newcomers("alice");
    const entries = [{ uri: "sip:bob@example.com", name: "Bob" }, { uri: "tel:+4930123" }];
    const shown = { name: "friends", uri: `sip:list.friends.${alice}@localhost`, entries };
    const made = await put(ofUser(alice), { entries });
    expect([made.status, await made.json()]).toEqual([201, shown]);
    expect((await put(ofUser(alice), { entries })).status).toBe(200);
    expect(await (await api(ofUser(alice))).json()).toEqual(shown);
    expect(await (await api(`/domains/localhost/subscribers/${alice}/lists`)).json()).toEqual({ lists: [shown] });
    expect((await api(ofUser(alice), { method: "DELETE" })).status).toBe(204);
    expect((await api(ofUser(alice), { method: "DELETE" })).status).toBe(404);
    expect((await api(ofUser(alice))).status).toBe(404);
  });

  it("may be changed by himself, with his own password, and by no other", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const as = (name: string) => ({ headers: { Authorization: `Basic ${btoa(`${name}:offhook`)}`, "Content-Type": "application/json" } });
    expect((await put(ofUser(alice), { entries: [] }, as(alice))).status).toBe(201);
    expect((await put(ofUser(alice), { entries: [] }, as(bob))).status).toBe(401);
    expect((await put(ofDomain("all"), { entries: [] }, as(alice))).status).toBe(401);
  });

  it("go with him", async () => {
    const [alice] = await newcomers("alice");
    await put(ofUser(alice), { entries: [] });
    await api(`/domains/localhost/subscribers/${alice}`, { method: "DELETE" });
    expect((await put(ofUser(alice), { entries: [] })).status).toBe(404);
    await put(`/domains/localhost/subscribers/${alice}`, { password: "offhook" });
    expect((await api(ofUser(alice))).status).toBe(404);
  });

  it.each([
    ["with an entry that is no URI", { entries: [{ uri: "bob" }] }, 400],
    ["with an entry that names nobody", { entries: [{ uri: "sip:example.com" }] }, 400],
    ["with a list in it", { entries: [{ uri: "sip:list.friends.bob@localhost" }] }, 400],
    ["that names somebody twice", { entries: [{ uri: "sip:bob@example.com" }, { uri: "sip:bob@EXAMPLE.com" }] }, 400],
    ["with a control character in a name", { entries: [{ uri: "sip:bob@example.com", name: "a\u0007" }] }, 400],
    [
      "with more entries than a list may have",
      { entries: Array.from({ length: 501 }, (_, index) => ({ uri: `sip:u${index}@example.com` })) },
      400,
    ],
    ["with a member that is not known", { entries: [], more: 1 }, 400],
  ])("are refused %s", async (_rule, body, status) => {
    const [alice] = await newcomers("alice");
    const answer = await put(ofUser(alice), body);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "application/problem+json"]);
  });

  it("have names that phones can dial, and none is called as those that come in a SUBSCRIBE", async () => {
    const [alice] = await newcomers("alice");
    for (const name of ["adhoc", "a.b", "Friends", "x".repeat(33)])
      expect((await put(ofUser(alice, name), { entries: [] })).status).toBe(400);
  });

  it("are twenty at most: 409", async () => {
    const [alice] = await newcomers("alice");
    for (let count = 0; count < 20; count += 1) expect((await put(ofUser(alice, `l${count}`), { entries: [] })).status).toBe(201);
    expect((await put(ofUser(alice, "one-more"), { entries: [] })).status).toBe(409);
  });

  it("have names that no subscriber and no alias can have: 400", async () => {
    const [alice] = await newcomers("alice");
    expect((await put("/domains/localhost/subscribers/list.friends", { password: "x" })).status).toBe(400);
    expect((await put(`/domains/localhost/subscribers/${alice}`, { aliases: ["list.friends.alice"] })).status).toBe(400);
  });
});

describe("the lists of a domain", () => {
  it("are put, listed and deleted", async () => {
    await newcomers("alice");
    const shown = { name: "sales", uri: "sip:list.sales@localhost", entries: [{ uri: "sip:bob@example.com" }] };
    expect(await (await put(ofDomain("sales"), { entries: shown.entries })).json()).toEqual(shown);
    expect(await (await api("/domains/localhost/lists")).json()).toMatchObject({ lists: expect.arrayContaining([shown]) });
    expect((await api(ofDomain("sales"), { method: "DELETE" })).status).toBe(204);
    expect((await put("/domains/nowhere.example/lists/sales", { entries: [] })).status).toBe(404);
  });
});

describe("a change of a list", () => {
  it.each(["of the user", "of the domain"])("%s is told at once to those who watch it", async (whose) => {
    const [alice, bob, carol] = await newcomers("alice", "bob", "carol");
    const [watcher] = [await registered({ account: alice, way: "direct" })];
    for (const account of [bob, carol]) await registered({ account, way: "direct" });
    const [at, uri] =
      whose === "of the user" ? [ofUser(alice), `sip:list.friends.${alice}@localhost`] : [ofDomain("team"), "sip:list.team@localhost"];
    await put(at, { entries: [{ uri: aor(bob) }] });
    watcher.request("SUBSCRIBE", uri, { headers: subscribing });
    const before = await hearsAll(watcher);
    expect([before.map((one) => readNotice(one).version)[0], tableOf(before)]).toEqual([0, { [aor(bob)]: "active open" }]);
    await put(at, { entries: [{ uri: aor(carol), name: "Carol" }] });
    const told = await watcher.next((message) => message.body.includes(`uri="${aor(carol)}"`));
    watcher.reply(told, 200);
    expect(readNotice(told)).toMatchObject({ isFull: false, resources: { [aor(bob)]: "terminated deactivated" } });
    await expect.poll(() => rowsOf(bob, "subscriptions")).toBe(0);
    await api(at, { method: "DELETE" });
    const last = await watcher.next((message) => message.headers.some(([, value]) => value === "terminated;reason=noresource"));
    expect(readNotice(last).resources).toEqual({});
  });
});

describe("a home that has slept", () => {
  it("goes on with the next version, in a partial document", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const [watcher, buddy] = [await registered({ account: alice, way: "direct" }), await registered({ account: bob, way: "direct" })];
    await put(ofUser(alice), { entries: [{ uri: aor(bob) }, { uri: aor(alice) }] });
    watcher.request("SUBSCRIBE", `sip:list.friends.${alice}@localhost`, { headers: subscribing });
    const before = await hearsAll(watcher);
    const version = readNotice(before.at(-1) as ReceivedMessage).version;
    await forgetEverything();
    buddy.socket.close(1000);
    const told = await watcher.next((message) => message.method === "NOTIFY" && message.body.includes(">closed<"));
    expect(readNotice(told)).toMatchObject({ version: version + 1, isFull: false, resources: { [aor(bob)]: "active closed" } });
  });
});

describe("what a list costs", () => {
  it("a buddy's change writes one row at the watcher's home, however many lists he is on", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    const watcher = await registered({ account: alice, way: "direct" });
    const buddy = await registered({ account: bob, way: "direct" });
    for (const list of ["one", "two"]) {
      await put(ofUser(alice, list), { entries: [{ uri: aor(bob) }] });
      watcher.request("SUBSCRIBE", `sip:list.${list}.${alice}@localhost`, { headers: subscribing });
      await hearsAll(watcher);
    }
    expect(await rowsOf(bob, "subscriptions")).toBe(1);
    await spentBy(alice);
    buddy.socket.close(1000);
    for (let count = 0; count < 2; count += 1) {
      const told = await watcher.next((message) => message.method === "NOTIFY" && message.body.includes(">closed<"));
      expect(readNotice(told).isFull).toBe(false);
      watcher.reply(told, 200);
    }
    expect(await spentBy(alice)).toMatchObject({ rowsWritten: 1, alarmsSet: 0 });
  });
});
