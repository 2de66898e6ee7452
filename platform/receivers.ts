import { isHopName } from "../lib/routing/hop-name.ts";
import type { Environment } from "./environment.ts";
import type { Receiver } from "./outbox.ts";

/** Makes fresh stubs: of homes, and of the connections to other servers. */
export function receiverOf(environment: Environment): (name: string) => Receiver {
  return (name) => (isHopName(name) ? environment.NEXT_HOP.getByName(name) : environment.ADDRESS_OF_RECORD.getByName(name));
}
