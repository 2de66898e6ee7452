import { afterEach, describe, expect, it } from "vitest";
import { SimulatedPhone } from "../../support/simulated-phone.ts";
import { header } from "../../support/received-message.ts";
import { readNotice, recipientList, tableOf, watchList, watchOwnList } from "../../support/list-watching.ts";
import { pidf, publishes, watch } from "../../support/watching.ts";
import { type Scenario, type ScenarioOptions, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const friends = { owner: "alice", name: "friends" };
const uri = "sip:list.friends.alice@example.com";
const [bob, carol, dave] = ["sip:bob@example.com", "sip:carol@example.com", "sip:dave@example.com"] as const;
const entries = (...uris: readonly string[]) => uris.map((one) => ({ uri: one }));

/** Alice watches her list of friends; all of them are there but dave, who has never been. */
async function watching(options: ScenarioOptions = {}, event = "presence", ...uris: readonly string[]) {
  scenario = await startScenario(options);
  const second = await scenario.joins("carol");
  await scenario.world.changeList(friends, entries(...(uris.length > 0 ? uris : [bob, carol])));
  const subscription = watchList(scenario.alice, uri, event);
  await scenario.world.settle();
  const notices = () => subscription.notified().map(readNotice);
  return { ...scenario, carol: second, subscription, notices, table: () => tableOf(subscription.notified()) };
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
    publishes(scenario.bob, pidf(bob, "open", "busy"));
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
    scenario = await startScenario();
    await scenario.world.changeList(friends, entries(bob, dave));
    const subscription = watchList(scenario.alice, uri, "presence", [], 0);
    await scenario.world.settle();
    await scenario.world.pass(3);
    expect([header(scenario.alice.last(200, "SUBSCRIBE"), "expires"), subscription.notified().length]).toEqual(["0", 1]);
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
  return scenario.world.homeOf(username).sql.rows(table).length;
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
    const subscription = watchList(scenario.bob, uri);
    await scenario.world.settle();
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
    scenario = await startScenario({ rules: { carol: { watching: { watchers: { "bob@example.com": "block" } } } } });
    await scenario.joins("carol");
    await scenario.world.changeList(team, entries(carol));
    const [one, other] = [watchList(scenario.alice, group), watchList(scenario.bob, group)];
    await scenario.world.settle();
    expect([tableOf(one.notified()), tableOf(other.notified())]).toEqual([{ [carol]: "active open" }, { [carol]: "terminated rejected" }]);
    await scenario.world.changeList(team, entries(carol, bob));
    await scenario.world.settle();
    expect([one, other].map(({ notified }) => tableOf(notified())?.[bob])).toEqual(["active open", "active open"]);
  });
});

