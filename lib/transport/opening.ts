import type { Subscriber } from "../location/subscriber.ts";
import type { NonSubscriber } from "./non-subscriber.ts";
import type { Flow } from "./flow.ts";

/** What the edge proxy tells a home about a socket that it hands over; sealed on its way, since the row has what a password is verified by. */
export interface Opening extends Pick<Flow, "way" | "host" | "address"> {
  readonly subscriber: Subscriber;
  /** True for a home connection: the edge proxy has verified the credentials against the directory. */
  readonly isAuthenticated: boolean;
  /** Somebody who is no subscriber; the row stands for nobody then. */
  readonly visitor?: NonSubscriber;
}
