import { isHopName } from "../../lib/routing/hop-name.ts";
import type { Environment } from "../../workers/environment.ts";
import type { Neighbour } from "./outbox.ts";

/** Makes fresh stubs: of homes, and of the connections to other servers. */
export function neighbourOf(environment: Environment): (name: string) => Neighbour {
  return (name) => (isHopName(name) ? environment.NEXT_HOP.getByName(name) : environment.ADDRESS_OF_RECORD.getByName(name));
}