describe("a list that comes in its SUBSCRIBE (RFC 5367)", () => {
  const own = "sip:list.adhoc@example.com";
  const typed = [
    "Require: recipient-list-subscribe",
    "Content-Type: application/resource-lists+xml",
    "Content-Disposition: recipient-list",
  ];

  async function bringing(body: string, lines?: readonly string[], to = own) {
    scenario = await startScenario();
    const subscription = watchOwnList(scenario.alice, to, body, lines);
    await scenario.world.settle();
    return subscription;
  }

  it("is watched as any other", async () => {
    const subscription = await bringing(recipientList(bob, dave));
    expect([subscription.status(), tableOf(subscription.notified())]).toEqual([
      200,
      { [bob]: "active open", [dave]: "terminated noresource" },
    ]);
    scenario.bob.leaves();
    await scenario.world.settle();
    expect(readNotice(subscription.notified().at(-1)!)).toMatchObject({ version: 1, isFull: false, resources: { [bob]: "active closed" } });
  });

  it("of 480 people does not block its user: he calls meanwhile, and the next page's list takes the place of the last one's", async () => {
    scenario = await startScenario();
    const people = (page: number) => recipientList(bob, ...Array.from({ length: 479 }, (_, index) => `sip:p${page}x${index}@example.com`));
    const first = watchOwnList(scenario.alice, own, people(0));
    await scenario.world.settle();
    scenario.alice.invites(bob);
    await scenario.world.settle();
    expect([first.status(), scenario.alice.state]).toEqual([200, "hears ringing"]);
    for (const page of [1, 2, 3]) {
      const next = watchOwnList(scenario.alice, own, people(page));
      await scenario.world.settle();
      await scenario.world.pass(60);
      expect([page, next.status(), tableOf(next.notified())?.[bob]]).toEqual([page, 200, "active open"]);
    }
  });

  it("may be asked for in his own name, and in no other's: 403", async () => {
    expect((await bringing(recipientList(bob), typed, "sip:list.adhoc.alice@example.com")).status()).toBe(200);
    expect((await bringing(recipientList(bob), typed, "sip:list.adhoc.bob@example.com")).status()).toBe(403);
  });

  it("may have lists in it, which are taken as flat, and names; who is named twice is shown once", async () => {
    const inner = `<list><entry uri="${bob}"><display-name>Bob &amp; Co</display-name></entry><entry uri="${bob}"/></list>`;
    const subscription = await bringing(recipientList(dave).replace("</list>", `${inner}</list>`));
    expect(tableOf(subscription.notified())).toEqual({ [dave]: "terminated noresource", [bob]: "active open" });
    expect(subscription.notified()[0]?.body).toContain("<name>Bob &amp; Co</name>");
  });

  it("that names lists shows that nobody is there: no list leads into another", async () => {
    const subscription = await bringing(recipientList(own, uri));
    expect(tableOf(subscription.notified())).toEqual({ [own]: "terminated noresource", [uri]: "terminated noresource" });
  });

  it("may name people of other domains, who are not asked if the user may not call there, and URIs that nobody can be asked by", async () => {
    const subscription = await bringing(recipientList("sip:erin@elsewhere.example", "http://example.com/erin"));
    expect(tableOf(subscription.notified())).toEqual({
      "sip:erin@elsewhere.example": "terminated rejected",
      "http://example.com/erin": "terminated noresource",
    });
  });

  it.each<readonly [string, string, readonly string[], number]>([
    ["without a list: 400", "", typed, 400],
    ["without saying so in Require: 421", recipientList(bob), typed.slice(1), 421],
    ["of another type: 415", "x", ["Require: recipient-list-subscribe", "Content-Type: text/plain"], 415],
    ["compressed: 415", recipientList(bob), [...typed, "Content-Encoding: deflate"], 415],
    ["of another disposition: 400", recipientList(bob), typed.slice(0, 2), 400],
    ["that is no XML: 400", "<resource-lists", typed, 400],
    ["with a DTD: 400", `<!DOCTYPE r [<!ENTITY a "b">]>${recipientList(bob)}`, typed, 400],
    ["of another namespace: 400", recipientList(bob).replace("ns:resource-lists", "ns:other"), typed, 400],
    ["with an entry that has no URI: 400", recipientList(""), typed, 400],
    ["with a line break in a URI: 400", recipientList("sip:a@b.example&#13;&#10;X: y"), typed, 400],
    ["with a URI that is too long: 400", recipientList(`sip:${"a".repeat(300)}@b.example`), typed, 400],
    ["with too many elements: 400", recipientList(...Array.from({ length: 1100 }, (_, index) => `sip:u${index}@example.com`)), typed, 400],
  ])("is refused %s", async (_rule, body, lines, status) => {
    const subscription = await bringing(body, lines);
    expect([subscription.status(), subscription.notified(), scenario.world.faults]).toEqual([status, [], []]);
  });

  it("cannot be changed by a later SUBSCRIBE: 415 (§5.1)", async () => {
    const { subscription, world } = await watching();
    subscription.refresh(600, ["Content-Type: application/resource-lists+xml"], recipientList("sip:bob@example.com"));
    await world.settle();
    expect(subscription.status()).toBe(415);
  });

  it("requires no more in a later SUBSCRIBE than in the first: 420 (RFC 3261 §8.2.2.3)", async () => {
    const { subscription, world } = await watching();
    subscription.refresh(600, ["Require: foo"]);
    await world.settle();
    expect(subscription.status()).toBe(420);
  });

  it("is not taken by a user who is no list: 420", async () => {
    expect((await bringing(recipientList(bob), typed, bob)).status()).toBe(420);
  });
});

