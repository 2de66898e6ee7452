import { afterEach, describe, expect, it } from "vitest";
import { startRinging, startTalking } from "./scenario.ts";
import { World, WorldEnded } from "./world.ts";

afterEach(() => new World().end());

describe("a test that was given up does nothing to those that follow", () => {
  it("a new world ends the one before, whose conversation stops at its next step", async () => {
    const givenUp = await startRinging();
    const next = await startRinging();
    const { steps } = givenUp.world;
    givenUp.bob.answers();
    await expect(givenUp.world.settle()).rejects.toThrow(WorldEnded);
    await expect(givenUp.world.pass(1)).rejects.toThrow(WorldEnded);
    expect([givenUp.world.steps, givenUp.alice.state]).toEqual([steps, "hears ringing"]);
    next.bob.answers();
    await next.world.settle();
    expect([next.alice.state, next.bob.state]).toEqual(["talking", "talking"]);
  });

  it("while both are under way", async () => {
    const givenUp = (await startRinging()).world.pass(1000).then(
      () => "ended by itself",
      (error: unknown) => (error as Error).name,
    );
    const next = await startTalking();
    expect(await givenUp).toBe("WorldEnded");
    expect([next.alice.state, next.bob.state]).toEqual(["talking", "talking"]);
  });

  it("the end of one that is over already gives the clock of the next to nobody", async () => {
    const givenUp = await startRinging();
    const next = await startRinging();
    const now = Date.now();
    givenUp.world.end();
    expect(Date.now()).toBe(now);
    next.bob.answers();
    await next.world.settle();
    expect(next.alice.state).toBe("talking");
  });
});
