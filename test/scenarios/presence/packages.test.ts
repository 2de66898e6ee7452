import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/received-message.ts";
import { watch } from "../../support/watching.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

describe("the dialog package (RFC 4235)", () => {
  /** Alice watches bob's lamp, and carol is there to call him. */
  async function lamp() {
    scenario = await startScenario();
    const carol = await scenario.joins("carol");
    const subscription = watch(scenario.alice, scenario.bob.aor, "dialog");
    await scenario.world.settle();
    const states = () => [...subscription.last().body.matchAll(/<state>(\w+)</g)].map(([, state]) => state);
    return { ...scenario, carol, subscription, states };
  }

  it("shows a call that rings, is answered, and ends", async () => {
    const { bob, carol, world, states } = await lamp();
    expect(states()).toEqual([]);
    carol.invites(bob.aor);
    await world.settle();
    expect(states()).toEqual(["early"]);
    bob.answers();
    await world.settle();
    expect(states()).toEqual(["confirmed"]);
    carol.hangsUp();
    await world.settle();
    expect(states()).toEqual([]);
  });

  it("shows a call that he places", async () => {
    const { bob, carol, world, states } = await lamp();
    bob.invites(carol.aor);
    await world.settle();
    expect(states()).toEqual(["trying"]);
  });

  it("goes out when his phone dies in a call, a grace later", async () => {
    const { bob, carol, world, states } = await lamp();
    carol.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    bob.leaves();
    await world.pass(40);
    expect(states()).toEqual([]);
  });

  it("stays while his phone changes its connection in a call", async () => {
    const { bob, carol, world, states } = await lamp();
    carol.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    bob.isCut();
    await world.pass(40);
    expect(states()).toEqual(["confirmed"]);
  });

  it("goes out by its time though the memory is lost meanwhile", async () => {
    const { bob, carol, world, states } = await lamp();
    carol.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    bob.leaves();
    await world.pass(5);
    world.lose("evict");
    await world.pass(40);
    expect(states()).toEqual([]);
  });

  it("stays though the memory is lost while his phone is away for a moment", async () => {
    const { bob, carol, world, states } = await lamp();
    carol.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    bob.leaves();
    await world.pass(12);
    world.lose("evict");
    await world.pass(2);
    await bob.comesOnline();
    await world.pass(5);
    expect(states()).toEqual(["confirmed"]);
    expect(world.homeOf("bob").sql.rows("suspended_calls")).toEqual([]);
    carol.hangsUp();
    await world.settle();
    expect(states()).toEqual([]);
  });

  it("is one and the same dialog as long as the call lasts (§4.1.2), and says nothing of it but its state to others", async () => {
    const { bob, carol, world, subscription } = await lamp();
    carol.invites(bob.aor);
    await world.settle();
    const ringing = subscription.last().body;
    bob.answers();
    await world.settle();
    const talking = subscription.last().body;
    const idIn = (body: string) => /<dialog id="([^"]+)"/.exec(body)?.[1];
    expect(idIn(talking)).toBe(idIn(ringing));
    for (const body of [ringing, talking]) {
      expect(body).toMatch(/<dialog id="[^"]+" direction="recipient"><state>\w+<\/state><\/dialog>/);
      for (const secret of [carol.account, carol.host, carol.call.id]) expect(body).not.toContain(secret);
    }
  });

  it("counts its documents from 0, one by one (§4.1)", async () => {
    const { bob, carol, world, subscription } = await lamp();
    carol.invites(bob.aor);
    await world.settle();
    bob.rejects(486);
    await world.settle();
    expect(subscription.notified().map(({ body }) => / version="(\d+)"/.exec(body)?.[1])).toEqual(["0", "1", "2"]);
  });
});

