import { Desk, type DeskOptions } from "./desk.ts";
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
}

/** A world with alice and bob at their phones, and carol and dave without. */
export async function stage(options: CastOptions = {}): Promise<Cast> {
  const world = new World(options.settings);
  for (const name of ["alice", "bob", "carol", "dave"]) world.subscribe(name);
  return {
    world,
    alice: await new Desk(world, "alice", options.alice).comesOnline(),
    bob: await new Desk(world, "bob", options.bob).comesOnline(),
    joins: (account, deskOptions) => new Desk(world, account, deskOptions).comesOnline(),
  };
}
