import type { Health, Role } from "../../platform/object-rpc.ts";
import { type Trunk, hasServerAt } from "../../lib/routing/trunk.ts";
import { type BackOff, backOff } from "../../lib/transport/back-off.ts";
import { type UnavailableServers, maxRetryAfter } from "../../platform/unavailable-servers.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import { readHopName } from "../../lib/routing/hop-name.ts";
import type { Connection } from "./connection.ts";
import { type RedirectedTrunk, RegistrationRedirect } from "./registration-redirect.ts";
import { type FaultyTrunk, TrunkFaults } from "./trunk-faults.ts";
import type { Account, TrunkRegistration } from "./trunk-registration.ts";

/** Milliseconds until the loss of a registered trunk's connection, together with our memory, is noticed. */
const lookAfter = 60_000;
/** Milliseconds: before that no registration is refreshed, and after that no answer to OPTIONS is expected. */
const [leastPause, patienceForOptions] = [2000, 5000];

/** How often in a row registration has failed, and when it is tried again (milliseconds). */
interface Failed {
  readonly count: number;
  readonly renewAt: number;
}

/** The object with the connection, and what the monitor of its trunk needs of it. */
export interface MonitoredTrunk extends RedirectedTrunk, FaultyTrunk {
  /** The name of the object. */
  readonly name: string;
  readonly times: BackOff;
  readonly unavailableServers: UnavailableServers;
  trunk(): Promise<Trunk | undefined>;
  /** Undefined if the server cannot be reached. */
  open(): Promise<Connection | undefined>;
  /** Whether there is a connection. */
  isOpen(): boolean;
  /** The connection may be closed without use, or not. */
  rest(): void;
  /** Its role if it was not set yet: its address may be a new one. */
  usualRole(trunk: Trunk | undefined): Promise<Role>;
  /** Registration here has failed: the trunk's next server, if there is one, is to register us. */
  passOn(trunk: Trunk): Promise<void>;
  /** We are registered here: the servers after this one need not register us any more. */
  release(trunk: Trunk): Promise<void>;
  /** Tells the server at `name`, which has sent our registration here, what has become of it. */
  tellOutcome(name: string, isRegistered: boolean): Promise<void>;
}

/**
 * Keeps a trunk's connection as its settings demand: registered, open and reopened with back-off (RFC 5626 §4.5), and its server checked by
 * OPTIONS. All of it by the object's alarm.
 */
export class TrunkMonitor {
  readonly #cared: MonitoredTrunk;
  readonly #registration: TrunkRegistration;
  readonly #redirect: RegistrationRedirect;
  readonly #faults: TrunkFaults;
  /** We are registered there: the connection is for incoming calls too. */
  isHeld = false;
  /** Milliseconds: when the registration ends, and when it is to be renewed; 0 if there is none. */
  registeredUntil = 0;
  #renewAt = 0;
  /** Failed registrations in a row; undefined until they are read, because the object sleeps between two attempts. */
  #failures: number | undefined;
  health: Health | undefined;
  #isAtWork = false;
  #isDismissed = false;
  /** The server that has sent us here asks whether we are registered, although we were before. */
  #hasToTell = false;
  #formerTrunk: Trunk | undefined;

  constructor(cared: MonitoredTrunk, registration: TrunkRegistration) {
    this.#cared = cared;
    this.#registration = registration;
    this.#redirect = new RegistrationRedirect(cared);
    this.#faults = new TrunkFaults(cared);
  }

  /**
   * Starts again with the present settings of the trunk.
   * @param former the trunk before it was changed or deleted
   */
  async begin(role: Role, former: Trunk | undefined): Promise<void> {
    this.#formerTrunk = former;
    await this.#countFailures(0);
    this.#renewAt = 0;
    this.health = undefined;
    await this.#faults.forget();
    await this.#redirect.askAgain();
    // The address of record of what is ended now is still that of the other server.
    if (role === "registers") await this.#cared.storage.delete("from");
    this.#isDismissed = role === "nothing";
    await this.#cared.storage.put("role", role);
    await this.#cared.storage.setAlarm(Date.now());
  }