describe("the dialog package, for the user himself", () => {
  /** What a document says of its one dialog. */
  function read(body: string) {
    const value = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(body)?.[1];
    const [, identity] = /<identity>([^<]*)</.exec(body) ?? [];
    const [callId, localTag, remoteTag, direction] = ["call-id", "local-tag", "remote-tag", "direction"].map(value);
    return { callId, localTag, remoteTag, direction, identity, target: value("<target uri"), state: /<state>(\w+)</.exec(body)?.[1] };
  }

  const tagIn = (address: string | undefined) => /;tag=([^;>]+)/.exec(address ?? "")?.[1];

  /** Bob's desk phone watches what his other phone does; carol is there to talk to. */
  async function watching() {
    scenario = await startScenario();
    const [desk, carol] = [await scenario.joins("bob", { isManual: true }), await scenario.joins("carol")];
    const subscription = watch(desk, scenario.bob.aor, "dialog");
    await scenario.world.settle();
    desk.replies(subscription.last(), 200);
    return { ...scenario, desk, carol, subscription, seen: () => read(subscription.last().body) };
  }

  it("shows the one dialog that Event names, and no other (RFC 4235 §3.2)", async () => {
    const { bob, carol, desk, world } = await watching();
    const named = watch(desk, bob.aor, 'dialog;call-id="nothing-like-it@localhost";from-tag="x1";to-tag="x2"');
    await world.settle();
    desk.replies(named.last(), 200);
    carol.invites(bob.aor);
    await world.settle();
    expect(named.last().body).not.toContain("<dialog ");
  });

  it("tells his other phones what it takes to take over a call that rings, or that he is in (§4.1, RFC 3891 §3)", async () => {
    const { bob, carol, world, seen } = await watching();
    carol.invites(bob.aor);
    await world.settle();
    const early = carol.last(180);
    const remote = { direction: "recipient", identity: carol.aor, target: carol.contact.slice(1, -1) };
    const tags = { callId: carol.call.id, localTag: tagIn(header(early, "to")), remoteTag: tagIn(header(early, "from")) };
    expect(seen()).toEqual({ ...tags, ...remote, state: "early" });
    bob.answers();
    await world.settle();
    const { dialog } = bob.call;
    expect(seen()).toEqual({
      ...{ callId: dialog?.callId, localTag: tagIn(dialog?.local), remoteTag: tagIn(dialog?.remote) },
      ...remote,
      state: "confirmed",
    });
  });

  it("also of a call that he has placed, and after the memory was lost", async () => {
    const { bob, carol, desk, world, seen, subscription } = await watching();
    bob.invites(carol.aor);
    await world.settle();
    carol.answers();
    await world.settle();
    world.lose("evict");
    subscription.refresh(600);
    await world.settle();
    desk.replies(subscription.last(), 200);
    const { dialog } = bob.call;
    expect(seen()).toEqual({
      ...{ callId: dialog?.callId, localTag: tagIn(dialog?.local), remoteTag: tagIn(dialog?.remote) },
      ...{ direction: "initiator", identity: carol.aor, target: dialog?.target, state: "confirmed" },
    });
  });

  it("so that his other phone reaches whom he talks to with Replaces", async () => {
    const { bob, carol, desk, world, seen } = await watching();
    carol.invites(bob.aor);
    await world.settle();
    bob.answers();
    await world.settle();
    const { callId, localTag, remoteTag, identity = "" } = seen();
    desk.invites(identity, ["Require: replaces", `Replaces: ${callId};to-tag=${remoteTag};from-tag=${localTag}`]);
    await world.settle();
    const replaces = header(carol.last("INVITE"), "replaces") ?? "";
    const { dialog } = carol.call.isOurs ? carol.call : (carol.calls[0] ?? carol.call);
    expect(replaces).toBe(`${dialog?.callId};to-tag=${tagIn(dialog?.local)};from-tag=${tagIn(dialog?.remote)}`);
  });
});

describe("the reg package (RFC 3680)", () => {
  it("tells a user of his phones, with their GRUUs (RFC 5628)", async () => {
    scenario = await startScenario();
    const subscription = watch(scenario.bob, scenario.bob.aor, "reg");
    await scenario.world.settle();
    await scenario.joins("bob");
    await scenario.world.settle();
    const { body } = subscription.last();
    expect([...body.matchAll(/<uri>/g)]).toHaveLength(2);
    expect(body).toContain(`uri="sip:bob@example.com;gr=${scenario.bob.instance}"`);
    expect(header(subscription.last(), "content-type")).toBe("application/reginfo+xml");
  });

  it("tells no GRUU of a phone that has not asked for one (RFC 5627 §5.1)", async () => {
    scenario = await startScenario();
    const { bob, world } = scenario;
    const contact = 'Contact: <sip:plain@h.invalid>;+sip.instance="<urn:uuid:plain>"';
    const lines = [`From: <${bob.aor}>;tag=1`, `To: <${bob.aor}>`, "Call-ID: plain", "CSeq: 1 REGISTER", contact, "Expires: 600"];
    bob.sends("REGISTER", "sip:example.com", lines);
    await world.settle();
    const subscription = watch(bob, bob.aor, "reg");
    await world.settle();
    const { body } = subscription.last();
    expect(body).toContain("urn:uuid:plain&gt;");
    expect(body).toContain(`;gr=${bob.instance}`);
    expect(body).not.toContain("gr=urn:uuid:plain");
  });

  it("is nobody else's business: 403", async () => {
    scenario = await startScenario();
    const subscription = watch(scenario.alice, scenario.bob.aor, "reg");
    await scenario.world.settle();
    expect([subscription.status(), subscription.notified()]).toEqual([403, []]);
  });
});

describe("the message-summary package (RFC 3842)", () => {
  it("tells a user how many messages wait for him", async () => {
    scenario = await startScenario();
    const { alice, bob, world } = scenario;
    bob.leaves();
    await world.pass(31);
    alice.asks("MESSAGE", bob.aor, ["Content-Type: text/plain"], "hello");
    await world.settle();
    const manual = await scenario.joins("bob", { isManual: true });
    const subscription = watch(manual, bob.aor, "message-summary");
    await world.settle();
    expect(subscription.last().body).toBe("Messages-Waiting: yes\r\nMessage-Account: sip:bob@example.com\r\nText-Message: 1/0\r\n");
    manual.replies(manual.last("MESSAGE"), 200);
    await world.settle();
    expect(subscription.last().body).toContain("Messages-Waiting: no");
  });
});
