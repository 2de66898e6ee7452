import type { IncomingCall } from "../../../lib/routing/routing.ts";
import { type Scenario, type ScenarioOptions, startScenario } from "./scenario.ts";

interface RoutedOptions {
  /** More lines of the INVITE. */
  readonly lines?: string[];
  /** Of the router's setting. */
  readonly more?: Parameters<Scenario["world"]["router"]>[1];
  readonly options?: ScenarioOptions;
}

/** alice calls, and a router decides; carol's phone is registered. */
export async function callByRouter(
  uri: string,
  route: (call: IncomingCall) => unknown,
  { lines = [], more = {}, options = {} }: RoutedOptions = {},
) {
  const scenario = await startScenario(options);
  const { world, alice } = scenario;
  const carol = await scenario.joins("carol");
  const asked: IncomingCall[] = [];
  await world.router((call) => {
    asked.push(call);
    return route(call);
  }, more);
  alice.invites(uri, lines);
  await world.settle();
  return { ...scenario, carol, asked };
}
