import { afterEach, describe, expect, it, vi } from "vitest";
import { AddressOfRecord } from "../../../durable-objects/address-of-record.ts";
import type { Envelope } from "../../../lib/transport/envelope.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => {
  vi.restoreAllMocks();
  scenario.world.end();
});

const nobodyFree = { doNotDisturb: true, forward: {} };

/** Alice and bob with their phones, and users with these rules, who had a phone once. */
async function startWith(rules: Readonly<Record<string, unknown>>): Promise<Scenario> {
  scenario = await startScenario();
  const { world } = scenario;
  for (const [user, own] of Object.entries(rules)) {
    world.subscribe(user, { rules: JSON.stringify(own) });
    const phone = await scenario.joins(user);
    phone.leaves(1001);
  }
  await world.pass(10);
  return scenario;
}

/** The calls of a user go to these addresses at once, or in the order of these values. */
async function leadsTo(user: string, addresses: readonly string[], q: readonly number[] = []): Promise<void> {
  for (const [index, contact] of addresses.entries())
    await scenario.world.homeOf(user).handle((instance) => instance.bind({ contact, expires: 3600, q: q[index] ?? 1 }));
}

/** The INVITEs between homes from now on. */
function countsInvites(): () => number {
  let count = 0;
  const real = Reflect.get(AddressOfRecord.prototype, "deliver");
  vi.spyOn(AddressOfRecord.prototype, "deliver").mockImplementation(function (this: AddressOfRecord, envelopes: readonly Envelope[]) {
    count += envelopes.filter((one) => one.kind === "request" && one.text.startsWith("INVITE")).length;
    return real.call(this, envelopes);
  });
  return () => count;
}

describe("one call becomes 100 requests to other addresses at most", () => {
  it.each([
    [7, 1],
    [10, 1],
    [5, 3],
  ])("of %i users in a chain, each with a rule and %i bindings that lead to the next one", async (depth, width) => {
    const next = (index: number) => (index === depth - 1 ? "leaf" : `u${index + 1}`);
    const users = Array.from({ length: depth }, (_, index) => `u${index}`);
    const rules = users.map((user, index) => [user, { forward: { busy: `sip:${next(index)}@example.com;x=1` } }]);
    await startWith({ ...Object.fromEntries(rules), leaf: nobodyFree });
    const { world, alice } = scenario;
    for (const [index, user] of users.entries())
      await leadsTo(
        user,
        Array.from({ length: width }, (_, way) => `sip:${next(index)}@example.com${way === 0 ? "" : `;way=${way}`}`),
      );
    const count = countsInvites();
    alice.invites("sip:u0@example.com");
    await world.settle();
    for (let second = 0; second < 30; second += 1) await world.pass(2);
    expect(count()).toBeGreaterThan(10);
    // Besides them there is the one that the caller's home has sent.
    expect(count()).toBeLessThanOrEqual(101);
    expect(alice.state).toMatch(/^ended 4/);
  });
});

describe("a call is forwarded as before", () => {
  it("along a chain of nine users who are busy", async () => {
    const users = Array.from({ length: 9 }, (_, index) => `u${index}`);
    const rules = users.map((user, index) => [
      user,
      { doNotDisturb: true, forward: { busy: `sip:${users[index + 1] ?? "bob"}@example.com` } },
    ]);
    await startWith(Object.fromEntries(rules));
    const { world, alice, bob } = scenario;
    alice.invites("sip:u0@example.com");
    await world.settle();
    expect(bob.state).toBe("ringing");
  });

  it("from a group of ten users, each of whom forwards twice", async () => {
    const group = Array.from({ length: 10 }, (_, index) => `u${index}`);
    const rules = group.flatMap((user) => [
      [user, { doNotDisturb: true, forward: { busy: `sip:${user}b@example.com` } }],
      [`${user}b`, { doNotDisturb: true, forward: { busy: "sip:bob@example.com" } }],
    ]);
    await startWith({ ...Object.fromEntries(rules), group: { forward: { busy: "sip:carol@example.com" } } });
    const { world, alice, bob } = scenario;
    await leadsTo(
      "group",
      group.map((user) => `sip:${user}@example.com`),
    );
    const carol = await scenario.joins("carol");
    alice.invites("sip:group@example.com");
    await world.settle();
    expect(bob.all("INVITE").length).toBe(10);
    for (const call of bob.calls) bob.rejects(486, [], call);
    await world.settle();
    await world.pass(2);
    expect(carol.state).toBe("ringing");
  });

  it("one address after another, and then by the rule", async () => {
    const users = Array.from({ length: 8 }, (_, index) => `u${index}`);
    const rules = users.flatMap((user) => [
      [user, { doNotDisturb: true, forward: { busy: `sip:${user}b@example.com` } }],
      [`${user}b`, nobodyFree],
    ]);
    await startWith({ ...Object.fromEntries(rules), group: { forward: { busy: "sip:bob@example.com" } } });
    const { world, alice, bob } = scenario;
    await leadsTo(
      "group",
      users.map((user) => `sip:${user}@example.com`),
      users.map((_, index) => 1 - index / 10),
    );
    alice.invites("sip:group@example.com");
    await world.settle();
    await world.pass(5);
    expect(bob.state).toBe("ringing");
  });
});
