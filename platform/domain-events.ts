import { activityOf } from "./activity-data-points.ts";
import { type EventType, isWanted } from "../lib/web-hooks/web-hook.ts";
import { causeOf } from "../lib/web-hooks/cause.ts";
import { directoryOf } from "./directory/directory.ts";
import type { Environment, EventMessage } from "./environment.ts";
import type { QueuedEvent } from "./object-rpc.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Octets of the body of a delivery. */
export const maxPayload = 16_384;

/** Events of one home: so many at once, and so many in a second. What is beyond is lost. */
const maxEvents = { registrations: [60, 0.5], calls: [300, 10] } as const;

/** Something that has happened in a domain. */
export interface DomainEvent {
  /** The same each time it is announced again. */
  readonly id: string;
  readonly type: EventType;
  /** Milliseconds. */
  readonly at: number;
  readonly data: object;
}

/** Tells the web hooks and the watchers of a domain. */
export interface Announcer {
  /**
   * Does not wait, and does not repeat: the event is lost if the domain's object cannot be reached.
   * @param data is asked for only if the event is wanted
   */
  announce(type: EventType, data: () => object, now: number): void;
  /** Tells those of several domains of something, each with data of its own. */
  announceTo(domains: readonly string[], event: Omit<DomainEvent, "data"> & { readonly data: (domain: string) => object }): void;
}

/** The announcer of one home, for the events of its domain. It costs nothing where they are not wanted. */
export function announcerOf(environment: Environment, domain: string): Announcer {
  const isTold = environment.DOMAIN_EVENTS !== undefined || environment.EVENTS !== undefined;
  const activity = activityOf(environment.ANALYTICS_EVENTS, domain);
  const [rate, rateOfCalls] = [new TokenBucket(...maxEvents.registrations), new TokenBucket(...maxEvents.calls)];
  const tell = (to: string, event: Omit<DomainEvent, "data">, data: () => object) =>
    void enqueueIfWanted(environment, to, [event.type], () => [{ ...event, data: data() }]).catch((error: unknown) =>
      console.error(
        JSON.stringify({ note: "an event is lost for web hooks and consoles", domain: to, type: event.type, error: String(error) }),
      ),
    );
  return {
    announce: (type, data, now) => {
      activity?.happened(type);
      if (!isTold || !rate.take(now)) return;
      tell(domain, { id: crypto.randomUUID(), type, at: now }, data);
    },
    announceTo: (domains, { data, ...event }) => {
      if (!isTold || !rateOfCalls.take(event.at)) return;
      for (const one of domains) tell(one, event, () => data(one));
    },
  };
}

/**
 * Saves events for the hooks that want them and for the queue, and tells the watchers; rejects if they have to be given again.
 * @param events are made only if their type is wanted, or there is a queue
 */
export async function enqueueEvents(
  environment: Environment,
  domain: string,
  type: EventType,
  events: () => readonly DomainEvent[],
): Promise<void> {
  await enqueueIfWanted(environment, domain, [type], events);
}

/** For the hooks and for the queue, of which neither waits for the other. */
async function enqueueIfWanted(
  environment: Environment,
  domain: string,
  types: readonly EventType[],
  events: () => readonly DomainEvent[],
): Promise<void> {
  const { EVENTS: queue } = environment;
  if (queue === undefined) return enqueueForHooks(environment, domain, types, events);
  const made = events();
  await Promise.all([enqueueForHooks(environment, domain, types, () => made), ...made.map((event) => sendTo(queue, domain, event))]);
}

async function sendTo(queue: Queue<EventMessage>, domain: string, { at, ...event }: DomainEvent): Promise<void> {
  await queue.send({ ...event, domain, timestamp: new Date(at).toISOString() });
}

async function enqueueForHooks(
  environment: Environment,
  domain: string,
  types: readonly EventType[],
  events: () => readonly DomainEvent[],
): Promise<void> {
  const { DOMAIN_EVENTS: objects } = environment;
  if (objects === undefined) return;
  const { hooks, isWatched } = await directoryOf(environment).eventReceivers(domain);
  const wanting = (type: EventType) => hooks.filter((hook) => isWanted(hook, type)).map(({ name }) => name);
  if (!isWatched && types.every((type) => wanting(type).length === 0)) return;
  const queued = events().flatMap((event) => {
    const names = wanting(event.type);
    return names.length === 0 && !isWatched ? [] : [queuedEvent(event, names)];
  });
  await objects.getByName(domain).enqueue(queued);
}

/** @param hooks the names of those that are told of it */
export function queuedEvent(
  { id, type, at, data }: Omit<DomainEvent, "type"> & Pick<QueuedEvent, "type">,
  hooks: readonly string[],
): QueuedEvent {
  const payload = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
  return { id, type, at, payload, hooks, cause: causeOf(data) };
}
