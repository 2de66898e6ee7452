import { afterEach, describe, expect, it } from "vitest";
import { type Scenario, startScenario } from "../world/scenario.ts";

let scenario: Scenario;
afterEach(() => scenario.world.end());

const stored = (): string => {
  const [row] = scenario.world.homeOf("bob").sql.rows("contexts") as { readonly request: string }[];
  return row?.request ?? "";
};

describe("the row of a call", () => {
  it("has the INVITE whole while it rings, for a phone that comes back", async () => {
    scenario = await startScenario();
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    expect(stored()).toContain("m=audio");
  });

  it("sheds its body when it is answered; what ACK and CANCEL are made of stays", async () => {
    scenario = await startScenario();
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    scenario.bob.answers();
    await scenario.world.settle();
    expect(stored()).not.toContain("m=audio");
    expect(stored()).toMatch(/^oINVITE [^]*\r\nContent-Length: 0\r\n\r\n$/);
  });

  it("is enough to acknowledge a phone that refuses late, though the memory was lost", async () => {
    scenario = await startScenario();
    const second = await scenario.joins("bob", { isManual: true });
    scenario.alice.invites(scenario.bob.aor);
    await scenario.world.settle();
    const { world, bob } = scenario;
    second.replies(second.last("INVITE"), 180);
    await world.settle();
    bob.answers();
    await world.settle();
    world.lose("evict", world.homeOf("bob"));
    await world.settle();
    second.replies(second.last("INVITE"), 487);
    await world.settle();
    expect(second.last("ACK").raw).toContain("CSeq: 1 ACK");
  });
});
