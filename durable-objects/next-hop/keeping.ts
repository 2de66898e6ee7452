import { type Trunk } from "../../lib/routing/trunk.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { readConfiguration } from "../../workers/configuration.ts";
import type { Environment } from "../../workers/environment.ts";
import { Resolver } from "../room/resolver.ts";
import { trunkHops } from "../room/trunk-hops.ts";

/** Has the connection to a trunk's first server opened and held, and us registered there. */
export async function keepTrunk(environment: Environment, trunk: Trunk): Promise<void> {
  const configuration = readConfiguration(environment);
  const hops = await trunkHops(new Resolver(configuration.dnsUrl), configuration.allowedNetworks, trunk);
  const [first] = isFault(hops) ? [] : hops;
  if (first === undefined) {
    console.error(JSON.stringify({ note: "a trunk's server cannot be found", trunk: `${trunk.name}@${trunk.domain}` }));
    return;
  }
  await environment.NEXT_HOP.getByName(first).keep();
}
