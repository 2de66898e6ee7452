import type { Subscriber } from "../location/subscriber.ts";
import type { NonSubscriber } from "./non-subscriber.ts";
import type { Flow, TokenMark } from "./flow.ts";
import { type Members, renamed } from "./older-shapes.ts";

/** What the edge proxy sends to a home with a socket that it hands over; sealed, because the row contains the password hashes. */
export interface Opening extends Pick<Flow, "way" | "host" | "address" | "authorizationServer" | "tokenLimits"> {
  readonly subscriber: Subscriber;
  /** True for a home connection: the edge proxy has verified the credentials against the directory. */
  readonly isAuthenticated: boolean;
  /** A guest or peer; the row has then no meaning. */
  readonly nonSubscriber?: NonSubscriber;
  /** The token by which the edge proxy has authenticated the connection. */
  readonly byToken?: TokenMark;
}

const ways: ReadonlyMap<string, Flow["way"]> = new Map([
  ["direct", "dedicated"],
  ["leg", "shared"],
]);

/** An opening, of any build: two builds meet during a deployment. */
export function readOpening(written: Members): Opening {
  const opening = renamed(written, [["visitor", "nonSubscriber"]]) as unknown as Opening;
  return { ...opening, way: ways.get(opening.way) ?? opening.way };
}
