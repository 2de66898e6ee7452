import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { FailedCall } from "../../lib/failed-call.ts";
import type { CallView, ConnectedCall, EndOfCall } from "../../lib/location/call-view.ts";
import type { BindingView, StaticContact } from "../../lib/location/binding-view.ts";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import type { ListName } from "../../lib/presence/resource-list.ts";
import type { TraceEntry } from "../../lib/trace.ts";
import { homeName } from "../../platform/directory/directory.ts";
import type { Environment } from "../../platform/environment.ts";

/** Sends changes to homes. A home that is not open is never called. */
export interface Homes {
  changed(subscriber: Subscriber): Promise<void>;
  deleted(subscriber: Subscriber): Promise<void>;
  trace(subscriber: Subscriber): Promise<Trace>;
  /** Keeps all messages of a home that is open until then (milliseconds); undefined deletes them. */
  keepTrace(subscriber: Subscriber, until: number | undefined): Promise<void>;
  calls(subscriber: Subscriber): Promise<readonly CallView[]>;
  endCall(subscriber: Subscriber, id: string): Promise<EndOfCall>;
  /** For a subscriber whose home is open. @param target a URI */
  connect(subscriber: Subscriber, target: string): Promise<ConnectedCall>;
  bindings(subscriber: Subscriber): Promise<readonly BindingView[]>;
  /** For a subscriber whose home is open; undefined if there are too many bindings. */
  bind(subscriber: Subscriber, contact: StaticContact): Promise<BindingView | undefined>;
  /** State from an application, for a subscriber whose home is open; 0 seconds delete it. */
  say(subscriber: Subscriber, event: "presence" | "message-summary", body: string, expires: number): Promise<void>;
  /** A list has changed that the users of these homes watch. */
  listChanged(homes: readonly string[], list: ListName): Promise<void>;
  /** False if there was no such binding. */
  endBinding(subscriber: Subscriber, id: string): Promise<boolean>;
}

/** The last messages of a home, and the failed calls of the last day. */
export interface Trace {
  readonly entries: readonly TraceEntry[];
  readonly failed: readonly FailedCall[];
}

type Stub = ReturnType<Environment["ADDRESS_OF_RECORD"]["getByName"]>;

const attemptsAtOnce = 3;
const pausesLater = [1_000, 5_000, 15_000];

/**
 * Notifies homes at once, with up to three attempts. If these fail, they go on after the response, and at last the time limit of the home's
 * copy applies.
 * @param later keeps the Worker alive for the work after the response
 */
export function homesOf(environment: Environment, later: (work: Promise<unknown>) => void): Homes {
  const homeOf = (subscriber: Subscriber): Stub => environment.ADDRESS_OF_RECORD.getByName(homeName(subscriber));
  const reach = async (home: HomeName, call: (stub: Stub) => Promise<void>): Promise<void> => {
    const attempt = () => call(environment.ADDRESS_OF_RECORD.getByName(home));
    for (let count = 0; count < attemptsAtOnce; count += 1) if (await succeeds(attempt, home)) return;
    later(persist(attempt, home));
  };
  const tell = async (subscriber: Subscriber, call: (stub: Stub) => Promise<void>): Promise<void> => {
    if (subscriber.opened) await reach(homeName(subscriber), call);
  };
  return {
    changed: (subscriber) => tell(subscriber, (stub) => stub.subscriberChanged(subscriber)),
    deleted: (subscriber) => tell(subscriber, (stub) => stub.subscriberDeleted()),
    trace: async (subscriber) => {
      if (!subscriber.opened) return { entries: [], failed: [] };
      const home = homeOf(subscriber);
      const [entries, failed] = await Promise.all([home.lastMessages(), home.failedCalls()]);
      return { entries, failed };
    },
    keepTrace: (subscriber, until) => homeOf(subscriber).keepTrace(until),
    calls: async (subscriber) => (subscriber.opened ? homeOf(subscriber).calls() : []),
    endCall: async (subscriber, id) => (subscriber.opened ? homeOf(subscriber).endCall(id) : "unknown"),
    connect: (subscriber, target) => homeOf(subscriber).connectUser(target),
    bindings: async (subscriber) => (subscriber.opened ? homeOf(subscriber).bindings() : []),
    say: (subscriber, event, body, expires) => homeOf(subscriber).say(event, body, expires),
    listChanged: async (homes, list) => void (await Promise.all(homes.map((home) => reach(home, (stub) => stub.listChanged(list))))),
    bind: (subscriber, contact) => homeOf(subscriber).bind(contact),
    endBinding: async (subscriber, id) => subscriber.opened && homeOf(subscriber).endBinding(id),
  };
}

async function persist(attempt: () => Promise<void>, home: HomeName): Promise<void> {
  for (const pause of pausesLater) {
    await new Promise((resume) => setTimeout(resume, pause));
    if (await succeeds(attempt, home)) return;
  }
}

async function succeeds(attempt: () => Promise<void>, home: HomeName): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (error) {
    console.error(JSON.stringify({ note: "a home could not be notified of a change", home, error: String(error) }));
    return false;
  }
}
