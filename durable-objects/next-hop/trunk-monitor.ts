import type { Health, Role } from "../../platform/object-rpc.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { type BackOff, backOff } from "../../lib/transport/back-off.ts";
import { type UnavailableServers, maxRetryAfter } from "../../platform/unavailable-servers.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import type { Connection } from "./connection.ts";
import type { Account, TrunkRegistration } from "./trunk-registration.ts";

/** Milliseconds; so long a registered trunk's connection may be gone, with our memory, before it is noticed. */
const lookAfter = 60_000;
/** Milliseconds. */
const patienceForOptions = 5000;

/** How often in a row registering has failed, and when it is tried again (milliseconds). */
interface Failed {
  readonly count: number;
  readonly renewAt: number;
}

/** The object that has the connection, and what the care for its trunk needs of it. */
export interface MonitoredTrunk {
  /** Of the object. */
  readonly name: string;
  readonly storage: DurableObjectStorage;
  readonly times: BackOff;
  readonly unavailableServers: UnavailableServers;
  trunk(): Promise<Trunk | undefined>;
  /** Undefined if the server cannot be reached. */
  open(): Promise<Connection | undefined>;
  /** Whether there is a connection. */
  isOpen(): boolean;
  /** The connection may be closed when it is not used, or may not. */
  rest(): void;
  /** What it is to do if nobody has told it so yet: its address may be a new one. */
  usualRole(trunk: Trunk | undefined): Promise<Role>;
  /** Registering here has failed: the trunk's next server, if there is one, is to register us. */
  passOn(trunk: Trunk): Promise<void>;
  /** We are registered here: the servers behind this one need not register us any more. */
  release(trunk: Trunk): Promise<void>;
}

/**
 * What a trunk wants of its connection besides calls: to be registered there, held open and opened again with back-off
 * (RFC 5626 §4.5), and that its server is asked whether it is well. All of it by the object's alarm.
 */
export class TrunkMonitor {
  readonly #cared: MonitoredTrunk;
  readonly #registration: TrunkRegistration;
  /** We are registered there: the connection is for calls that come, too. */
  isHeld = false;
  /** Milliseconds: when the registration ends, and when it is to be renewed; 0 if there is none. */
  registeredUntil = 0;
  #renewAt = 0;
  /** Of registering, in a row; undefined until it is read, since an object whose server cannot be reached sleeps between two trials. */
  #failures: number | undefined;
  health: Health | undefined;
  #isAtWork = false;
  #formerTrunk: Trunk | undefined;

  constructor(cared: MonitoredTrunk, registration: TrunkRegistration) {
    this.#cared = cared;
    this.#registration = registration;
  }

  /**
   * Begins anew, as the trunk's settings are now.
   * @param former the trunk as it was, if it is there no more
   */
  async begin(role: Role, former: Trunk | undefined): Promise<void> {
    this.#formerTrunk = former;
    await this.#countFailures(0);
    this.#renewAt = 0;
    this.health = undefined;
    await this.#cared.storage.put("role", role);
    await this.#cared.storage.setAlarm(Date.now());
  }

  /** A server before this one has failed; or is well again. */
  async activateStandby(isNeeded: boolean): Promise<void> {
    const role = isNeeded ? "registers" : "stands by";
    const present = await this.#cared.storage.get<Role>("role");
    if (present !== role) await this.begin(role, undefined);
  }

  /** There is a connection, though we have not asked for it: after a loss of memory it is the time to be registered again. */
  opened(): void {
    if (!this.#isAtWork && !this.isHeld) void this.#cared.storage.setAlarm(Date.now());
  }

  /** The connection is gone. */
  lost(): void {
    if (this.isHeld) void this.#cared.storage.setAlarm(Date.now() + this.#wait(0));
    this.isHeld = false;
    this.registeredUntil = 0;
    this.#renewAt = 0;
  }

  /** Whether the server, when it was last asked, did not answer as one that takes calls. */
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
    const account = trunk?.register === true && role === "registers" ? accountOf(trunk) : undefined;
    if (trunk === undefined || account === undefined) return this.#letGo(trunk);
    const now = Date.now();
    if (this.#failures === undefined) await this.#memoise();
    const isFresh = this.#cared.isOpen() || (this.#failures ?? 0) > 0;
    if (isFresh && now < this.#renewAt) return Math.min(this.#renewAt, now + lookAfter);
    const connection = await this.#cared.open();
    if (connection === undefined) return this.#failed(trunk, 0);
    const outcome = await this.#registration.register(connection, account);
    if (outcome.kind === "refused") return this.#failed(trunk, Math.min(outcome.retryAfter, maxRetryAfter) * 1000);
    await this.#countFailures(0);
    const next = this.#registered(trunk, outcome.granted * 1000);
    await this.#leaves(connection, account, outcome.contact);
    return next;
  }

  /** A contact of a connection that is gone leads nowhere: the server had better forget it. */
  async #leaves(connection: Connection, account: Account, contact: string): Promise<void> {
    const former = await this.#cared.storage.get<string>("contact");
    if (former === contact) return;
    await this.#cared.storage.put("contact", contact);
    if (former !== undefined) this.#attempt(this.#registration.unregister(connection, account, former));
  }

  #registered(trunk: Trunk, granted: number): number {
    const now = Date.now();
    this.registeredUntil = now + granted;
    this.#renewAt = now + granted / 2;
    if (!this.isHeld) this.#attempt(this.#cared.release(trunk));
    this.isHeld = true;
    this.#cared.rest();
    return Math.min(this.#renewAt, now + lookAfter);
  }

  /** @param rest milliseconds that the server wants to be left alone, at least */
  async #failed(trunk: Trunk, rest: number): Promise<number> {
    const failures = this.#failures ?? 0;
    this.isHeld = false;
    this.registeredUntil = 0;
    this.#renewAt = Date.now() + Math.max(rest, this.#wait(failures));
    await this.#countFailures(failures + 1);
    this.#cared.rest();
    this.#attempt(this.#cared.passOn(trunk));
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

  /** Another server registers us, or none is to any more. */
  async #letGo(present: Trunk | undefined): Promise<number> {
    const trunk = present ?? this.#formerTrunk;
    const account = trunk === undefined ? undefined : accountOf(trunk);
    if (this.isHeld && this.#cared.isOpen() && account !== undefined) {
      const connection = await this.#cared.open();
      if (connection !== undefined) await this.#registration.unregister(connection, account);
      await this.#cared.storage.delete("contact");
    }
    this.isHeld = false;
    this.registeredUntil = 0;
    this.#cared.rest();
    return Number.POSITIVE_INFINITY;
  }

  /** RFC 3261 §11: asks the server whether it is well; returns when it is due again, in milliseconds. */
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