describe("a watcher's phone", () => {
  it("that is back on another connection is told the full state once", async () => {
    const { world, alice, bob: phone, notices } = await watching();
    phone.leaves();
    await world.settle();
    alice.isCut();
    await world.pass(3);
    expect(notices().slice(2)).toMatchObject([{ isFull: true, resources: { [bob]: "active closed", [carol]: "active open" } }]);
    await world.pass(60);
    expect(notices()).toHaveLength(3);
  });

  it("with two connections is told the full state when the newer one is gone", async () => {
    const { world, alice, bob: phone, notices } = await watching();
    const second = new SimulatedPhone(world, "alice", { instance: alice.instance, regId: 2 });
    await second.comesOnline();
    phone.leaves();
    await world.settle();
    expect(notices()).toHaveLength(1);
    expect(
      second
        .all("NOTIFY")
        .map((one) => readNotice(one))
        .at(-1),
    ).toMatchObject({ resources: { [bob]: "active closed" } });
    second.leaves();
    await world.settle();
    expect(notices().at(-1)).toMatchObject({ isFull: true, resources: { [bob]: "active closed", [carol]: "active open" } });
    const versions = [...alice.all("NOTIFY"), ...second.all("NOTIFY")].map((one) => readNotice(one).version);
    expect(versions.sort()).toEqual(versions.map((_version, index) => index));
  });

  it("that was away is told what it missed when it is back, and nothing was kept for it meanwhile", async () => {
    const { world, alice, bob: phone, notices } = await watching();
    alice.leaves();
    await world.pass(60);
    for (let count = 0; count < 3; count += 1) {
      phone.leaves();
      await world.pass(5);
      await phone.comesOnline();
      await world.pass(5);
    }
    phone.leaves();
    await world.pass(40);
    expect(rows("alice", "undelivered_messages")).toBe(0);
    await alice.comesOnline();
    await world.pass(2);
    expect(notices().slice(1)).toMatchObject([{ isFull: true, resources: { [bob]: "active closed", [carol]: "active open" } }]);
  });

  it("is told with versions that grow by one, also where the home has lost its memory", async () => {
    const { world, bob: phone, notices } = await watching();
    for (let count = 0; count < 3; count += 1) {
      world.lose("evict");
      phone.leaves();
      await world.pass(3);
      world.lose("evict");
      await phone.comesOnline();
      await world.pass(3);
    }
    expect(notices().map(({ version, isFull }) => [version, isFull])).toEqual([
      [0, true],
      ...[1, 2, 3, 4, 5, 6].map((version) => [version, false]),
    ]);
  });

  it("is told the full state, with a higher version, where all was lost", async () => {
    const { world, bob: phone, notices, table } = await watching();
    world.lose("kill");
    phone.leaves();
    await world.pass(10);
    const [first, ...later] = notices();
    expect([later[0]?.isFull, (later[0]?.version ?? 0) > (first?.version ?? 0)]).toEqual([true, true]);
    expect(table()).toEqual({ [bob]: "active closed", [carol]: "active open" });
  });

  it("that knows nothing of the subscription ends it: 481", async () => {
    const { world, alice, bob: phone } = await watching({ alice: { isManual: true } });
    alice.replies(alice.last("NOTIFY"), 481);
    await world.settle();
    phone.leaves();
    await world.pass(5);
    expect([alice.all("NOTIFY").length, rows("alice", "list_subscriptions"), rows("bob", "subscriptions")]).toEqual([1, 0, 0]);
  });

  it("is told no more often than it wants (RFC 6446), and then the newest state", async () => {
    const { world, bob: phone, notices } = await watching({}, "presence;max-rate=0.05");
    for (let count = 0; count < 3; count += 1) {
      phone.leaves();
      await world.pass(1);
      await phone.comesOnline();
      await world.pass(1);
    }
    phone.leaves();
    await world.pass(8);
    expect(notices()).toHaveLength(1);
    expect(world.isQuiet).toBe(true);
    await world.pass(20);
    expect(notices().slice(1)).toMatchObject([{ version: 1, resources: { [bob]: "active closed" } }]);
  });

  it("does not keep homes awake", async () => {
    const { world } = await watching();
    await world.pass(60);
    expect(world.isQuiet).toBe(true);
  });
});

describe("a list of people who publish a lot", () => {
  it("is told in some notifications, each of which a phone can take", async () => {
    scenario = await startScenario({ settings: { PUBLICATION_SIZE: "65536" } });
    const phones = [scenario.bob, await scenario.joins("carol"), await scenario.joins("dave")];
    for (const phone of phones) publishes(phone, pidf(phone.aor, "open").replace("</tuple>", `</tuple><note>${"x".repeat(60_000)}</note>`));
    await scenario.world.settle();
    for (const phone of phones) expect(phone.last(200, "PUBLISH").status).toBe(200);
    await scenario.world.changeList(friends, entries(bob, carol, dave));
    const subscription = watchList(scenario.alice, uri);
    await scenario.world.settle();
    const notices = subscription.notified().map(readNotice);
    expect(notices.map(({ version, isFull }) => [version, isFull])).toEqual([
      [0, true],
      [1, false],
    ]);
    expect(Object.values(notices[0]?.resources ?? {}).sort()).toEqual(["active open", "active open", "unknown"]);
    expect(tableOf(subscription.notified())).toEqual({ [bob]: "active open", [carol]: "active open", [dave]: "active open" });
  });
});

