import { afterEach, describe, expect, it } from "vitest";
import { header } from "../../support/heard.ts";
import { watch } from "../../support/watching.ts";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

describe("the dialog package (RFC 4235)", () => {
  /** Alice watches bob's lamp, and carol is there to call him. */
  async function lamp() {
    cast = await stage();
    const carol = await cast.joins("carol");
    const subscription = watch(cast.alice, cast.bob.aor, "dialog");
    await cast.world.settle();
    const states = () => [...subscription.last().body.matchAll(/<state>(\w+)</g)].map(([, state]) => state);
    return { ...cast, carol, subscription, states };
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

  it("counts its documents from 0, one by one (§4.1)", async () => {
    const { bob, carol, world, subscription } = await lamp();
    carol.invites(bob.aor);
    await world.settle();
    bob.rejects(486);
    await world.settle();
    expect(subscription.notified().map(({ body }) => / version="(\d+)"/.exec(body)?.[1])).toEqual(["0", "1", "2"]);
  });
});

describe("the reg package (RFC 3680)", () => {
  it("tells a user of his phones, with their GRUUs (RFC 5628)", async () => {
    cast = await stage();
    const subscription = watch(cast.bob, cast.bob.aor, "reg");
    await cast.world.settle();
    await cast.joins("bob");
    await cast.world.settle();
    const { body } = subscription.last();
    expect([...body.matchAll(/<uri>/g)]).toHaveLength(2);
    expect(body).toContain(`uri="sip:bob@example.com;gr=${cast.bob.instance}"`);
    expect(header(subscription.last(), "content-type")).toBe("application/reginfo+xml");
  });

  it("is nobody else's business: 403", async () => {
    cast = await stage();
    const subscription = watch(cast.alice, cast.bob.aor, "reg");
    await cast.world.settle();
    expect([subscription.status(), subscription.notified()]).toEqual([403, []]);
  });
});

describe("the message-summary package (RFC 3842)", () => {
  it("tells a user how many messages wait for him", async () => {
    cast = await stage();
    const { alice, bob, world } = cast;
    bob.leaves();
    await world.pass(31);
    alice.asks("MESSAGE", bob.aor, ["Content-Type: text/plain"], "hello");
    await world.settle();
    const manual = await cast.joins("bob", { isManual: true });
    const subscription = watch(manual, bob.aor, "message-summary");
    await world.settle();
    expect(subscription.last().body).toBe("Messages-Waiting: yes\r\nMessage-Account: sip:bob@example.com\r\nText-Message: 1/0\r\n");
    manual.replies(manual.last("MESSAGE"), 200);
    await world.settle();
    expect(subscription.last().body).toContain("Messages-Waiting: no");
  });
});
