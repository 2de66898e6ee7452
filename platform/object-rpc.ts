import type { FailedCall } from "../lib/failed-call.ts";
import type { CallView, ConnectedCall, EndOfCall } from "../lib/location/call-view.ts";
import type { BindingView, StaticContact } from "../lib/location/binding-view.ts";
import type { Subscriber } from "../lib/location/subscriber.ts";
import type { ListName } from "../lib/presence/resource-list.ts";
import type { Hop } from "../lib/routing/locate.ts";
import type { Trunk } from "../lib/routing/trunk.ts";
import type { TraceEntry } from "../lib/trace.ts";
import type { EventType } from "../lib/web-hooks/web-hook.ts";
import type { Receiver } from "./outbox.ts";

/** The costs of a home since the last call of this, or since it woke up. */
export interface Costs {
  readonly rowsWritten: number;
  readonly alarmsSet: number;
  /** Calls to other homes. */
  readonly calls: number;
}

/** The methods of the home of an address of record for Workers and for other objects. */
export interface HomeObject extends Receiver, Rpc.DurableObjectBranded {
  /** The directory has a newer row of the owner. */
  subscriberChanged(subscriber: Subscriber): Promise<void>;
  /** A list that the owner may watch has changed in the directory. */
  listChanged(list: ListName): Promise<void>;
  /** The owner has been deleted: bindings and sockets end. */
  subscriberDeleted(): Promise<void>;
  lastMessages(): Promise<readonly TraceEntry[]>;
  /** Keeps all messages until then (milliseconds), for a day; deletes them if that is undefined. */
  keepTrace(until: number | undefined): Promise<void>;
  /** Failed calls of the last day, oldest first. */
  failedCalls(): Promise<readonly FailedCall[]>;
  /** The calls of the owner at present. */
  calls(): Promise<readonly CallView[]>;
  /** An administrator ends a call. */
  endCall(id: string): Promise<EndOfCall>;
  /** An application calls the owner, and connects them to a URI. */
  connectUser(target: string): Promise<ConnectedCall>;
  /** The addresses of the owner. */
  bindings(): Promise<readonly BindingView[]>;
  /** An administrator registers an address for the owner; undefined if there are too many bindings. */
  bind(contact: StaticContact): Promise<BindingView | undefined>;
  /** An application publishes the owner's presence, or the number of waiting messages, for this many seconds. */
  say(event: "presence" | "message-summary", body: string, seconds: number): Promise<void>;
  /** An administrator ends a binding; false if there is none with this id. */
  endBinding(id: string): Promise<boolean>;
  /** The costs that operators pay for, so that tests can measure them. */
  costs(): Promise<Costs>;
}

/**
 * What an object does for its trunk without a call on its connection. "stands by": it only checks the server, if the trunk asks for that.
 * "redirected": it registers us because another server has sent our registration to this one (RFC 3261 §8.1.3.4).
 */
export type Role = "registers" | "redirected" | "stands by" | "nothing";

/** The result of the last check of a server. */
export interface Health {
  /** Milliseconds. */
  readonly at: number;
  /** The status of its response; 0: it was silent, or could not be reached. */
  readonly status: number;
}

/** The state of the connection to a server. Times are milliseconds, 0 for never. */
export interface HopStatus extends Hop {
  readonly isConnected: boolean;
  /** The name of the connection to the server that this one has sent our registration to, and that registers us. */
  readonly redirectedTo: string | undefined;
  readonly registeredUntil: number;
  /** The result of the last check. */
  readonly health: Health | undefined;
  /** It gets no calls because of that result. */
  readonly isUnavailable: boolean;
  readonly calls: number;
  /** Milliseconds that calls to the trunk have lasted today (UTC); undefined if that is not limited. */
  readonly talkedToday: number | undefined;
}

/** The methods of the connection to another server for Workers and for other objects. */
export interface NextHopObject extends Receiver, Rpc.DurableObjectBranded {
  /** The role of the connection for its trunk has changed. @param former the trunk before the change */
  keep(role: Role, former?: Trunk): Promise<void>;
  /** Whether this server is to register us because one before it cannot. */
  activateStandby(isNeeded: boolean): Promise<void>;
  /** The server at `name` has sent our registration to this one. */
  registerFor(name: string): Promise<void>;
  /** It sends us here no more. @param former the trunk as it was when it did, if it has changed */
  endRegistrationFor(name: string, former?: Trunk): Promise<void>;
  /** The server at `name`, to which this one has sent our registration, has registered us, or cannot. */
  redirectOutcome(name: string, isRegistered: boolean): Promise<void>;
  /** The state of the connection, and what is known of the server. */
  status(): HopStatus | Promise<HopStatus>;
}

/** An event on its way to web hooks. */
export interface QueuedEvent {
  /** The same each time it is queued again. */
  readonly id: string;
  readonly type: EventType | "test";
  /** Milliseconds. */
  readonly at: number;
  /** The body of the deliveries; at most `maxPayload` octets. */
  readonly payload: string;
  /** The names of the hooks that are told of it. */
  readonly hooks: readonly string[];
  /** Who has caused it (`causeOf`); absent from older builds. */
  readonly cause?: string;
}

/** An event that a hook has not been told of yet, or could not be. Times in milliseconds. */
export interface DeliveryView extends Pick<QueuedEvent, "id" | "type" | "at"> {
  /** Attempts that have failed, since it was queued or replayed. */
  readonly attempts: number;
  /** When it is tried next; undefined if it is given up. */
  readonly next: number | undefined;
  readonly last: LastAttempt | undefined;
}

/** The result of an attempt that has failed: the status of the answer, or why there was none. */
export interface LastAttempt {
  /** Milliseconds. */
  readonly at: number;
  readonly status: number | null;
  readonly error: string | null;
}

/** A place in the order of a hook's deliveries. */
export interface DeliveryPlace {
  /** Milliseconds. */
  readonly at: number;
  readonly id: string;
}

/** The methods of the events of a domain for Workers and for other objects. */
export interface DomainEventsObject extends Rpc.DurableObjectBranded {
  /** Saves events, and delivers them afterwards. */
  enqueue(events: readonly QueuedEvent[]): Promise<void>;
  /** Web hooks of the domain were changed or deleted in the directory. */
  hooksChanged(): Promise<void>;
  /** Drops what waits for a hook of this name: one that is made now is to get nothing of an older one. */
  forget(hook: string): Promise<void>;
  /** A page of the deliveries of a hook that wait or have failed, the oldest first. */
  deliveries(hook: string, after: DeliveryPlace | undefined, limit: number): Promise<readonly DeliveryView[]>;
  /** Delivers an event again, at once; undefined if there is none with this id. */
  replay(hook: string, id: string): Promise<DeliveryView | undefined>;
}
