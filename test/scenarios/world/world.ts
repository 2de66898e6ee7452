import type { TokenLimits } from "../../../lib/authentication/token-limits.ts";
import type { DomainSettings } from "../../../lib/location/domain-settings.ts";
import type { Router } from "../../../lib/location/router.ts";
import type { Decision, IncomingCall } from "../../../lib/routing/routing.ts";
import type { CallRouter } from "../../../platform/router/ask-router.ts";
import type { CallRecord } from "../../../lib/proxy/call-record/call-record.ts";
import { vi } from "vitest";
import type { Network } from "../../support/simulated-phone.ts";
import type { Opening } from "../../../lib/transport/opening.ts";
import type { Envelope } from "../../../lib/transport/envelope.ts";
import type { ListEntry, ListName } from "../../../lib/presence/resource-list.ts";
import { keyringOf } from "../../../platform/crypto/keyring.ts";
import { sealOpening } from "../../../platform/connection/sealed-opening.ts";
import { type Settings, readConfiguration } from "../../../platform/configuration.ts";
import { directoryOf, homeName } from "../../../platform/directory/directory.ts";
import type { Environment } from "../../../platform/environment.ts";
import { createHash } from "node:crypto";
import { writePushService } from "../../../lib/push/push-service.ts";
import { createVapidKeys } from "../../../platform/push/web-push.ts";
import { Connection, type ServerEnd } from "./connection.ts";
import { simulatedDirectory } from "./database.ts";
import { ObjectReset, SimulatedObject, timersOfObjects } from "./simulated-object.ts";

/** Something on its way: a frame, a call between homes, or its return. */
interface Delivery {
  readonly from: SimulatedObject | undefined;
  readonly life: number;
  readonly run: () => void;
  readonly lost: () => void;
}

/** How memory and connections are lost. */
export const losses = ["evict", "cut", "abort", "kill"] as const;
export type Loss = (typeof losses)[number];

const domain = "example.com";
const realImmediate = setImmediate;
const realCrypto = crypto;
/** The keys of the domain for Web Push, and an address that its phones name. */
const simulatedPushService = await createVapidKeys().then((keys) => ({
  ...{ provider: "webpush" as const, subject: "mailto:ops@example.com", hosts: ["8.8.8.8"] },
  ...keys,
}));

/** A request to the push service of a phone. */
export interface SimulatedPush {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** All that tells the time or waits for it. */
const clocks = ["Date", "performance", "setTimeout", "clearTimeout", "setInterval", "clearInterval"] as const;

/** What is under way in a world meets when that world has ended: its test is over, perhaps because it took too long. */
export class WorldEnded extends Error {
  override readonly name = "WorldEnded";
}

/**
 * Offhook's homes as they are, on a simulated platform, network and clock. Everything that passes between phones and homes is
 * one step in one queue, so that a loss can be put between any two of them, also between what a home has saved and what it sends.
 *
 * The clock and the globals of a test file are one, and so is the world: a new one ends the one before. A test that was given up
 * thus stops at its next step, and does nothing to the tests that follow.
 */
export class World implements Network {
  static #current: World | undefined;
  readonly domain = domain;
  readonly #objects = new Map<string, SimulatedObject>();
  readonly #directory = simulatedDirectory();
  #settings: Settings;
  readonly #queue: Delivery[] = [];
  readonly #connections = new WeakMap<ServerEnd, Connection>();
  #isolate: { readonly DIRECTORY: D1Database } = { DIRECTORY: this.#directory.database };
  #steps = 0;
  #keys = 0;
  /** Work of other threads that is under way. */
  #working = 0;
  #planned: { readonly at: number; readonly loss: Loss } | undefined;
  #upgraded: Connection | undefined;
  readonly #receiptsToLose = new Map<string, number>();
  #lists = 0;
  readonly #tokens = new Map<string, TokenLimits>();
  /** The customer's Worker that decides where calls go. */
  #router: CallRouter | undefined;
  /** What homes threw. */
  readonly faults: unknown[] = [];
  /** What Analytics Engine got of activity, as index, domain, event, method and status. */
  readonly dataPoints: string[] = [];

