import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

/** A conversation in steps; the keys are changed before one of them. */
interface Conversation {
  readonly steps: readonly ((scenario: Scenario) => void)[];
  readonly ends: (scenario: Scenario) => unknown;
  readonly as: unknown;
}

const states = ({ alice, bob }: Scenario) => [alice.state, bob.state];

const conversations: Readonly<Record<string, Conversation>> = {
  "a call that is answered": {
    steps: [
      ({ alice, bob }) => void alice.invites(bob.aor),
      ({ bob }) => bob.answers(),
      ({ alice }) => alice.hangsUp(),
      ({ bob }) => void bob.registers(),
    ],
    ends: states,
    as: ["ended by bye", "ended by bye"],
  },
  "a call that is given up": {
    steps: [({ alice, bob }) => void alice.invites(bob.aor), ({ alice }) => alice.cancels(), ({ alice }) => void alice.registers()],
    ends: states,
    as: ["ended 487", "ended 487"],
  },
  "a call that is refused": {
    steps: [({ alice, bob }) => void alice.invites(bob.aor), ({ bob }) => bob.rejects(486), ({ bob }) => void bob.registers()],
    ends: states,
    as: ["ended 486", "ended 486"],
  },
  "a call that rings on when its phone comes back": {
    steps: [({ alice, bob }) => void alice.invites(bob.aor), ({ bob }) => bob.isCut(), ({ bob }) => bob.answers()],
    ends: (at) => [...states(at), new Set(at.bob.all("INVITE").map(({ headers }) => headers.find(([name]) => name === "via")?.[1])).size],
    as: ["talking", "talking", 1],
  },
  "a call that is sent on, and given up": {
    steps: [({ alice }) => void alice.invites("sip:carol@example.com"), ({ alice }) => alice.cancels(), ({ bob }) => void bob.registers()],
    ends: states,
    as: ["ended 487", "ended 487"],
  },
};

describe.each(Object.entries(conversations))("%s", (_name, { steps, ends, as }) => {
  it.each([...steps.keys(), steps.length].map((step) => [step]))("goes on when SEAL_KEYS rotates before step %i", async (rotated) => {
    scenario = await startScenario({ rules: { carol: { forward: { always: "sip:bob@example.com" } } } });
    for (const [step, act] of steps.entries()) {
      if (step === rotated) scenario.world.rotateKeys();
      act(scenario);
      await scenario.world.settle();
      await scenario.world.pass(2);
    }
    if (rotated === steps.length) scenario.world.rotateKeys();
    await scenario.world.settle();
    expect(ends(scenario)).toEqual(as);
  });
});
