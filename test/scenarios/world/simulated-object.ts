import { AsyncLocalStorage } from "node:async_hooks";
import { AddressOfRecord } from "../../../durable-objects/address-of-record.ts";
import type { Environment } from "../../../platform/environment.ts";
import { Connection, type ServerEnd } from "./connection.ts";
import { SimulatedSql } from "./database.ts";

/** The world around an object, as far as the object knows it. */
interface Surroundings {
  environment(caller: SimulatedObject): Environment;
  /** Runs something after all that was posted before it, if the instance that posts it lives on. */
  post(from: SimulatedObject | undefined, life: number, run: () => void): void;
  attempt(work: Promise<unknown>): void;
  connectionOf(socket: ServerEnd): Connection;
}

/** What an instance meets that still runs when its object has been reset. */
export class ObjectReset extends Error {
  override readonly name = "ObjectReset";
}

/** Milliseconds that the platform leaves an object in memory that has nothing to do. */
const idleTime = 10_000;

/** Whose code runs: what sets a timer is not idle. */
const running = new AsyncLocalStorage<SimulatedObject>();

/** Timers as an object's code sees them: one that has not gone off keeps its object in memory. */
export function timersOfObjects(): Pick<typeof globalThis, "setTimeout" | "clearTimeout"> {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const ends = new Map<unknown, () => void>();
  const setTimeout = (run: (...values: unknown[]) => void, milliseconds?: number, ...values: unknown[]) => {
    const end = running.getStore()?.begins();
    const timer = set(() => {
      ends.delete(timer);
      run(...values);
      end?.();
    }, milliseconds);
    if (end !== undefined) ends.set(timer, end);
    return timer;
  };
  const clearTimeout = (timer: Parameters<typeof clear>[0]) => {
    clear(timer);
    ends.get(timer)?.();
    ends.delete(timer);
  };
  return { setTimeout, clearTimeout } as Pick<typeof globalThis, "setTimeout" | "clearTimeout">;
}

/** The place of one Durable Object: what of it survives, and the instance that may be lost at any time. */
export class SimulatedObject {
  readonly world: Surroundings;
  readonly name: string;
  readonly sql = new SimulatedSql();
  /** Milliseconds. */
  alarm: number | null = null;
  #connections = new Set<Connection>();
  #instance: AddressOfRecord | undefined;
  /** Grows with each loss of memory: what an older instance still tries is void. */
  #life = 0;
  /** Events, timers and calls to others that are not over, and when the last one was (milliseconds). */
  #underWay = 0;
  #idleSince = 0;

  constructor(world: Surroundings, name: string) {
    this.world = world;
    this.name = name;
  }

  get connections(): readonly Connection[] {
    return [...this.#connections].filter((connection) => connection.isOpen);
  }

  get life(): number {
    return this.#life;
  }

  /** Runs an event in the instance, which wakes up if it sleeps: so it does when it has had nothing to do for 10 s. */
  async handle<T>(event: (instance: AddressOfRecord) => T | Promise<T>): Promise<T> {
    if (this.#underWay === 0 && Date.now() - this.#idleSince >= idleTime) this.evict();
    const life = this.#life;
    const ends = this.begins();
    try {
      this.#instance ??= new AddressOfRecord(this.#state(), this.world.environment(this));
      const instance = this.#instance;
      const result = await running.run(this, async () => event(instance));
      if (life !== this.#life) throw new ObjectReset("its memory was taken away");
      return result;
    } finally {
      ends();
    }
  }

  /** Something is under way that keeps the object in memory. @returns says that it is over */
  begins(): () => void {
    const life = this.#life;
    this.#underWay += 1;
    return () => {
      if (life !== this.#life) return;
      this.#underWay -= 1;
      this.#idleSince = Date.now();
    };
  }

  /** Something leaves the object: behind its writes, and only if the instance that sends it lives on. */
  emit(run: () => void): void {
    this.world.post(this, this.#life, run);
  }

  /** Something reaches the object from a phone. */
  receive(event: () => Promise<unknown> | undefined): void {
    this.world.post(undefined, 0, () => {
      const work = event();
      if (work !== undefined) this.world.attempt(work);
    });
  }

  connect(): Connection {
    return new Connection(this);
  }

  /** Memory is lost; sockets hibernate. */
  evict(): void {
    this.#instance = undefined;
  }

  /** Memory and sockets are lost, and what was on its way out. */
  abort(): void {
    this.#life += 1;
    this.#instance = undefined;
    this.#underWay = 0;
    for (const connection of this.#connections) connection.vanish();
    this.#connections.clear();
  }

  #state(): DurableObjectState {
    const life = this.#life;
    return {
      id: { name: this.name },
      storage: {
        sql: {
          exec: (query: string, ...values: (string | number | null)[]) => {
            // What still runs of an instance that has lost its object changes nothing, and knows nothing.
            return life === this.#life ? this.sql.exec(query, ...values) : { rowsWritten: 0, toArray: () => [] };
          },
        },
        getAlarm: async () => this.alarm,
        setAlarm: async (due: number) => {
          if (life === this.#life) this.alarm = due;
        },
      },
      acceptWebSocket: (socket: ServerEnd) => this.#connections.add(this.world.connectionOf(socket)),
      getWebSockets: () => this.connections.map((connection) => connection.server),
      setWebSocketAutoResponse: () => undefined,
      getWebSocketAutoResponseTimestamp: (socket: ServerEnd) => this.world.connectionOf(socket).lastKeepAlive,
    } as unknown as DurableObjectState;
  }
}
