import type { Binding } from "../../lib/location/binding.ts";
import type { Flow } from "../../lib/transport/flow.ts";

/** Phones have registered on a connection that they were not on before. */
export interface Registered {
  readonly flow: Flow;
  readonly bindings: readonly Binding[];
  /** Of these bindings, each once. */
  readonly phones: readonly string[];
}

/** A connection is gone, or its phones have left it. */
export interface FlowClosed {
  readonly flow: Flow;
  /** The client has closed it itself (a page that is closed, or reloads), and it did not break. */
  readonly isOnPurpose: boolean;
}

/**
 * A part of a home: what it does when something happens to the home. The home has an ordered array of them and a loop for each event;
 * another capability is another part. Times are milliseconds.
 */
export interface Part {
  onRegistered?(event: Registered, now: number): void;
  onFlowClosed?(event: FlowClosed, now: number): void;
  /** The alarm has gone off: what is due is done, and the alarm set for what is not. */
  onAlarm?(now: number): void;
  /** Something has happened at the home of an authenticated user: others may have to be told. */
  afterEvent?(now: number): void;
  onSubscriberDeleted?(now: number): void;
}
