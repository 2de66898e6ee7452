import { DurableObject } from "cloudflare:workers";
import { SharedAlarm } from "../platform/alarm.ts";
import { directoryOf } from "../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../platform/directory/errors.ts";
import { WebHookStore } from "../platform/directory/web-hook-store.ts";
import { maxPayload } from "../platform/domain-events.ts";
import type { Environment } from "../platform/environment.ts";
import type { DeliveryPlace, DeliveryView, DomainEventsObject, QueuedEvent } from "../platform/object-rpc.ts";
import { Sql } from "../platform/sql.ts";
import { sendToWebHook } from "../platform/web-hook-sender.ts";
import { Deliveries, type Delivery, schema } from "./domain-events/deliveries.ts";
import { EventWatchers } from "./domain-events/event-watchers.ts";
import { type Attempt, HookQueue } from "./domain-events/hook-queue.ts";

/** Milliseconds that old deliveries may stay longer, to share an alarm. */
const slack = 86_400_000;
/** RFC 9110 §15.5.11 Gone: the receiver wants nothing more. */
const gone = 410;

/**
 * The events of one domain on their way to its web hooks: saved first, then sent, until the receiver has taken them. And to the watchers,
 * as they happen.
 */
export class DomainEvents extends DurableObject<Environment> implements DomainEventsObject {
  readonly #environment: Environment;
  readonly #domain: string;
  readonly #alarm: SharedAlarm;
  readonly #deliveries: Deliveries;
  readonly #queues = new Map<string, HookQueue>();
  readonly #watchers: EventWatchers;

  constructor(state: DurableObjectState, environment: Environment) {
    super(state, environment);
    const { name } = state.id;
    if (name === undefined) throw new Error("the events of a domain are addressed by its name");
    this.#environment = environment;
    this.#domain = name;
    this.#alarm = new SharedAlarm(state.storage);
    this.#deliveries = new Deliveries(new Sql(state.storage.sql, schema));
    this.#watchers = new EventWatchers({ state, environment, domain: name });
  }

  /** Opens a socket on which events are told (`watchRequest` makes the request). */
  override fetch(request: Request): Promise<Response> {
    return this.#watchers.open(request, Date.now());
  }

  override webSocketMessage(socket: WebSocket): void {
    this.#watchers.wrote(socket);
  }

  override webSocketClose(socket: WebSocket, code: number): Promise<void> {
    return this.#watchers.closed(socket, code);
  }

  /** The platform reports a failed socket here instead of closing it. */
  override webSocketError(socket: WebSocket): Promise<void> {
    return this.#watchers.closed(socket, 1006);
  }

  async enqueue(events: readonly QueuedEvent[]): Promise<void> {
    await this.#alarm.ready();
    const now = Date.now();
    if (events.some(({ type }) => type !== "test")) this.#watchers.tell(events, now);
    for (const event of events) {
      if (new TextEncoder().encode(event.payload).length > maxPayload) {
        console.error(JSON.stringify({ note: "an event is too long for web hooks", domain: this.#domain, id: event.id }));
        continue;
      }
      for (const hook of event.hooks) this.#deliveries.add(hook, event, now);
    }
    this.#deliverDue(now);
  }

  async hooksChanged(): Promise<void> {
    await this.#alarm.ready();
    const directory = directoryOf(this.#environment);
    directory.forget(this.#domain);
    const names = (await directory.webHooks(this.#domain)).map(({ name }) => name);
    for (const hook of this.#deliveries.hooks()) {
      if (names.includes(hook)) this.#queueOf(hook).retryAll(Date.now());
      else this.#queueOf(hook).clear();
    }
  }

  async forget(hook: string): Promise<void> {
    this.#queueOf(hook).clear();
  }

  async deliveries(hook: string, after: DeliveryPlace | undefined, limit: number): Promise<readonly DeliveryView[]> {
    const all = this.#deliveries.of(hook);
    const rest = after === undefined ? all : all.filter(({ at, id }) => at > after.at || (at === after.at && id > after.id));
    return rest.slice(0, limit).map(viewOf);
  }

  async replay(hook: string, id: string): Promise<DeliveryView | undefined> {
    await this.#alarm.ready();
    const delivery = this.#deliveries.find(hook, id);
    return delivery === undefined ? undefined : viewOf(this.#queueOf(hook).replay(delivery, Date.now()));
  }

  override async alarm(): Promise<void> {
    this.#alarm.wentOff();
    const now = Date.now();
    this.#alarm.noLaterThan(this.#deliveries.removeOld(now), slack);
    this.#deliverDue(now);
  }

  /** The hooks do not wait for each other. */
  #deliverDue(now: number): void {
    for (const hook of this.#deliveries.hooks()) this.#queueOf(hook).deliverDue(now);
  }

  #queueOf(hook: string): HookQueue {
    const attempt = (delivery: Delivery) => this.#attempt(delivery);
    const queue = this.#queues.get(hook) ?? new HookQueue({ hook, deliveries: this.#deliveries, alarm: this.#alarm, attempt });
    this.#queues.set(hook, queue);
    return queue;
  }

  /** Whatever goes wrong is a failed attempt, so that it has an end. */
  async #attempt(delivery: Delivery): Promise<Attempt> {
    try {
      return await this.#send(delivery);
    } catch (error) {
      if (error instanceof DirectoryUnavailable) return { status: null, error: "the directory of this server could not be reached" };
      const { hook, id } = delivery;
      console.error(
        JSON.stringify({ note: "an event could not be sent to a web hook", domain: this.#domain, hook, id, error: String(error) }),
      );
      return { status: null, error: "this server failed: see its log" };
    }
  }

  async #send(delivery: Delivery): Promise<Attempt> {
    const directory = directoryOf(this.#environment);
    const hook = (await directory.webHooks(this.#domain)).find(({ name }) => name === delivery.hook);
    if (hook === undefined) return this.#isDeleted(delivery.hook);
    if (hook.disabled !== undefined) return "ended";
    const payload = this.#deliveries.payloadOf(delivery);
    if (payload === undefined) return { status: null, error: "it was dropped meanwhile" };
    const now = Date.now();
    const result = await sendToWebHook(this.#environment, hook, { id: delivery.id, payload }, now);
    if (result.status !== gone) return result;
    const isDisabled = await new WebHookStore(this.#environment.DIRECTORY).disable(hook, now);
    directory.forget(this.#domain);
    return isDisabled ? "ended" : result;
  }

  /** A hook that was made a moment ago may be missing in the cache. */
  async #isDeleted(name: string): Promise<Attempt> {
    const directory = directoryOf(this.#environment);
    directory.forget(this.#domain);
    const isThere = (await directory.webHooks(this.#domain)).some((hook) => hook.name === name);
    return isThere ? { status: null, error: "the web hook was changed" } : "deleted";
  }
}

function viewOf({ id, type, at, attempts, next, last }: Delivery): DeliveryView {
  return { id, type, at, attempts, next, last };
}
