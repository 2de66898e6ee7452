import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
import { basics, pidf, publishes, watch } from "../../support/watching.ts";
import { type Scenario, type ScenarioOptions, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** Alice watches bob. */
async function watching(options: ScenarioOptions = {}, event = "presence") {
  scenario = await startScenario(options);
  const subscription = watch(scenario.alice, scenario.bob.aor, event);
  await scenario.world.settle();
  return { ...scenario, subscription };
}

describe("SUBSCRIBE (RFC 6665 §4.2.1)", () => {
  it("is granted with 200 and its expiry, and the state comes at once", async () => {
    const { alice, subscription } = await watching();
    expect([subscription.status(), header(alice.last(200, "SUBSCRIBE"), "expires"), subscription.notified().length]).toEqual([
      200,
      "600",
      1,
    ]);
    const notify = subscription.last();
    expect([header(notify, "subscription-state"), header(notify, "event")]).toEqual(["active;expires=600", "presence"]);
    expect(basics(notify)).toEqual(["open"]);
  });

  it("draws 489 for one of our packages in other letters, which a phone might take for it (RFC 6665 §8.2.1)", async () => {
    const { alice, bob, subscription } = await watching({}, "Presence");
    expect([subscription.status(), header(alice.last(489), "allow-events"), bob.all("SUBSCRIBE")]).toEqual([
      489,
      expect.stringContaining("presence"),
      [],
    ]);
  });

  it("is refreshed within its dialog, and told the state again", async () => {
    const { subscription, world } = await watching();
    await world.pass(300);
    subscription.refresh(600);
    await world.settle();
    expect([subscription.status(), subscription.notified().length]).toEqual([200, 2]);
    expect(header(subscription.last(), "subscription-state")).toBe("active;expires=600");
  });

  it("ends by Expires: 0, with a last notification", async () => {
    const { subscription, bob, world } = await watching();
    subscription.refresh(0);
    await world.settle();
    expect([subscription.status(), header(subscription.last(), "subscription-state")]).toEqual([200, "terminated;reason=timeout"]);
    bob.leaves();
    await world.pass(60);
    expect(subscription.notified()).toHaveLength(2);
  });

  it("fetches the state once with Expires: 0", async () => {
    scenario = await startScenario();
    const subscription = watch(scenario.alice, scenario.bob.aor, "presence", [], 0);
    await scenario.world.settle();
    expect([subscription.status(), header(subscription.last(), "subscription-state"), basics(subscription.last())]).toEqual([
      200,
      "terminated;reason=timeout",
      ["open"],
    ]);
  });

  it("has the package's own expiry if it asks for none (RFC 3856 §6.4)", async () => {
    scenario = await startScenario();
    const subscription = watch(scenario.alice, scenario.bob.aor, "presence", [], "none");
    await scenario.world.settle();
    expect(header(subscription.last(), "subscription-state")).toBe("active;expires=3600");
  });

  it("expires by the alarm, and says so", async () => {
    const { subscription, world } = await watching();
    await world.pass(601);
    expect(header(subscription.last(), "subscription-state")).toBe("terminated;reason=timeout");
    subscription.refresh(600);
    await world.settle();
    expect(subscription.status()).toBe(481);
  });

  it.each([
    ["for too short a time: 423", ["Expires: 5"], 423],
    ["that takes no document of ours: 406", ["Accept: application/json"], 406],
  ])("%s", async (_rule, lines, status) => {
    scenario = await startScenario();
    const subscription = watch(
      scenario.alice,
      scenario.bob.aor,
      "presence",
      lines,
      lines[0]?.startsWith("Expires") === true ? "none" : 600,
    );
    await scenario.world.settle();
    expect(subscription.status()).toBe(status);
  });

  it("for a package that nobody here knows goes to the user's phones", async () => {
    scenario = await startScenario({ bob: { isManual: true } });
    watch(scenario.alice, scenario.bob.aor, "conference");
    await scenario.world.settle();
    expect(header(scenario.bob.last("SUBSCRIBE"), "event")).toBe("conference");
  });
});

describe("notifications (RFC 6665 §4.2.2)", () => {
  it("tell within a second that the last phone has gone, and that it is back", async () => {
    const { bob, subscription, world } = await watching();
    bob.leaves();
    await world.settle();
    expect(basics(subscription.last())).toEqual(["closed"]);
    await bob.comesOnline();
    await world.settle();
    expect([basics(subscription.last()), subscription.notified().length]).toEqual([["open"], 3]);
  });

  it("tell that the user is on the phone, and that he is not any more (RFC 4480 §3.2)", async () => {
    const { bob, subscription, world } = await watching();
    const carol = await scenario.joins("carol");
    carol.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    expect(subscription.last().body).toContain("on-the-phone");
    carol.hangsUp();
    await world.settle();
    expect(subscription.last().body).not.toContain("on-the-phone");
  });

  it("grow in CSeq, also when the memory was lost", async () => {
    const { bob, subscription, world } = await watching();
    world.lose("evict");
    bob.leaves();
    await world.pass(5);
    world.lose("evict");
    await bob.comesOnline();
    await world.pass(5);
    const numbers = subscription.notified().map((one) => Number.parseInt(header(one, "cseq") ?? "", 10));
    expect(numbers.length).toBe(3);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
  });

  it.each([481, 408, 410, 404])("answered with %i end the subscription at once", async (status) => {
    scenario = await startScenario({ alice: { isManual: true } });
    const { alice, bob, world } = scenario;
    const subscription = watch(alice, bob.aor);
    await world.settle();
    alice.replies(subscription.last(), 200);
    bob.leaves();
    await world.settle();
    alice.replies(subscription.last(), status);
    await world.settle();
    await bob.comesOnline();
    await world.pass(5);
    expect(subscription.notified()).toHaveLength(2);
  });

  it("answered with 481 are said once more if they were the first: the watcher may not have had his 200 yet (§4.1.2.4)", async () => {
    scenario = await startScenario({ alice: { isManual: true } });
    const { alice, bob, world } = scenario;
    const subscription = watch(alice, bob.aor);
    await world.settle();
    alice.replies(subscription.last(), 481);
    await world.settle();
    await world.pass(2);
    expect(subscription.notified()).toHaveLength(2);
    alice.replies(subscription.last(), 481);
    await world.settle();
    await world.pass(2);
    bob.leaves();
    await world.pass(5);
    expect(subscription.notified()).toHaveLength(2);
  });

  it("wait for a phone that is away: the newest, and no other", async () => {
    const { alice, bob, subscription, world } = await watching();
    alice.leaves();
    await world.pass(60);
    bob.leaves();
    await world.pass(10);
    await bob.comesOnline();
    await world.pass(10);
    bob.leaves();
    await world.pass(100);
    const before = subscription.notified().length;
    await alice.comesOnline();
    await world.settle();
    expect([subscription.notified().length - before, basics(subscription.last())]).toEqual([1, ["closed"]]);
  });

  it("do not keep homes awake", async () => {
    const { world } = await watching();
    await world.pass(60);
    expect(world.isQuiet).toBe(true);
  });
});

describe("PUBLISH (RFC 3903 §6)", () => {
  it("is taken with an entity-tag, and those who watch are told", async () => {
    const { bob, subscription, world } = await watching();
    const sent = publishes(bob, pidf(bob.aor, "open", "busy"));
    await world.settle();
    expect([sent.final, header(bob.last(200, "PUBLISH"), "sip-etag")]).toEqual([200, expect.stringMatching(/^\S+$/)]);
    expect(subscription.last().body).toContain("busy");
  });

  it("is refreshed by its tag, which changes each time; the old one is worth nothing: 412", async () => {
    const { bob, world, subscription } = await watching();
    publishes(bob, pidf(bob.aor, "open", "away"));
    await world.settle();
    const tag = header(bob.last(200, "PUBLISH"), "sip-etag") ?? "";
    const before = subscription.notified().length;
    const refreshed = publishes(bob, "", [`SIP-If-Match: ${tag}`]);
    await world.settle();
    const old = publishes(bob, "", [`SIP-If-Match: ${tag}`]);
    await world.settle();
    expect([refreshed.final, old.final, subscription.notified().length - before]).toEqual([200, 412, 0]);
  });

  it("is taken back by Expires: 0, or by its expiry, and the state is what it was", async () => {
    const { bob, world, subscription } = await watching();
    publishes(bob, pidf(bob.aor, "closed"), ["Expires: 60"]);
    await world.settle();
    expect(basics(subscription.last())).toEqual(["closed"]);
    await world.pass(62);
    expect(basics(subscription.last())).toEqual(["open"]);
  });

  it("of a phone that is away tells no services any more, but what he is up to, until it expires", async () => {
    const { bob, world, subscription, joins } = await watching();
    await joins("bob");
    publishes(bob, pidf(bob.aor, "closed", "meeting"), ["Expires: 120"]);
    await world.settle();
    bob.leaves();
    await world.pass(60);
    expect([basics(subscription.last()), subscription.last().body.includes("meeting")]).toEqual([["open"], true]);
    await world.pass(65);
    expect([basics(subscription.last()), subscription.last().body.includes("meeting")]).toEqual([["open"], false]);
  });

  it("of something nobody here knows reaches those who watch", async () => {
    const { bob, world, subscription } = await watching();
    publishes(bob, pidf(bob.aor, "open").replace("</presence>", '<x:what xmlns:x="urn:example:x" x:a="1"><x:ever/></x:what></presence>'));
    await world.settle();
    expect(subscription.last().body).toContain('<x:what xmlns:x="urn:example:x" x:a="1"><x:ever/></x:what>');
  });

  it("of several phones are all shown, with the newest person", async () => {
    const { bob, world, subscription, joins } = await watching();
    const second = await joins("bob");
    publishes(bob, pidf(bob.aor, "open", "busy", "one"));
    await world.settle();
    publishes(second, pidf(bob.aor, "closed", "away", "one"));
    await world.settle();
    const { body } = subscription.last();
    expect([basics(subscription.last()), body.includes("away"), body.includes("busy")]).toEqual([["open", "closed"], true, false]);
  });

  it.each([
    ["of something that is no XML: 400", "nonsense", [], 400],
    [
      "with entities: 400",
      '<!DOCTYPE p [<!ENTITY a "b">]><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@example.com"/>',
      [],
      400,
    ],
    [
      "of a service that has no status: 400",
      '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:b@h"><tuple id="a"/></presence>',
      [],
      400,
    ],
    ["without a body: 400", "", ["Content-Type: application/pidf+xml"], 400],
    ["of a type that is not taken: 415", "x", ["Content-Type: text/plain"], 415],
    ["for too short a time: 423", "x", ["Content-Type: application/pidf+xml", "Expires: 5"], 423],
    ["with a tag nobody has: 412", "", ["SIP-If-Match: nonsense"], 412],
  ])("%s", async (_rule, body, lines, status) => {
    const { bob, world } = await watching();
    const shared = [`From: <${bob.aor}>;tag=x`, `To: <${bob.aor}>`, "Call-ID: publication", "CSeq: 1 PUBLISH", "Event: presence"];
    const typed = body !== "" && !lines.some((line) => line.startsWith("Content-Type")) ? ["Content-Type: application/pidf+xml"] : [];
    const sent = bob.sends("PUBLISH", bob.aor, [...shared, ...typed, ...lines], body);
    await world.settle();
    expect([sent.final, world.faults]).toEqual([status, []]);
  });

  it("for somebody else is refused: 403", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const shared = [`From: <${alice.aor}>;tag=x`, `To: <${bob.aor}>`, "Call-ID: forged", "CSeq: 1 PUBLISH", "Event: presence"];
    const sent = alice.sends("PUBLISH", bob.aor, [...shared, "Content-Type: application/pidf+xml"], pidf(bob.aor, "closed"));
    await world.settle();
    expect(sent.final).toBe(403);
  });
});

