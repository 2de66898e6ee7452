import { SimulatedPhone, type DeskOptions } from "../../support/simulated-phone.ts";
import { World } from "./world.ts";

/** Who takes part: phones by the names of their users, made and registered before the conversation begins. */
export interface Scenario {
  readonly world: World;
  readonly alice: SimulatedPhone;
  readonly bob: SimulatedPhone;
  /** Another phone, of whomever. */
  joins(account: string, options?: DeskOptions): Promise<SimulatedPhone>;
}

export interface ScenarioOptions {
  readonly settings?: ConstructorParameters<typeof World>[0];
  readonly alice?: DeskOptions;
  readonly bob?: DeskOptions;
  /** Rules by user name. */
  readonly rules?: Readonly<Record<string, unknown>>;
  /** Whose phones are not there yet. */
  readonly absent?: readonly string[];
}

/** A world with alice and bob at their phones, and carol and dave without. */
export async function startScenario(options: ScenarioOptions = {}): Promise<Scenario> {
  const world = new World(options.settings);
  for (const name of ["alice", "bob", "carol", "dave"]) {
    const rules = options.rules?.[name];
    world.subscribe(name, rules === undefined ? {} : { rules: JSON.stringify(rules) });
  }
  const [alice, bob] = [new SimulatedPhone(world, "alice", options.alice), new SimulatedPhone(world, "bob", options.bob)];
  for (const desk of [alice, bob]) if (options.absent?.includes(desk.account) !== true) await desk.comesOnline();
  return {
    world,
    alice,
    bob,
    joins: (account, deskOptions) => new SimulatedPhone(world, account, deskOptions).comesOnline(),
  };
}

/** Alice calls bob, and his phone rings. */
export async function startRinging(options?: ScenarioOptions): Promise<Scenario> {
  const scenario = await startScenario(options);
  scenario.alice.invites(scenario.bob.aor);
  await scenario.world.settle();
  return scenario;
}

/** They talk. */
export async function startTalking(options?: ScenarioOptions): Promise<Scenario> {
  const scenario = await startRinging(options);
  scenario.bob.answers();
  await scenario.world.settle();
  return scenario;
}
