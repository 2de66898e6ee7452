import { AddressOfRecord } from "../../../durable-objects/address-of-record.ts";
import { Connection, type ServerEnd } from "./connection.ts";
import { SimulatedSql } from "./database.ts";
import type { World } from "./world.ts";

/** What an instance meets that still runs when its object has been reset. */
export class ObjectReset extends Error {
  override readonly name = "ObjectReset";
}

/** The place of one Durable Object: what of it survives, and the instance that may be lost at any time. */
export class SimulatedObject {
  readonly world: World;
  readonly name: string;
  readonly sql = new SimulatedSql();
  /** Milliseconds. */
  alarm: number | null = null;
  #connections = new Set<Connection>();
  #instance: AddressOfRecord | undefined;
  /** Grows with each loss of memory: what an older instance still tries is void. */
  #life = 0;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
  }

  get connections(): readonly Connection[] {
    return [...this.#connections].filter((connection) => connection.isOpen);
  }

  get life(): number {
    return this.#life;
  }

  /** Runs an event in the instance, which wakes up if it sleeps. */
  async handle<T>(event: (instance: AddressOfRecord) => T | Promise<T>): Promise<T> {
    const life = this.#life;
    this.#instance ??= new AddressOfRecord(this.#state(), this.world.environment(this));
    const result = await event(this.#instance);
    if (life !== this.#life) throw new ObjectReset("its memory was taken away");
    return result;
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
    } as unknown as DurableObjectState;
  }
}
