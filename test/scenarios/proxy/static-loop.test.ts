import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

function bind(contact: string): Promise<unknown> {
  return cast.world.homeOf("bob").handle((instance) => instance.bind({ contact, expires: 3600, q: 1 }));
}

/** His home is open, but he has no phone any more. */
async function stageWithoutBob(): Promise<Cast> {
  cast = await stage();
  cast.bob.leaves(1001);
  await cast.world.pass(10);
  return cast;
}

it.each(["sip:bob@example.com", "sip:bob@EXAMPLE.com;transport=wss", "sips:bob@example.com"])(
  "an address that leads back to its own user is a loop for whoever calls: 482 (%s)",
  async (contact) => {
    await stageWithoutBob();
    await bind(contact);
    cast.alice.invites(cast.bob.aor);
    await cast.world.settle();
    await cast.world.pass(5);
    expect(cast.alice.state).toBe("ended 482");
  },
);

it("an address that leads back to its own user does not silence his phones", async () => {
  cast = await stage();
  const { alice, bob, world } = cast;
  await bind(bob.aor);
  alice.invites(bob.aor);
  await world.settle();
  expect(bob.calls).toHaveLength(1);
  bob.answers();
  await world.settle();
  expect(alice.state).toBe("talking");
});

it("a message to an address that leads back to its own user draws 482", async () => {
  const { alice, bob, world } = await stageWithoutBob();
  await bind(bob.aor);
  const asked = alice.asks("OPTIONS", bob.aor);
  await world.settle();
  await world.pass(5);
  expect(asked.final).toBe(482);
});
