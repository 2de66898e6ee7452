import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
import { canonical } from "../../support/patch.ts";
import { type Watching, assembled, basics, pidf, publishes, watch } from "../../support/watching.ts";
import { type Scenario, type ScenarioOptions, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const accept = "Accept: application/pidf-diff+xml, application/pidf+xml;q=0.5";

/** Alice watches bob and takes partial documents; carol takes whole ones. */
async function watching(options: ScenarioOptions = {}) {
  scenario = await startScenario(options);
  const carol = await scenario.joins("carol");
  const services = ["desk", "car", "kitchen"].map((id) => `<tuple id="${id}"><status><basic>open</basic></status></tuple>`);
  publishes(scenario.bob, pidf(scenario.bob.aor, "open", undefined, "door").replace("</presence>", `${services.join("")}</presence>`));
  await scenario.world.settle();
  let match: readonly string[] = [];
  const does = async (activity: string) => {
    publishes(scenario.bob, pidf(scenario.bob.aor, "open", activity, "softphone"), match);
    await scenario.world.settle();
    match = [`SIP-If-Match: ${header(scenario.bob.last(200, "PUBLISH"), "sip-etag")}`];
  };
  await does("meal");
  const [partial, whole] = [watch(scenario.alice, scenario.bob.aor, "presence", [accept]), watch(carol, scenario.bob.aor)];
  await scenario.world.settle();
  return { ...scenario, carol, partial, whole, does };
}

const kinds = ({ notified }: Watching) => notified().map(({ body }) => /<p:pidf-(full|diff)/.exec(body)?.[1] ?? "whole");
const versions = ({ notified }: Watching) => notified().map(({ body }) => Number(/ version="(\d+)"/.exec(body)?.[1]));

describe("partial notification (RFC 5263)", () => {
  it("begins with the full state, then tells what has changed, or the full state where that is shorter; the versions grow by one", async () => {
    const { partial, whole, does, bob, world } = await watching();
    await does("busy");
    await does("away");
    bob.leaves();
    await world.settle();
    expect(header(partial.last(), "content-type")).toBe("application/pidf-diff+xml");
    expect(kinds(partial)).toEqual(["full", "diff", "diff", "full"]);
    expect(versions(partial)).toEqual([0, 1, 2, 3]);
    expect(assembled(partial)).toBe(canonical(whole.last().body));
    expect(partial.notified()[2]?.body.length).toBeLessThan(whole.notified()[2]?.body.length ?? 0);
  });

  it("tells the full state after a refresh", async () => {
    const { partial, world, does } = await watching();
    await does("busy");
    partial.refresh(600, [accept]);
    await world.settle();
    await does("away");
    expect(kinds(partial)).toEqual(["full", "diff", "full", "diff"]);
    expect(versions(partial)).toEqual([0, 1, 2, 3]);
  });

  it("tells whole documents after a refresh that takes those only", async () => {
    const { partial, world, does } = await watching();
    partial.refresh(600, ["Accept: application/pidf+xml"]);
    await world.settle();
    await does("busy");
    expect(kinds(partial)).toEqual(["full", "whole", "whole"]);
    expect(header(partial.last(), "content-type")).toBe("application/pidf+xml");
  });

  it("tells the full state after the memory was lost, in a later version", async () => {
    const { partial, whole, world, does } = await watching();
    await does("busy");
    await world.pass(20);
    world.lose("evict");
    await does("away");
    await world.pass(5);
    expect(kinds(partial).at(-1)).toBe("full");
    expect(versions(partial).at(-1)).toBeGreaterThan(1);
    expect(assembled(partial)).toBe(canonical(whole.last().body));
  });

  it("tells the full state to one who has not taken the last one, and may never have got it", async () => {
    const { alice, partial, whole, world, does } = await watching();
    alice.leaves();
    await does("busy");
    await world.pass(5);
    await does("away");
    await world.pass(5);
    await alice.comesOnline();
    await world.settle();
    expect(kinds(partial)).toEqual(["full", "full"]);
    await does("busy");
    expect(kinds(partial)).toEqual(["full", "full", "diff"]);
    expect(assembled(partial)).toBe(canonical(whole.last().body));
  });

  it("tells the full state to one who is behind, because he wants to be told more rarely", async () => {
    const { partial: quick, does } = await watching();
    const slow = watch(await scenario.joins("dave"), scenario.bob.aor, "presence;max-rate=0.1", [accept]);
    await scenario.world.settle();
    for (const activity of ["busy", "away", "meal"]) await does(activity);
    await scenario.world.pass(15);
    expect([kinds(slow), kinds(quick)]).toEqual([
      ["full", "full"],
      ["full", "diff", "diff", "diff"],
    ]);
    expect(assembled(slow)).toBe(assembled(quick));
  });

  it("tells one who is blocked politely the full state that he may see", async () => {
    const { partial, does } = await watching({ rules: { bob: { watching: { watchers: { "alice@example.com": "polite-block" } } } } });
    await does("busy");
    expect(kinds(partial)).toEqual(["full"]);
    expect(partial.last().body).toContain(">closed<");
  });
});

describe("partial publication (RFC 5264)", () => {
  const partialType = "Content-Type: application/pidf-diff+xml";
  const namespaces = 'xmlns="urn:ietf:params:xml:ns:pidf" xmlns:p="urn:ietf:params:xml:ns:pidf-diff"';
  const diff = (operations: string) => `<p:pidf-diff ${namespaces} entity="sip:bob@example.com">${operations}</p:pidf-diff>`;
  const tuple = '<tuple id="a"><status><basic>open</basic></status></tuple>';
  const closes = `<p:replace sel="*/tuple[@id='a']/status/basic/text()">closed</p:replace>`;

  /** Alice watches bob, who has published the full state in the partial format. */
  async function published() {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    const subscription = watch(alice, bob.aor);
    publishes(bob, `<p:pidf-full ${namespaces} entity="${bob.aor}">${tuple}</p:pidf-full>`, [partialType]);
    await world.settle();
    const tag = () => header(bob.last(200, "PUBLISH"), "sip-etag") ?? "";
    return { ...scenario, subscription, tag };
  }

  it("changes what was published, and those who watch are told", async () => {
    const { bob, world, subscription, tag } = await published();
    expect(basics(subscription.last())).toEqual(["open"]);
    const first = tag();
    const sent = publishes(bob, diff(closes), [partialType, `SIP-If-Match: ${first}`]);
    await world.settle();
    expect([sent.final, basics(subscription.last())]).toEqual([200, ["closed"]]);
    expect(tag()).not.toBe(first);
    // The next one changes what has come of that.
    publishes(bob, diff(closes.replace("closed", "open")), [partialType, `SIP-If-Match: ${tag()}`]);
    await world.settle();
    expect(basics(subscription.last())).toEqual(["open"]);
  });

  it.each([
    ["that cannot be applied: 400, and nothing changes", diff('<p:remove sel="*/tuple[7]"/>'), true, 400],
    ["of something that is not there: 400", diff(closes), false, 400],
    [
      "that makes more than is taken: 413",
      diff(`<p:add sel="*"><x xmlns="urn:x">${"y".repeat(9000)}</x><x xmlns="urn:x">${"y".repeat(7300)}</x></p:add>`),
      true,
      413,
    ],
  ])("%s", async (_rule, body, isMatching, status) => {
    const { bob, world, subscription, tag } = await published();
    const before = subscription.notified().length;
    const sent = publishes(bob, body, [partialType, ...(isMatching ? [`SIP-If-Match: ${tag()}`] : [])]);
    await world.settle();
    expect([sent.final, subscription.notified().length, world.faults]).toEqual([status, before, []]);
  });

  it("is named where another type is refused: 415", async () => {
    const { bob, world } = await published();
    publishes(bob, "x", ["Content-Type: text/plain"]);
    await world.settle();
    expect(header(bob.last(415), "accept")).toBe("application/pidf+xml, application/pidf-diff+xml");
  });

  it("publications of a user have 1,000 elements at most together: 403, and what there is stays", async () => {
    const { bob, world, subscription } = await published();
    const many = pidf(bob.aor, "open").replace("</presence>", `${'<x xmlns="urn:x"/>'.repeat(400)}</presence>`);
    const sent = [publishes(bob, many), publishes(bob, many), publishes(bob, many)];
    await world.settle();
    expect([sent.map(({ final }) => final), basics(subscription.last())[0]]).toEqual([[200, 200, 403], "open"]);
  });
});
