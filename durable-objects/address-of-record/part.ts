import type { PhoneId } from "../../lib/transport/identifiers.ts";
import type { Binding } from "../../lib/location/binding.ts";
import type { Flow } from "../../lib/transport/flow.ts";

/** Phones have registered on a connection that they were not on before. */
export interface Registered {
  readonly flow: Flow;
  readonly bindings: readonly Binding[];
  /** The phones of these bindings, each once. */
  readonly phones: readonly PhoneId[];
}

/** A connection is closed, or its phones have left it. */
export interface FlowClosed {
  readonly flow: Flow;
  /** The client has closed it itself (a page that is closed, or reloads); it did not fail. */
  readonly isOnPurpose: boolean;
}

/**
 * A part of a home: its reactions to the home's events. The home has an ordered array of parts and a loop for each event; a new capability
 * is a new part. Times are milliseconds.
 */
export interface Part {
  onRegistered?(event: Registered, now: number): void;
  onFlowClosed?(event: FlowClosed, now: number): void;
  /** The alarm has fired: the part does what is due, and sets the alarm for the rest. */
  onAlarm?(now: number): void;
  /** An event at the home of an authenticated user: watchers may have to be notified. */
  afterEvent?(now: number): void;
  onSubscriberDeleted?(now: number): void;
}
