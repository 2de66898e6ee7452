import { Desk, type DeskOptions } from "../../support/desk.ts";
import { World } from "./world.ts";

/** Who takes part: phones by the names of their users, made and registered before the conversation begins. */
export interface Cast {
  readonly world: World;
  readonly alice: Desk;
  readonly bob: Desk;
  /** Another phone, of whomever. */
  joins(account: string, options?: DeskOptions): Promise<Desk>;
}

export interface CastOptions {
  readonly settings?: ConstructorParameters<typeof World>[0];
  readonly alice?: DeskOptions;
  readonly bob?: DeskOptions;
  /** Rules by user name. */
  readonly rules?: Readonly<Record<string, unknown>>;
  /** Whose phones are not there yet. */
  readonly absent?: readonly string[];
}

/** A world with alice and bob at their phones, and carol and dave without. */
export async function stage(options: CastOptions = {}): Promise<Cast> {
  const world = new World(options.settings);
  for (const name of ["alice", "bob", "carol", "dave"]) {
    const rules = options.rules?.[name];
    world.subscribe(name, rules === undefined ? {} : { rules: JSON.stringify(rules) });
  }
  const [alice, bob] = [new Desk(world, "alice", options.alice), new Desk(world, "bob", options.bob)];
  for (const desk of [alice, bob]) if (options.absent?.includes(desk.account) !== true) await desk.comesOnline();
  return {
    world,
    alice,
    bob,
    joins: (account, deskOptions) => new Desk(world, account, deskOptions).comesOnline(),
  };
}

/** Alice calls bob, and his phone rings. */
export async function stageRinging(options?: CastOptions): Promise<Cast> {
  const cast = await stage(options);
  cast.alice.invites(cast.bob.aor);
  await cast.world.settle();
  return cast;
}

/** They talk. */
export async function stageTalking(options?: CastOptions): Promise<Cast> {
  const cast = await stageRinging(options);
  cast.bob.answers();
  await cast.world.settle();
  return cast;
}
