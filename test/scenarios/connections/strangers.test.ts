import { afterEach, describe, expect, it } from "vitest";
import { compose, newBranch } from "../../support/compose.ts";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** A connection to bob's home on which nobody authenticates. */
async function stranger() {
  scenario = await startScenario();
  const { world, bob } = scenario;
  const connection = await world.connect("bob");
  const heard: string[] = [];
  connection.listen({ heard: (frame) => heard.push(frame), lost: () => undefined });
  const asks = () =>
    connection.send(
      compose(`MESSAGE ${bob.aor} SIP/2.0`, [
        ...[`Via: SIP/2.0/WSS x.invalid;branch=${newBranch()}`, "Max-Forwards: 70", "From: <sip:x@y.invalid>;tag=1"],
        ...[`To: <${bob.aor}>`, `Call-ID: ${newBranch()}`, "CSeq: 1 MESSAGE"],
      ]),
    );
  return { world, connection, heard, asks };
}

describe("a stranger at a home, with the default settings", () => {
  it("is closed a minute after the connection was opened, whatever was said since", async () => {
    const { world, connection, asks } = await stranger();
    for (let seconds = 0; seconds < 55; seconds += 5) {
      asks();
      await world.pass(5);
    }
    expect(connection.isOpen).toBe(true);
    await world.pass(10);
    expect([connection.isOpen, world.faults]).toEqual([false, []]);
  });

  it("does not keep the home awake, which wakes up once to close it", async () => {
    const { world, connection, asks } = await stranger();
    asks();
    await world.pass(3);
    expect(world.isQuiet).toBe(true);
    world.lose("evict");
    await world.pass(55);
    expect(connection.isOpen).toBe(true);
    await world.pass(3);
    expect([connection.isOpen, world.faults]).toEqual([false, []]);
  });

  it("is closed with the first frame after that where the home has lost its memory at once", async () => {
    const { world, connection, heard, asks } = await stranger();
    asks();
    await world.settle();
    world.lose("evict");
    await world.pass(61);
    heard.length = 0;
    asks();
    await world.settle();
    expect([connection.isOpen, heard, world.faults]).toEqual([false, [], []]);
  });

  it("gets a new allowance by letting it sleep a few times only", async () => {
    const { world, connection, heard, asks } = await stranger();
    for (let sleep = 0; sleep < 12 && connection.isOpen; sleep += 1) {
      for (let count = 0; count < 119; count += 1) asks();
      await world.settle();
      world.lose("evict");
      await world.pass(10);
    }
    expect([connection.isOpen, world.faults]).toEqual([false, []]);
    expect(heard.length).toBeLessThan(7 * 120);
  });
});