describe("back-end subscriptions (RFC 4662 §2)", () => {
  it("are refreshed before they end, as long as the list is watched", async () => {
    const settings = { MAXIMUM_EVENT_EXPIRES: "600" };
    const { world, subscription, bob: phone, table } = await watching({ settings, alice: { expires: 6000 }, bob: { expires: 6000 } });
    for (let count = 0; count < 5; count += 1) {
      await world.pass(400);
      subscription.refresh(600);
      await world.settle();
    }
    expect(table()?.[bob]).toBe("active open");
    phone.leaves();
    await world.settle();
    expect([rows("bob", "subscriptions"), table()?.[bob]]).toEqual([1, "active closed"]);
  });

  it("that the other home has lost are made again", async () => {
    const { world, bob: phone, table, subscription } = await watching({ settings: { MAXIMUM_EVENT_EXPIRES: "600" } });
    world.homeOf("bob").sql.exec("DELETE FROM subscriptions");
    world.lose("evict");
    await world.pass(550);
    phone.leaves();
    await world.settle();
    expect([rows("bob", "subscriptions"), table()?.[bob]]).toEqual([1, "active closed"]);
    // Another subscription is another instance (§5.5).
    const ids = subscription
      .notified()
      .flatMap(({ body }) => [...body.matchAll(/uri="sip:bob@example.com"><instance id="(\w+)"/g)].map(([, id]) => id));
    expect(new Set(ids).size).toBe(2);
  });

  it("to unknown names, in ever other lists, are 1,000 in a minute: 403 beyond, and then there is room again", async () => {
    const { world, alice } = await watching();
    const statuses: (number | undefined)[] = [];
    const round = async (count: number) => {
      const names = Array.from({ length: 499 }, (_, index) => `sip:u${count}-${index}@example.com`);
      await world.changeList({ ...friends, name: "many" }, entries(...names));
      const many = watchList(alice, "sip:list.many.alice@example.com");
      await world.settle();
      statuses.push(many.status());
      if (many.status() === 200) many.refresh(0);
      await world.settle();
    };
    for (let count = 0; count < 4; count += 1) await round(count);
    expect(statuses).toEqual([200, 200, 403, 403]);
    await world.pass(120);
    await round(4);
    expect(statuses.at(-1)).toBe(200);
  });

  it("end with the user who is deleted: his watchers' lists show noresource", async () => {
    const { world, bob: phone, notices } = await watching();
    phone.leaves();
    await world.settle();
    world.attempt(world.homeOf("bob").handle((home) => home.subscriberDeleted()));
    await world.settle();
    expect(notices().at(-1)?.resources).toEqual({ [bob]: "terminated noresource" });
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
    const subscription = watch(scenario.alice, to, event, lines);
    await scenario.world.settle();
    expect([subscription.status(), subscription.notified(), scenario.world.faults]).toEqual([status, [], []]);
  });

  it("when he watches as many as they may: 403", async () => {
    await watching();
    const more = Array.from({ length: 10 }, () => watchList(scenario.alice, uri));
    await scenario.world.settle();
    expect(more.filter(({ status }) => status() === 403)).toHaveLength(1);
    // However many there are, each resource is watched once.
    expect(rows("bob", "subscriptions")).toBe(1);
  });

  it("where it is asked for too often: 480", async () => {
    await watching();
    const many = Array.from({ length: 40 }, (_, count) => watchList(scenario.alice, `sip:list.l${count}@example.com`));
    await scenario.world.settle();
    const statuses = many.map(({ status }) => status());
    expect([statuses.filter((status) => status === 404).length, statuses.at(-1)]).toEqual([29, 480]);
  });

  it("but not for lists that a phone watched which is gone", async () => {
    await watching();
    const gone = await scenario.joins("alice");
    for (let count = 0; count < 9; count += 1) watchList(gone, uri);
    await scenario.world.settle();
    gone.leaves();
    await scenario.world.pass(5);
    const more = watchList(scenario.alice, uri);
    await scenario.world.settle();
    expect([more.status(), rows("alice", "list_subscriptions")]).toEqual([200, 10]);
  });

  it("with more resources than they may watch: 403", async () => {
    await watching();
    const many = (from: number) => Array.from({ length: 499 }, (_, index) => `sip:u${from + index}@example.com`);
    const lists = [0, 500, 1000].map((from) => ({ owner: "alice", name: `many-${from}`, uris: many(from) }));
    const statuses: number[] = [];
    for (const { owner, name, uris } of lists) {
      await scenario.world.changeList({ owner, name }, entries(...uris));
      const one = watchList(scenario.alice, `sip:list.${name}.alice@example.com`);
      await scenario.world.settle();
      statuses.push(one.status());
    }
    expect(statuses).toEqual([200, 200, 403]);
  });

  it("when the directory is down: 503", async () => {
    await watching();
    scenario.world.loseDirectory();
    const subscription = watchList(scenario.alice, uri);
    await scenario.world.settle();
    expect(subscription.status()).toBe(503);
  });
});
