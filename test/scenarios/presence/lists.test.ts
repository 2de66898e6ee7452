import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/heard.ts";
import { readNotice, tableOf, watchList } from "../../support/list-watching.ts";
import { pidf, publishes, watch } from "../../support/watching.ts";
import { type Cast, type CastOptions, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

const friends = { owner: "alice", name: "friends" };
const uri = "sip:list.friends.alice@example.com";
const [bob, carol, dave] = ["sip:bob@example.com", "sip:carol@example.com", "sip:dave@example.com"] as const;
const entries = (...uris: readonly string[]) => uris.map((one) => ({ uri: one }));

/** Alice watches her list of friends; all of them are there but dave, who has never been. */
async function watching(options: CastOptions = {}, event = "presence", ...uris: readonly string[]) {
  cast = await stage(options);
  const second = await cast.joins("carol");
  await cast.world.changeList(friends, entries(...(uris.length > 0 ? uris : [bob, carol])));
  const subscription = watchList(cast.alice, uri, event);
  await cast.world.settle();
  const notices = () => subscription.notified().map(readNotice);
  return { ...cast, carol: second, subscription, notices, table: () => tableOf(subscription.notified()) };
}

describe("a list of a user's own (RFC 4662 §4)", () => {
  it("is watched with one subscription: 200 with Require, then the full state of all its resources", async () => {
    const { alice, subscription, notices } = await watching();
    const granted = alice.last(200, "SUBSCRIBE");
    expect([header(granted, "require"), header(granted, "expires"), header(granted, "contact")]).toEqual(["eventlist", "600", `<${uri}>`]);
    const notify = subscription.last();
    expect([header(notify, "require"), header(notify, "event"), header(notify, "subscription-state")]).toEqual([
      "eventlist",
      "presence",
      "active;expires=600",
    ]);
    expect(notices()).toMatchObject([{ version: 0, isFull: true, resources: { [bob]: "active open", [carol]: "active open" } }]);
  });

  it("tells of a change by a partial document with that resource alone, its version one higher (§5.2)", async () => {
    const { world, bob: phone, notices } = await watching();
    phone.leaves();
    await world.settle();
    publishes(cast.bob, pidf(bob, "open", "busy"));
    await phone.comesOnline();
    await world.settle();
    expect(notices().slice(1)).toMatchObject([
      { version: 1, isFull: false, resources: { [bob]: "active closed" } },
      { version: 2, isFull: false, resources: { [bob]: "active open" } },
    ]);
    expect(notices().map(({ parts }) => Object.keys(parts).length)).toEqual([3, 2, 2]);
  });

  it("gathers what happens within a moment", async () => {
    const { world, bob: phone, carol: other, notices } = await watching();
    phone.leaves();
    other.leaves();
    await world.settle();
    expect(notices().at(-1)).toMatchObject({ version: 1, resources: { [bob]: "active closed", [carol]: "active closed" } });
  });

  it("is told in full after a refresh, and after an end", async () => {
    const { world, subscription, notices } = await watching();
    await world.pass(100);
    subscription.refresh(600);
    await world.settle();
    expect(notices().at(-1)).toMatchObject({ version: 1, isFull: true, resources: { [bob]: "active open", [carol]: "active open" } });
    subscription.refresh(0);
    await world.settle();
    expect([header(subscription.last(), "subscription-state"), notices().at(-1)]).toMatchObject([
      "terminated;reason=timeout",
      { version: 2, isFull: true },
    ]);
  });

  it("is fetched with Expires: 0: one notification, with the states", async () => {
    cast = await stage();
    await cast.world.changeList(friends, entries(bob, dave));
    const subscription = watchList(cast.alice, uri, "presence", [], 0);
    await cast.world.settle();
    await cast.world.pass(3);
    expect([header(cast.alice.last(200, "SUBSCRIBE"), "expires"), subscription.notified().length]).toEqual(["0", 1]);
    expect(header(subscription.last(), "subscription-state")).toBe("terminated;reason=timeout");
    expect(readNotice(subscription.last())).toMatchObject({
      isFull: true,
      resources: { [bob]: "active open", [dave]: "terminated noresource" },
    });
    expect(rows("bob", "subscriptions")).toBe(0);
  });

  it("expires, and its back-end subscriptions end with it", async () => {
    const { world, subscription } = await watching();
    expect(rows("bob", "subscriptions")).toBe(1);
    await world.pass(610);
    expect(header(subscription.last(), "subscription-state")).toBe("terminated;reason=timeout");
    expect([rows("bob", "subscriptions"), rows("alice", "list_subscriptions"), rows("alice", "back_ends")]).toEqual([0, 0, 0]);
    subscription.refresh(600);
    await world.settle();
    expect(subscription.status()).toBe(481);
  });

  it("of dialogs shows lamps (RFC 4235)", async () => {
    const { world, bob: phone, carol: other, notices } = await watching({}, "dialog");
    other.invites(phone.aor);
    await world.settle();
    expect(notices().at(-1)?.resources).toEqual({ [bob]: "active early", [carol]: "active trying" });
  });

  it("shows its owner too, and people he has named otherwise, under the URI that was written", async () => {
    const { notices } = await watching({}, "presence", "sip:alice@example.com", "sip:bob@EXAMPLE.com;user=phone");
    expect(notices().at(-1)?.resources).toEqual({
      "sip:alice@example.com": "active open",
      "sip:bob@EXAMPLE.com;user=phone": "active open",
    });
  });
});

/** How many rows a table of a home has. */
function rows(username: string, table: string): number {
  return cast.world.homeOf(username).sql.exec(`SELECT * FROM ${table}`).toArray().length;
}

describe("what a list shows is what its watcher may see himself", () => {
  const watchingRules = (permission: string) => ({ bob: { watching: { watchers: { "alice@example.com": permission } } } });

  it.each([
    ["block", "terminated rejected"],
    ["polite-block", "active closed"],
    ["confirm", "pending"],
    ["allow", "active open"],
  ])("%s: %s", async (permission, shown) => {
    const { notices } = await watching({ rules: watchingRules(permission) });
    expect(notices().at(-1)?.resources).toEqual({ [bob]: shown, [carol]: "active open" });
  });

  it("a buddy who blocks him is not shown any more, and one who lets him is", async () => {
    const { world, notices } = await watching();
    await world.changeRules("bob", { watching: { watchers: { "alice@example.com": "block" } } });
    await world.settle();
    expect(notices().at(-1)).toMatchObject({ isFull: false, resources: { [bob]: "terminated rejected" } });
    await world.changeRules("carol", { watching: { watchers: { "alice@example.com": "confirm" } } });
    await world.settle();
    expect(notices().at(-1)).toMatchObject({ isFull: false, resources: { [carol]: "pending" } });
    await world.changeRules("carol", { watching: { watchers: { "alice@example.com": "allow" } } });
    await world.settle();
    expect(notices().at(-1)).toMatchObject({ isFull: false, resources: { [carol]: "active open" } });
  });

  it("who did not let him is asked again when he refreshes", async () => {
    const { world, subscription, notices } = await watching({ rules: watchingRules("block") });
    await world.changeRules("bob", {});
    await world.pass(60);
    subscription.refresh(600);
    await world.settle();
    expect(notices().at(-1)?.resources).toMatchObject({ [bob]: "active open" });
  });

  it("another user's list is refused: 403", async () => {
    await watching();
    const subscription = watchList(cast.bob, uri);
    await cast.world.settle();
    expect([subscription.status(), subscription.notified()]).toEqual([403, []]);
  });
});

describe("a changed list", () => {
  it("holds at once: who was added appears, who was removed is told to be gone (RFC 4662 §4.5)", async () => {
    const { world, notices, table } = await watching({}, "presence", bob);
    await world.changeList(friends, entries(carol));
    await world.settle();
    const last = notices().slice(1);
    expect(last.every(({ isFull }) => !isFull)).toBe(true);
    expect(table()).toEqual({ [bob]: "terminated deactivated", [carol]: "active open" });
    expect(rows("bob", "subscriptions")).toBe(0);
  });

  it("shows another name", async () => {
    const { world, subscription } = await watching();
    await world.changeList(friends, [{ uri: bob, name: "Bob <b>" }, { uri: carol }]);
    await world.settle();
    expect(subscription.last().body).toContain(`<resource uri="${bob}"><name>Bob &lt;b&gt;</name>`);
    expect(subscription.last().body).not.toContain(carol);
  });

  it("that is deleted ends its subscriptions: noresource", async () => {
    const { world, subscription, notices } = await watching();
    await world.changeList(friends);
    await world.settle();
    expect(header(subscription.last(), "subscription-state")).toBe("terminated;reason=noresource");
    expect(notices().at(-1)).toMatchObject({ isFull: true, resources: {} });
    expect(rows("bob", "subscriptions")).toBe(0);
  });

  it("is read again at a refresh, should nobody have told of it", async () => {
    const { world, subscription, table } = await watching({}, "presence", bob);
    await world.changeList({ ...friends, owner: "bob" }, entries(bob));
    world.homeOf("alice").connections[0]?.cut();
    await world.pass(5);
    world.changeListUnnoticed(friends, entries(bob, carol));
    subscription.refresh(600);
    await world.settle();
    expect(table()).toEqual({ [bob]: "active open", [carol]: "active open" });
  });
});

describe("a list of the domain", () => {
  const team = { owner: undefined, name: "team" };
  const group = "sip:list.team@example.com";

  it("is watched by all its users, each with his own permissions, and is told of its changes", async () => {
    cast = await stage({ rules: { carol: { watching: { watchers: { "bob@example.com": "block" } } } } });
    await cast.joins("carol");
    await cast.world.changeList(team, entries(carol));
    const [one, other] = [watchList(cast.alice, group), watchList(cast.bob, group)];
    await cast.world.settle();
    expect([tableOf(one.notified()), tableOf(other.notified())]).toEqual([{ [carol]: "active open" }, { [carol]: "terminated rejected" }]);
    await cast.world.changeList(team, entries(carol, bob));
    await cast.world.settle();
    expect([one, other].map(({ notified }) => tableOf(notified())?.[bob])).toEqual(["active open", "active open"]);
  });
});

describe("SUBSCRIBE to a list is refused", () => {
  it.each<readonly [string, string, string, readonly string[], number]>([
    ["without Supported: eventlist: 421 (RFC 4662 §4.1)", uri, "presence", [], 421],
    ["that requires what is not known here: 420", uri, "presence", ["Supported: eventlist", "Require: recipient-list-subscribe"], 420],
    ["by one who does not take its documents: 406", uri, "presence", ["Supported: eventlist", "Accept: application/pidf+xml"], 406],
    ["for a package that has no lists: 489", uri, "reg", ["Supported: eventlist"], 489],
    ["that is not there: 404", "sip:list.nobody.alice@example.com", "presence", ["Supported: eventlist"], 404],
    ["that is not there in the domain: 404", "sip:list.friends@example.com", "presence", ["Supported: eventlist"], 404],
  ])("%s", async (_rule, to, event, lines, status) => {
    await watching();
    const subscription = watch(cast.alice, to, event, lines);
    await cast.world.settle();
    expect([subscription.status(), subscription.notified(), cast.world.faults]).toEqual([status, [], []]);
  });

  it("when he watches as many as he may: 503", async () => {
    await watching();
    const more = Array.from({ length: 10 }, () => watchList(cast.alice, uri));
    await cast.world.settle();
    expect(more.filter(({ status }) => status() === 503)).toHaveLength(1);
    // However many there are, each resource is watched once.
    expect(rows("bob", "subscriptions")).toBe(1);
  });

  it("when the directory is down: 503", async () => {
    await watching();
    cast.world.loseDirectory();
    const subscription = watchList(cast.alice, uri);
    await cast.world.settle();
    expect(subscription.status()).toBe(503);
  });
});
