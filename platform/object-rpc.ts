import type { FailedCall } from "../lib/failed-call.ts";
import type { BindingView, StaticContact } from "../lib/location/binding-view.ts";
import type { Subscriber } from "../lib/location/subscriber.ts";
import type { ListName } from "../lib/presence/resource-list.ts";
import type { Hop } from "../lib/routing/locate.ts";
import type { Trunk } from "../lib/routing/trunk.ts";
import type { TraceEntry } from "../lib/trace.ts";
import type { Receiver } from "./outbox.ts";

/** What a home has spent since it was last asked, or woke up. */
export interface Costs {
  readonly rowsWritten: number;
  readonly alarmsSet: number;
  /** Calls to other homes. */
  readonly calls: number;
}

/** What the home of an address of record does for Workers and for other objects. */
export interface HomeObject extends Receiver, Rpc.DurableObjectBranded {
  /** The directory has a newer row of the owner. */
  subscriberChanged(subscriber: Subscriber): Promise<void>;
  /** A list that the owner may watch is another one in the directory. */
  listChanged(list: ListName): Promise<void>;
  /** The owner has been deleted: bindings and sockets end. */
  subscriberDeleted(): Promise<void>;
  lastMessages(): Promise<readonly TraceEntry[]>;
  /** Calls of the last day that failed, oldest first. */
  failedCalls(): Promise<readonly FailedCall[]>;
  /** Where the owner is reached. */
  bindings(): Promise<readonly BindingView[]>;
  /** An administrator registers an address for the owner; undefined if there are too many bindings. */
  bind(contact: StaticContact): Promise<BindingView | undefined>;
  /** An application publishes the owner's presence, or how many messages wait, for so many seconds. */
  say(event: "presence" | "message-summary", body: string, seconds: number): Promise<void>;
  /** An administrator ends a binding; false if there is none of this id. */
  endBinding(id: string): Promise<boolean>;
  /** What users pay for, so that budgets can be measured. */
  costs(): Promise<Costs>;
}

/** What an object does for its trunk when no call is on its connection. "stands by": only asks whether the server is well, if it is to. */
export type Role = "registers" | "stands by" | "nothing";

/** How a server has answered when it was last asked. */
export interface Health {
  /** Milliseconds. */
  readonly at: number;
  /** Of its response; 0: it was silent, or could not be reached. */
  readonly status: number;
}

/** How the connection to a server is. Times are milliseconds, 0 for never. */
export interface HopStatus extends Hop {
  readonly isConnected: boolean;
  readonly registeredUntil: number;
  /** How it has answered when it was last asked. */
  readonly health: Health | undefined;
  /** It takes no calls, by that answer. */
  readonly isUnavailable: boolean;
  readonly calls: number;
}

/** What the connection to another server does for Workers and for other objects. */
export interface NextHopObject extends Receiver, Rpc.DurableObjectBranded {
  /** What is to be done for the trunk that the connection belongs to has changed. */
  keep(role: Role, former?: Trunk): Promise<void>;
  /** Whether this server is to register us because one before it cannot. */
  activateStandby(isNeeded: boolean): Promise<void>;
  /** How the connection is, and what is known of the server. */
  status(): HopStatus | Promise<HopStatus>;
}
