import { afterEach, describe, expect, it } from "vitest";
import { type Cast, stageRinging } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

describe("a caller's page that reloads while it rings", () => {
  it.each([0.1, 6])("has given its call up: the callee stops ringing when it is back after %d s", async (seconds) => {
    cast = await stageRinging();
    const { alice, bob, world } = cast;
    alice.leaves(1001);
    await world.pass(seconds);
    await cast.joins("alice", { instance: alice.instance });
    await world.settle();
    expect(bob.state).toBe("ended 487");
  });

  it("has given it up also if its old connection is missed only later", async () => {
    cast = await stageRinging();
    const { alice, bob, world } = cast;
    await cast.joins("alice", { instance: alice.instance });
    alice.leaves();
    await world.settle();
    expect(bob.state).toBe("ended 487");
  });

  it("keeps it if it is the same page on a new connection", async () => {
    cast = await stageRinging();
    const { alice, bob, world } = cast;
    alice.isCut();
    await world.settle();
    await world.pass(15);
    expect(bob.state).toBe("ringing");
    bob.answers();
    await world.settle();
    expect(alice.state).toBe("talking");
  });
});