  constructor(settings: Settings = {}) {
    World.#current?.end();
    World.#current = this;
    this.#settings = { SEAL_KEYS: Buffer.alloc(32, 7).toString("base64"), LOGGING: "false", EXPIRES_SPREAD: "0", ...settings };
    vi.useFakeTimers({ toFake: [...clocks], now: Date.UTC(2026, 0, 1) });
    for (const [name, timer] of Object.entries(timersOfObjects())) vi.stubGlobal(name, timer);
    vi.stubGlobal("WebSocketRequestResponsePair", Object);
    vi.stubGlobal("WebSocketPair", this.#pair());
    vi.stubGlobal("Response", Object);
    vi.stubGlobal("fetch", () => Promise.reject(new Error("there is no Internet in the simulated world")));
    vi.stubGlobal("crypto", this.#trackedCrypto());
    this.#directory.run("INSERT INTO domains (name, created_at) VALUES (?, 0)", domain);
  }

  /** Ends the world: the real clock and globals come back. Nothing happens in it any more. */
  end(): void {
    if (World.#current !== this) return;
    World.#current = undefined;
    vi.unstubAllGlobals();
    vi.useRealTimers();
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Nothing is under way and no clock runs: every home could sleep. */
  get isQuiet(): boolean {
    return this.#queue.length === 0 && vi.getTimerCount() === 0;
  }

  /** A loss before the given step, counted from now. */
  plan(at: number, loss: Loss): void {
    this.#planned = { at: this.#steps + at, loss };
  }

  /** An administrator changes a user's rules. */
  async changeRules(username: string, rules: unknown): Promise<void> {
    this.changeRulesUnnoticed(username, rules);
    const answer = await directoryOf(this.environment(undefined)).fresh(username, domain);
    if (answer.kind !== "subscriber") throw new Error(`there is no ${username}`);
    const { subscriber } = answer;
    this.post(undefined, 0, () => this.attempt(this.homeOf(username).handle((instance) => instance.subscriberChanged(subscriber))));
  }

  /** The same, but the home is not told. */
  changeRulesUnnoticed(username: string, rules: unknown): void {
    this.#directory.run("UPDATE subscribers SET rules = ?, version = version + 1 WHERE username = ?", JSON.stringify(rules), username);
  }

  /** An administrator gives a user another password. */
  async changePassword(username: string): Promise<void> {
    this.#directory.run("UPDATE subscribers SET md5 = 'none', sha256 = 'none', version = version + 1 WHERE username = ?", username);
    const answer = await directoryOf(this.environment(undefined)).fresh(username, domain);
    if (answer.kind !== "subscriber") throw new Error(`there is no ${username}`);
    this.post(undefined, 0, () => this.attempt(this.homeOf(username).handle((instance) => instance.subscriberChanged(answer.subscriber))));
  }

  /** The settings of the domain. */
  domainSettings(settings: Partial<DomainSettings>): void {
    this.#directory.run("UPDATE domains SET settings = ? WHERE name = ?", JSON.stringify(settings), domain);
  }

  /** An administrator's route of the domain. */
  route(name: string, settings: object): void {
    this.#directory.run(
      "INSERT INTO routes (domain, name, settings) VALUES (?, ?, ?)",
      domain,
      name,
      JSON.stringify({ domain, name, ...settings }),
    );
  }

  /** The domain has a router: a Worker bound as ROUTER, whose answer is a step of its own. */
  async router(route: (call: IncomingCall) => unknown, more: Partial<Router> = {}): Promise<void> {
    this.#router = {
      route: (call) =>
        new Promise((resolve, reject) => {
          const answer = () =>
            Promise.resolve(structuredClone(call))
              .then(route)
              .then((decision) => resolve(decision as Decision), reject);
          this.post(undefined, 0, () => void answer());
        }),
    };
    const router = { kind: "service", binding: "ROUTER", timeout: 500, fallback: "continue", ...more };
    this.domainSettings({ router: router as Router });
    directoryOf(this.environment(undefined)).forget(domain);
  }

  /** The domain uses Web Push. Each request to a push service is a step of its own; its status is the answer. */
  pushService(answer: (push: SimulatedPush) => number): void {
    const keyring = keyringOf(readConfiguration(this.environment(undefined)).sealKeys);
    const settings = writePushService(simulatedPushService, domain, keyring);
    this.#directory.run("INSERT INTO push (domain, provider, settings) VALUES (?, 'webpush', ?)", domain, settings);
    directoryOf(this.environment(undefined)).forget(domain);
    const asked = (url: string, { headers, body }: { headers: Record<string, string>; body: Uint8Array }) =>
      new Promise((resolve) => {
        const status = () => answer({ url, headers, body: structuredClone(body) });
        this.post(undefined, 0, () => resolve({ status: status(), body: undefined }));
      });
    vi.stubGlobal("fetch", asked);
  }

  /** Web Crypto works in other threads: the world waits for it. */
  #trackedCrypto(): unknown {
    const tracked =
      (name: string) =>
      (...values: unknown[]) => {
        this.#working += 1;
        const method = realCrypto.subtle[name as keyof SubtleCrypto] as (...all: unknown[]) => Promise<unknown>;
        return method.apply(realCrypto.subtle, values).finally(() => (this.#working -= 1));
      };
    const subtle = new Proxy(realCrypto.subtle, { get: (_target, name) => tracked(String(name)) });
    return { subtle, getRandomValues: realCrypto.getRandomValues.bind(realCrypto), randomUUID: realCrypto.randomUUID.bind(realCrypto) };
  }

  /** The records of calls in the directory, the oldest first. */
  callRecords(): CallRecord[] {
    const rows = this.#directory.rows("SELECT record FROM calls WHERE domain = ? ORDER BY started, id", domain);
    return rows.map(({ record }) => JSON.parse(String(record)) as CallRecord);
  }

  /** A home does what it is asked, but so many of its receipts do not arrive. */
  loseReceipts(home: SimulatedObject, count: number): void {
    this.#receiptsToLose.set(home.name, count);
  }

  /** An administrator makes or changes a list, of a user or (without an owner) of the domain; without entries he deletes it. */
  async changeList(list: ListName, entries?: readonly ListEntry[]): Promise<void> {
    this.changeListUnnoticed(list, entries);
    const query = "SELECT home FROM list_watchers WHERE name = ?";
    const { results } = await this.#directory.database.prepare(query).bind(list.name).all<{ home: string }>();
    const homes = list.owner === undefined ? results.map(({ home }) => this.home(home)) : [this.homeOf(list.owner)];
    for (const home of homes) this.post(undefined, 0, () => this.attempt(home.handle((instance) => instance.listChanged(list))));
  }

  /** The same, but no home is told. */
  changeListUnnoticed({ owner = "", name }: ListName, entries?: readonly ListEntry[]): void {
    this.#directory.run("DELETE FROM lists WHERE owner = ? AND name = ?", owner, name);
    this.#lists += 1;
    const row = [domain, owner, name, this.#lists, JSON.stringify(entries ?? [])];
    if (entries !== undefined) this.#directory.run("INSERT INTO lists VALUES (?, ?, ?, ?, ?)", ...row);
  }

  /** The directory answers nobody any more. */
  loseDirectory(): void {
    this.#directory.isDown = true;
  }

  /** The directory answers again. */
  restoreDirectory(): void {
    this.#directory.isDown = false;
  }

  subscribe(username: string, columns: Readonly<Record<string, string>> = {}): void {
    const hash = (algorithm: string) => createHash(algorithm).update(`${username}:${domain}:offhook`).digest("hex");
    const row = { domain, username, md5: hash("md5"), sha256: hash("sha256"), aliases: "[]", ...columns };
    const names = [...Object.keys(row), "generation", "version", "created_at", "updated_at"];
    const marks = names.map(() => "?").join(", ");
    this.#directory.run(`INSERT INTO subscribers (${names.join(", ")}) VALUES (${marks})`, ...Object.values(row), 1, 1, 0, 0);
    this.#directory.run("INSERT INTO aliases (domain, alias, username) VALUES (?, ?, ?)", domain, username, username);
  }

  /** From now on the phones of a user connect with a token that has these limits. */
  signsInByToken(username: string, limits: Omit<TokenLimits, "id">): void {
    this.#tokens.set(username, { id: `token of ${username}`, ...limits });
  }

  /** A connection on a dedicated connection, as the edge proxy hands it over. */
  async connect(username: string): Promise<Connection> {
    const answer = await directoryOf(this.environment(undefined)).fresh(username, domain);
    if (answer.kind !== "subscriber") throw new Error(`there is no ${username}`);
    await directoryOf(this.environment(undefined)).markOpened(answer.subscriber);
    const home = this.home(homeName(answer.subscriber));
    const opening: Opening = {
      way: "dedicated",
      host: domain,
      address: "192.0.2.1",
      subscriber: answer.subscriber,
      isAuthenticated: false,
      ...this.#signedIn(username),
    };
    const keyring = keyringOf(readConfiguration(this.environment(undefined)).sealKeys);
    const headers = { get: () => sealOpening(keyring, home.name, opening) };
    this.#upgraded = home.connect();
    const connection = this.#upgraded;
    this.#connections.set(connection.server, connection);
    await home.handle((instance) => instance.fetch({ headers } as unknown as Request));
    return connection;
  }

  /** What the edge proxy has verified. */
  #signedIn(username: string): Partial<Opening> {
    const tokenLimits = this.#tokens.get(username);
    const now = Date.now();
    const byToken = { until: now + 3_600_000, hash: "token", issued: now };
    return tokenLimits === undefined ? {} : { isAuthenticated: true, byToken, tokenLimits };
  }

  home(name: string): SimulatedObject {
    const known = this.#objects.get(name) ?? new SimulatedObject(this, name);
    this.#objects.set(name, known);
    return known;
  }

  homeOf(username: string): SimulatedObject {
    return this.home(`sip:${username}@${domain}#1`);
  }

  /** What an object's code sees as `env`. */
  environment(caller: SimulatedObject | undefined): Environment {
    const life = caller?.life ?? 0;
    const getByName = (name: string) => ({ deliver: (envelopes: readonly Envelope[]) => this.#call(caller, life, name, envelopes) });
    const bound = this.#router === undefined ? {} : { ROUTER: this.#router };
    const writeDataPoint = ({ indexes, blobs, doubles }: AnalyticsEngineDataPoint = {}) =>
      void this.dataPoints.push([...(indexes ?? []), ...(blobs ?? []), ...(doubles ?? [])].join(" "));
    const parts = { DIRECTORY: this.#isolate.DIRECTORY, ADDRESS_OF_RECORD: { getByName }, ANALYTICS_EVENTS: { writeDataPoint } };
    return { ...this.#settings, ...bound, ...parts } as unknown as Environment;
  }

  connectionOf(socket: ServerEnd): Connection {
    const connection = this.#connections.get(socket);
    if (connection === undefined) throw new Error("a socket of nobody");
    return connection;
  }

  /** @param life of the instance that sends it */
  post(from: SimulatedObject | undefined, life: number, run: () => void, lost: () => void = () => undefined): void {
    this.#queue.push({ from, life, run, lost });
  }

  /** Work of a home that nobody waits for. What it throws is a fault of ours, unless its memory was taken away. */
  attempt(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof ObjectReset)) this.faults.push(error);
    });
  }

  /** Lets everything happen that happens at once, and within the second. */
  async settle(): Promise<void> {
    await this.#drain();
    for (let slice = 0; slice < 10 && vi.getTimerCount() > 0; slice += 1) await this.#advance(100);
  }

  /** Lets at most so many things happen: what is left is under way. */
  async take(steps: number): Promise<void> {
    await this.#drain(steps);
  }

  /** Lets time pass; alarms go off when they are due. */
  async pass(seconds: number): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      const next = Math.min(end, ...[...this.#objects.values()].map(({ alarm }) => Math.max(alarm ?? end, Date.now() + 1)));
      await this.#advance(vi.getTimerCount() > 0 ? Math.min(200, next - Date.now()) : next - Date.now());
    }
  }

  /** Loses something now. */
  lose(loss: Loss, culprit?: SimulatedObject): void {
    const objects = [...this.#objects.values()];
    switch (loss) {
      case "evict":
        // An object that waits for something is not idle and stays.
        for (const object of objects) if (!this.#queue.some(({ from }) => from === object)) object.evict();
        return;
      case "cut":
        for (const object of objects) for (const connection of object.connections) connection.cut();
        return;
      case "abort":
        (culprit ?? objects[0])?.abort();
        return;
      case "kill":
        this.#isolate = { DIRECTORY: Object.assign({}, this.#directory.database) };
        for (const object of objects) object.abort();
    }
  }

  /** The administrator puts a new key in front of the old ones and deploys: every object begins anew, connections stay. */
  rotateKeys(): void {
    this.#keys += 1;
    const fresh = Buffer.alloc(32, 100 + this.#keys).toString("base64");
    this.#settings = { ...this.#settings, SEAL_KEYS: `${fresh},${this.#settings["SEAL_KEYS"]}` };
    this.lose("evict");
  }

  async #drain(most = Number.POSITIVE_INFINITY): Promise<void> {
    for (let step = 0; step < most; step += 1) {
      await new Promise((resume) => realImmediate(resume));
      this.#mustBeCurrent();
      const next = this.#queue.shift();
      if (next === undefined && this.#working > 0) {
        step -= 1;
        continue;
      }
      if (next === undefined) return;
      this.#steps += 1;
      if (this.#planned?.at === this.#steps) this.lose(this.#planned.loss, next.from);
      if (next.from !== undefined && next.from.life !== next.life) next.lost();
      else next.run();
    }
  }

  #mustBeCurrent(): void {
    if (World.#current !== this) throw new WorldEnded("this world has ended");
  }

  async #advance(milliseconds: number): Promise<void> {
    this.#mustBeCurrent();
    vi.advanceTimersByTime(milliseconds);
    for (const object of this.#objects.values()) {
      if (object.alarm === null || object.alarm > Date.now()) continue;
      object.alarm = null;
      this.post(undefined, 0, () => this.attempt(object.handle((instance) => instance.alarm())));
    }
    await this.#drain();
  }

  #call(caller: SimulatedObject | undefined, life: number, name: string, envelopes: readonly Envelope[]): Promise<unknown> {
    const target = this.home(name);
    const sent = structuredClone(envelopes);
    const ends = caller?.begins();
    return new Promise((succeed, fail) => {
      // Whoever has lost his memory does not wait any more.
      const isWaiting = () => caller === undefined || caller.life === life;
      const resolve = (result: unknown) => (isWaiting() ? succeed(result) : undefined);
      const failed = () => (isWaiting() ? fail(new Error("the other object was reset")) : undefined);
      const answer = (result: unknown, answering: number) =>
        this.#losesReceipt(name) ? failed() : this.post(target, answering, () => resolve(structuredClone(result)), failed);
      this.post(caller, life, () => {
        // Its receipt is of the life that took the envelopes, and is lost with that one.
        const { life: answering } = target;
        this.attempt(target.handle((instance) => instance.deliver(sent)).then((result) => answer(result, answering), failed));
      });
    }).finally(ends);
  }

  #losesReceipt(name: string): boolean {
    const left = this.#receiptsToLose.get(name) ?? 0;
    this.#receiptsToLose.set(name, Math.max(0, left - 1));
    return left > 0;
  }

  #pair(): unknown {
    const upgraded = () => this.#upgraded;
    return class {
      readonly client = {};
      readonly server = upgraded()?.server;
    };
  }
}