  /** A server before this one has failed; or works again. */
  async activateStandby(isNeeded: boolean): Promise<void> {
    const role = isNeeded ? "registers" : "stands by";
    const present = await this.#cared.storage.get<Role>("role");
    // A server that was redirected to registers us in the place of another one, which ends that.
    if (present !== role && (isNeeded || present !== "redirected")) await this.begin(role, undefined);
  }

  /** The server at `name` has sent our registration to this one. */
  async registerFor(name: string): Promise<void> {
    if (await this.#isFor(name)) {
      this.#hasToTell = true;
      this.#renewAt = 0;
      return this.#cared.storage.setAlarm(Date.now());
    }
    await this.#cared.storage.put("from", name);
    await this.begin("redirected", undefined);
  }

  /** It sends us here no more. */
  async endRegistrationFor(name: string, former: Trunk | undefined): Promise<void> {
    if (!(await this.#isFor(name))) return;
    const trunk = await this.#cared.trunk();
    const isOwn = trunk !== undefined && hasServerAt(trunk, readHopName(this.#cared.name));
    await this.begin(isOwn ? await this.#cared.usualRole(trunk) : "nothing", former);
  }

  async #isFor(name: string): Promise<boolean> {
    const { storage } = this.#cared;
    return (await storage.get<Role>("role")) === "redirected" && (await storage.get("from")) === name;
  }

  /** What has become of our registration at the server that this one has sent it to. */
  async redirectOutcome(name: string, isRegistered: boolean): Promise<void> {
    const trunk = await this.#cared.trunk();
    if (trunk === undefined || (await this.#redirect.to()) !== name) return;
    if (this.#failures === undefined) await this.#memoise();
    if (isRegistered) {
      await this.#countFailures(0);
      await this.#faults.note(trunk, "registration", false);
      this.#attempt(this.#cared.release(trunk));
    } else if (!(await this.#redirect.failed(trunk))) await this.#cared.storage.setAlarm(await this.#failed(trunk, 0));
  }

  /** Whether it is a server of the trunk, or that which one of them has sent our registration to. Its addresses may have changed. */
  async isOf(trunk: Trunk): Promise<boolean> {
    const { name, storage } = this.#cared;
    const isRedirected = (await storage.get<Role>("role")) === "redirected";
    const server = isRedirected ? ((await storage.get<string>("from")) ?? name) : name;
    this.#isDismissed = !hasServerAt(trunk, readHopName(server));
    return !this.#isDismissed;
  }

  /** It is no server of the trunk any more, as far as is known since this object was woken up. */
  get isDismissed(): boolean {
    return this.#isDismissed;
  }

  /** The object of the server that this one has sent our registration to. */
  redirectedTo(): Promise<string | undefined> {
    return this.#redirect.to();
  }

  /** A connection was opened for another reason: after an eviction, now is the time to register again. */
  opened(): void {
    if (!this.#isAtWork && !this.isHeld) void this.#cared.storage.setAlarm(Date.now());
  }

  /** The connection is lost. */
  lost(): void {
    if (this.isHeld) void this.#cared.storage.setAlarm(Date.now() + this.#wait(0));
    this.isHeld = false;
    this.registeredUntil = 0;
    this.#renewAt = 0;
  }

  /** Whether the last check of the server failed. */
  get isUnavailable(): boolean {
    return this.health !== undefined && (this.health.status === 0 || this.health.status === 503);
  }

  /** Does what is due, and sets the next alarm. */
  async alarm(): Promise<void> {
    const next = await this.#doWhatIsDue().catch((error: unknown) => {
      if (!(error instanceof DirectoryUnavailable)) throw error;
      console.error(JSON.stringify({ note: String(error), hop: this.#cared.name }));
      return Date.now() + lookAfter;
    });
    // Meanwhile the settings may have changed, or the connection may have been lost.
    const planned = (await this.#cared.storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
    if (next < planned) await this.#cared.storage.setAlarm(next);
  }

  async #doWhatIsDue(): Promise<number> {
    this.#isAtWork = true;
    try {
      const trunk = await this.#cared.trunk();
      const role = await this.#role(trunk);
      const registration = await this.#register(trunk, role);
      return Math.min(registration, await this.#ask(trunk, role));
    } finally {
      this.#isAtWork = false;
    }
  }

  /** Returns when it is due again, in milliseconds. */
  async #register(trunk: Trunk | undefined, role: Role): Promise<number> {
    const isWanted = trunk?.register === true && (role === "registers" || role === "redirected") && (await this.isOf(trunk));
    const account = isWanted ? await this.#account(trunk) : undefined;
    if (trunk === undefined || account === undefined) return this.#letGo(trunk);
    const now = Date.now();
    const rests = await this.#redirect.lasts(now);
    if (rests !== undefined) return rests;
    if (this.#failures === undefined) await this.#memoise();
    const isFresh = this.#cared.isOpen() || (this.#failures ?? 0) > 0;
    if (isFresh && now < this.#renewAt) return Math.min(this.#renewAt, now + lookAfter);
    const connection = await this.#cared.open();
    if (connection === undefined) return this.#failed(trunk, 0);
    const outcome = await this.#registration.register(connection, account);
    if (outcome.kind === "redirected" && role === "registers") return this.#redirected(trunk, outcome.contacts, outcome.granted);
    if (outcome.kind !== "registered")
      return this.#failed(trunk, outcome.kind === "refused" ? Math.min(outcome.retryAfter, maxRetryAfter) * 1000 : 0);
    await this.#redirect.leave(this.#formerTrunk);
    this.#formerTrunk = undefined;
    await this.#countFailures(0);
    await this.#faults.note(trunk, "registration", false);
    const next = this.#registered(trunk, outcome.granted * 1000);
    await this.#leaves(connection, account, outcome.contact);
    return next;
  }

  /** Another server registers us from now on, or tells that it cannot. @param seconds until this one is asked again */
  async #redirected(trunk: Trunk, contacts: readonly string[], seconds: number): Promise<number> {
    const until = await this.#redirect.follow(trunk, contacts, seconds, this.#formerTrunk);
    if (until === undefined) return this.#failed(trunk, 0);
    this.#formerTrunk = undefined;
    this.isHeld = false;
    this.registeredUntil = 0;
    this.#cared.rest();
    return until;
  }

  /** Its address of record is that at the server which has sent us here, if one has. */
  async #account(trunk: Trunk): Promise<Account | undefined> {
    const [account, from] = [accountOf(trunk), await this.#cared.storage.get<string>("from")];
    return account === undefined || from === undefined ? account : { ...account, host: readHopName(from).host };
  }

  /** To the servers that would have to register us otherwise. */
  async #tell(trunk: Trunk, isRegistered: boolean): Promise<void> {
    const from = await this.#cared.storage.get<string>("from");
    if (from !== undefined) await this.#cared.tellOutcome(from, isRegistered);
    else await (isRegistered ? this.#cared.release(trunk) : this.#cared.passOn(trunk));
  }

  /** The contact of a lost connection is useless: the server should remove it. */
  async #leaves(connection: Connection, account: Account, contact: string): Promise<void> {
    const former = await this.#cared.storage.get<string>("contact");
    if (former === contact) return;
    await this.#cared.storage.put("contact", contact);
    if (former !== undefined) this.#attempt(this.#registration.unregister(connection, account, former));
  }

  #registered(trunk: Trunk, granted: number): number {
    const now = Date.now();
    this.registeredUntil = now + granted;
    this.#renewAt = now + Math.max(granted / 2, leastPause);
    if (!this.isHeld || this.#hasToTell) this.#attempt(this.#tell(trunk, true));
    this.#hasToTell = false;
    this.isHeld = true;
    this.#cared.rest();
    return Math.min(this.#renewAt, now + lookAfter);
  }

  /** @param rest milliseconds that the server asks us to wait, at least */
  async #failed(trunk: Trunk, rest: number): Promise<number> {
    const failures = this.#failures ?? 0;
    this.isHeld = false;
    this.registeredUntil = 0;
    this.#renewAt = Date.now() + Math.max(rest, this.#wait(failures));
    await this.#countFailures(failures + 1);
    // The server that has sent us here says what has failed.
    if ((await this.#cared.storage.get("from")) === undefined) await this.#faults.note(trunk, "registration", true);
    this.#cared.rest();
    this.#attempt(this.#tell(trunk, false));
    return this.#renewAt;
  }

  async #memoise(): Promise<void> {
    const failed = await this.#cared.storage.get<Failed>("failed");
    this.#failures = failed?.count ?? 0;
    this.#renewAt = failed?.renewAt ?? this.#renewAt;
  }

  async #countFailures(count: number): Promise<void> {
    if (count > 0) await this.#cared.storage.put<Failed>("failed", { count, renewAt: this.#renewAt });
    else if (this.#failures !== 0) await this.#cared.storage.delete("failed");
    this.#failures = count;
  }

  /** Another server registers us, or registration is no longer wanted. */
  async #letGo(present: Trunk | undefined): Promise<number> {
    await this.#redirect.leave(this.#formerTrunk);
    // Another server is not told the secrets of a trunk that is not its own any more.
    const trunk = this.#formerTrunk ?? (present !== undefined && (await this.isOf(present)) ? present : undefined);
    const account = trunk === undefined ? undefined : await this.#account(trunk);
    if (this.isHeld && this.#cared.isOpen() && account !== undefined) {
      const connection = await this.#cared.open();
      if (connection !== undefined) await this.#registration.unregister(connection, account);
      await this.#cared.storage.delete("contact");
    }
    await this.#cared.storage.delete("from");
    this.isHeld = false;
    this.registeredUntil = 0;
    this.#cared.rest();
    return Number.POSITIVE_INFINITY;
  }

  /** RFC 3261 §11: checks the server; returns when it is due again, in milliseconds. */
  async #ask(trunk: Trunk | undefined, role: Role): Promise<number> {
    const interval = role === "nothing" ? 0 : (trunk?.options_interval ?? 0) * 1000;
    if (interval === 0) {
      this.health = undefined;
      return Number.POSITIVE_INFINITY;
    }
    const due = (this.health?.at ?? 0) + interval;
    if (Date.now() < due) return due;
    const answer = await (await this.#cared.open())?.options(patienceForOptions);
    const at = Date.now();
    this.health = { at, status: answer?.status ?? 0 };
    if (this.isUnavailable) this.#cared.unavailableServers.remember(this.#cared.name, interval / 1000, at);
    if (trunk !== undefined) await this.#faults.note(trunk, "options", this.isUnavailable);
    return at + interval;
  }

  async #role(trunk: Trunk | undefined): Promise<Role> {
    const told = await this.#cared.storage.get<Role>("role");
    if (told !== undefined) return told;
    const role = await this.#cared.usualRole(trunk);
    await this.#cared.storage.put("role", role);
    return role;
  }

  #wait(failures: number): number {
    return backOff(this.#cared.times, failures, Math.random());
  }

  #attempt(work: Promise<void>): void {
    work.catch((error: unknown) => console.error(JSON.stringify({ note: String(error), hop: this.#cared.name })));
  }
}

function accountOf({ username, password }: Trunk): Account | undefined {
  return username === undefined || password === undefined ? undefined : { username, password };
}