describe("what hostile phones try", () => {
  it("a subscription is not ended by another user who knows its dialog: 481", async () => {
    const { bob, subscription, world } = await watching();
    const carol = await scenario.joins("carol");
    const notify = subscription.last();
    const tags = { to: header(notify, "from") ?? "", from: header(notify, "to") ?? "" };
    const sent = carol.sends("SUBSCRIBE", bob.aor, [
      `From: ${tags.from.replace("alice", "carol")}`,
      `To: ${tags.to}`,
      `Call-ID: ${subscription.callId}`,
      "CSeq: 99 SUBSCRIBE",
      `Contact: ${carol.contact}`,
      "Event: presence",
      "Expires: 0",
    ]);
    await world.settle();
    expect([sent.final, subscription.notified().length]).toEqual([481, 1]);
  });

  it("a Contact that is longer than there is need is refused: 400", async () => {
    scenario = await startScenario();
    const contact = `Contact: <sip:${"x".repeat(2_001)}@h.invalid>`;
    const { alice, bob, world } = scenario;
    const lines = [`From: <${alice.aor}>;tag=1`, `To: <${bob.aor}>`, "Call-ID: long", "CSeq: 1 SUBSCRIBE", contact, "Event: presence"];
    const sent = alice.sends("SUBSCRIBE", bob.aor, lines);
    await world.settle();
    expect([sent.final, world.faults]).toEqual([400, []]);
  });

  it("states that wait for a phone do not crowd out the BYE of its call", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const carol = await scenario.joins("carol");
    for (let count = 0; count < 20; count += 1) watch(alice, carol.aor);
    for (let count = 0; count < 20; count += 1) watch(alice, bob.aor);
    bob.invites(alice.aor);
    await world.settle();
    alice.answers();
    await world.settle();
    alice.leaves();
    await world.settle();
    carol.leaves();
    await world.settle();
    bob.hangsUp();
    await world.settle();
    await alice.comesOnline();
    await world.settle();
    expect(alice.state).toBe("ended by bye");
  });
});
