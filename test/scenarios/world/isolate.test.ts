import { expect, it } from "vitest";
import { unavailableServersOf } from "../../../platform/unavailable-servers.ts";
import { resolverOf } from "../../../platform/dns/shared-resolver.ts";
import { directoryOf } from "../../../platform/directory/directory.ts";
import type { Environment } from "../../../platform/environment.ts";
import { World } from "./world.ts";

const places = [{ name: "hop!one" }, { name: "hop!two" }];

/** A home of a world that has ended has learned that the first server is bad. */
function endsHavingLearned(): Environment {
  const world = new World();
  const environment = world.environment(undefined);
  unavailableServersOf(environment).remember("hop!one", 3600, Date.now());
  expect(
    unavailableServersOf(environment)
      .last(places, Date.now())
      .map(({ name }) => name),
  ).toEqual(["hop!two", "hop!one"]);
  world.end();
  return environment;
}

it("a world knows nothing of what homes of another world have learned", () => {
  const before = endsHavingLearned();
  const world = new World();
  const environment = world.environment(undefined);
  expect(unavailableServersOf(environment).last(places, Date.now())).toEqual(places);
  expect([resolverOf(environment) === resolverOf(before), directoryOf(environment) === directoryOf(before)]).toEqual([false, false]);
  world.end();
});

it("the homes of one world share it, until all of them are restarted", () => {
  const world = new World();
  const learned = (user: string) => unavailableServersOf(world.environment(world.homeOf(user)));
  const shared = learned("alice");
  expect(learned("bob")).toBe(shared);
  world.lose("kill");
  expect(learned("bob")).not.toBe(shared);
  world.end();
});
