import type { Hop } from "../../lib/routing/locate.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { backOff } from "../../lib/transport/back-off.ts";
import type { ActiveCalls } from "./active-calls.ts";
import { Connection, type ConnectionSettings } from "./connection.ts";

/** Names of lost connections that calls in progress may still have in their routes. */
const maxFormer = 3;
/** Milliseconds: the back-off until another connection for calls in progress is tried. */
const comingBack = { base: 1000, most: 30_000 };
const maxFailures = 8;
/** Milliseconds: a connection that is lost sooner counts as failed. */
const shortLife = 30_000;

/** The owner of the connection. Times are milliseconds. */
export interface ConnectionOwner {
  /** The name of the object. */
  readonly name: string;
  readonly hop: Hop;
  readonly storage: DurableObjectStorage;
  readonly keepAliveEvery: number;
  /** How long it stays open without a call. */
  readonly idleAfter: number;
  readonly calls: ActiveCalls;
  readonly observe: ConnectionSettings["observe"];
  readonly networkOf: ConnectionSettings["networkOf"];
  trunk(): Promise<Trunk | undefined>;
  /** It is for incoming calls too, and stays open. */
  isHeld(): boolean;
  /** The other server is none of the trunk's any more: whatever it sends, the connection ends with its calls. */
  isDismissed(): boolean;
  heard(octets: string): void;
  opened(trunk: Trunk | undefined): void;
  /** It is lost, or could not be opened. */
  lost(): void;
  /** No call needs the names of its connections any more. */
  forgetHosts(): void;
}

/** The present connection to the server, and the next one when it is lost. */
export class HopConnection {
  readonly #owner: ConnectionOwner;
  #connection: Promise<Connection> | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  /** It is closed after that time, whatever is sent on it meanwhile. */
  #isLeaving = false;
  /** The names of lost connections, the newest first, while calls go on that are older than the present one. */
  #former: readonly string[] = [];
  #host = "";
  /** Milliseconds; when the connection was opened. */
  #opened = 0;
  /** Milliseconds; when it could not be opened. */
  #failedAt = 0;
  /** Connections in a row that failed early. */
  #failures = 0;
  /** The name is in its row. */
  #isStored = false;
  isOpen = false;

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
  }

  /**
   * The present connection, or a new one; undefined if the server cannot be reached.
   * @param since milliseconds: an attempt that has failed after that counts, and there is no other
   */
  async open(since = Number.POSITIVE_INFINITY): Promise<Connection | undefined> {
    if (!this.#isLeaving) clearTimeout(this.#idle);
    if (this.#connection === undefined && this.#failedAt > since) return undefined;
    const opening = (this.#connection ??= this.#begin());
    try {
      const connection = await opening;
      if (!connection.isOpen) return undefined;
      this.isOpen = true;
      this.rest();
      return connection;
    } catch (error) {
      this.#failedAt = Date.now();
      this.#lost(opening);
      console.error(JSON.stringify({ note: "a server cannot be reached", hop: this.#owner.name, error: String(error) }));
      return undefined;
    }
  }

  send(text: string, callId: string): void {
    void this.open().then((connection) => connection?.send(text, callId));
  }

  /** It may be closed after a time without use. */
  rest(): void {
    const { calls, idleAfter } = this.#owner;
    const isDismissed = this.#owner.isDismissed();
    if (this.#isLeaving && isDismissed) return;
    clearTimeout(this.#idle);
    this.#isLeaving = false;
    if (this.#connection === undefined || this.#owner.isHeld()) return;
    this.#isLeaving = isDismissed;
    const busy = calls.until() - Date.now();
    this.#idle = setTimeout(() => this.#leave(), Math.max(busy, idleAfter));
  }

  #leave(): void {
    this.#isLeaving = false;
    if (this.#hasCalls()) this.rest();
    else void this.#connection?.then((connection) => connection.close());
  }

  /** Its name at the other side, and that of the one before it, also if that was lost with our memory; "" for none. */
  async hosts(): Promise<readonly [now: string, before: string]> {
    const [now = "", before = ""] = (await this.#owner.storage.get<readonly string[]>("hosts")) ?? [];
    return [now, before];
  }

  /** An INVITE is to be sent: if our memory is lost, its CANCEL needs the name of the connection. Other requests leave no row. */
  async storeHost(): Promise<void> {
    if (this.#isStored) return;
    this.#isStored = true;
    await this.#owner.storage.put("hosts", [this.#host, ""]);
  }

  #begin(): Promise<Connection> {
    const { hop, keepAliveEvery, storage, observe, networkOf } = this.#owner;
    const opening: Promise<Connection> = this.#owner.trunk().then(async (trunk) => {
      const events = { message: (octets: string) => this.#owner.heard(octets), closed: () => this.#lost(opening) };
      const connection = await Connection.open(hop, events, {
        ...{ keepAliveEvery, observe, networkOf },
        upgrade: { path: trunk?.path, token: trunk?.token },
      });
      const [before] = await this.hosts();
      this.#host = connection.host;
      this.#isStored = before !== "";
      if (before !== "") await storage.put("hosts", [connection.host, before]);
      this.#opened = Date.now();
      this.#claim(connection);
      this.#owner.opened(trunk);
      return connection;
    });
    return opening;
  }

  /** Messages for the connections in the routes of calls in progress are to use this one. */
  #claim(connection: Connection): void {
    if (!this.#hasCalls()) this.#former = [];
    for (const host of this.#former) if (host !== connection.host) connection.claim(host);
  }

  /** A new connection may already have replaced the lost one: then nothing happens. */
  #lost(connection: Promise<Connection>): void {
    if (this.#connection !== connection) return;
    clearTimeout(this.#idle);
    const wasOpen = this.isOpen;
    this.#connection = undefined;
    this.isOpen = false;
    this.#isLeaving = false;
    this.#owner.calls.lost();
    this.#owner.lost();
    if (this.#isStored && !this.#hasCalls()) {
      this.#isStored = false;
      this.#owner.forgetHosts();
    }
    if (!wasOpen || !this.#hasCalls()) return;
    this.#former = [this.#host, ...this.#former].slice(0, maxFormer);
    this.#failures = Date.now() - this.#opened < shortLife ? this.#failures + 1 : 0;
    if (this.#failures <= 1) void this.#comeBack(0);
    else this.#comeBackLater(this.#failures - 1);
  }

  /**
   * RFC 5626 §4.5: while a call goes on, the other server needs a connection on which it can send requests in it.
   * @param failures in a row
   */
  async #comeBack(failures: number): Promise<void> {
    const isThere = (await this.open()) !== undefined;
    if (!isThere) this.#comeBackLater(failures);
  }

  #comeBackLater(failures: number): void {
    if (failures >= maxFailures || !this.#hasCalls()) return;
    setTimeout(() => void this.#comeBack(failures + 1), backOff(comingBack, failures, Math.random()));
  }

  #hasCalls(): boolean {
    return this.#owner.calls.until() > Date.now();
  }
}
