import type { Subscriber } from "../location/subscriber.ts";
import type { NonSubscriber } from "./non-subscriber.ts";
import type { Flow } from "./flow.ts";
import { type Members, renamed } from "./older-shapes.ts";

/** What the edge proxy tells a home about a socket that it hands over; sealed on its way, since the row has what a password is verified by. */
export interface Opening extends Pick<Flow, "way" | "host" | "address"> {
  readonly subscriber: Subscriber;
  /** True for a home connection: the edge proxy has verified the credentials against the directory. */
  readonly isAuthenticated: boolean;
  /** Somebody who is no subscriber; the row stands for nobody then. */
  readonly nonSubscriber?: NonSubscriber;
}

const ways: ReadonlyMap<string, Flow["way"]> = new Map([
  ["direct", "dedicated"],
  ["leg", "shared"],
]);

/** An opening, whichever build has written it: those of two builds meet during a deployment. */
export function readOpening(written: Members): Opening {
  const opening = renamed(written, [["visitor", "nonSubscriber"]]) as unknown as Opening;
  return { ...opening, way: ways.get(opening.way) ?? opening.way };
}
