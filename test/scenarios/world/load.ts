import type { CallRecord } from "../../../lib/proxy/call-record/call-record.ts";
import { SimulatedPhone, type DeskOptions } from "../../support/simulated-phone.ts";
import { header } from "../../support/received-message.ts";
import { mulberry32 } from "../../support/random.ts";
import { type Loss, World, losses } from "./world.ts";

const users = ["alice", "bob", "carol", "dave"] as const;
type Call = SimulatedPhone["calls"][number];

/** A MESSAGE, and what its sender was told of it. */
interface Written {
  readonly to: string;
  readonly callId: string;
  readonly sent: { readonly final: number };
}

/** Milliseconds after which a caller who was away may find his call ended: CALLER_GRACE. */
const callerGrace = 9500;

/** Four users with a phone or two each, who do at random what users do, while connections and homes are lost at random. */
export class Load {
  readonly #random: () => number;
  readonly #world: World;
  readonly #desks: SimulatedPhone[] = [];
  readonly #written: Written[] = [];
  /** Since when phones are away, in milliseconds; and the calls that may have been lost by that, or by what cannot be survived. */
  readonly #away = new Map<SimulatedPhone, number>();
  readonly #excused = new Set<string>();
  /** Connections were lost. */
  #hadLosses = false;

  constructor(seed: number) {
    this.#random = mulberry32(seed);
    this.#world = new World(this.#happens(0.3) ? { RECURSE_ON_REDIRECT: "true" } : {});
  }

  /** How many calls were placed. */
  get calls(): number {
    return this.#desks.flatMap(({ calls }) => calls.filter(({ isOurs }) => isOurs)).length;
  }

  /** Plays it through, and says what was not as it should be. */
  async run(): Promise<string[]> {
    try {
      await this.#begin();
      for (let deeds = 40 + Math.floor(this.#random() * 80); deeds > 0; deeds -= 1) {
        this.#act();
        await this.#pause();
      }
      return [...(await this.#calmDown()), ...(await this.#end())];
    } finally {
      this.#world.end();
    }
  }

  async #begin(): Promise<void> {
    for (const user of users) {
      const rules = this.#rules(user);
      this.#world.subscribe(user, rules === undefined ? {} : { rules: JSON.stringify(rules) });
    }
    for (const user of users) {
      for (let phones = this.#happens(0.4) ? 2 : 1; phones > 0; phones -= 1) {
        const desk = new SimulatedPhone(this.#world, user, this.#options());
        this.#desks.push(desk);
        await desk.comesOnline();
      }
    }
  }

  #rules(user: string): unknown {
    const to = `sip:${this.#pick(users.filter((one) => one !== user))}@example.com`;
    const kinds = [
      { forward: { busy: to } },
      { forward: { noAnswer: { to, after: 5 + Math.floor(this.#random() * 20) } } },
      { forward: { notRegistered: to } },
      { forward: { always: to } },
      { maximumCalls: 1 + Math.floor(this.#random() * 2) },
    ];
    return this.#happens(0.55) ? undefined : this.#pick(kinds);
  }

  #options(): DeskOptions {
    return {
      ...(this.#happens(0.4) ? { manners: "forgets", userAgent: "JsSIP 3.13.8" } : {}),
      ...(this.#happens(0.3) ? { parameters: `;q=${this.#pick(["0.2", "0.5", "0.8"])}` } : {}),
    };
  }

  /** One thing that can happen now. */
  #act(): void {
    const desk = this.#pick(this.#desks);
    const kind = this.#random();
    if (kind < 0.09) this.#hadLosses = true;
    if (kind < 0.06) desk.isCut();
    else if (kind < 0.09) desk.isDeaf();
    else if (kind < 0.12) this.#leaves(desk);
    else if (kind < 0.16) this.#returns(desk);
    else if (kind < 0.2 && desk.isRegistered) desk.registers();
    else if (kind < 0.27) this.#loses(this.#pick(losses), this.#pick(users));
    else if (kind < 0.31) this.#writes(desk);
    else this.#calls(desk);
  }

  /** What a home has sent into a connection that is dead already is lost if it crashes before the phone is back. */
  #loses(loss: Loss, user: string): void {
    if (loss !== "evict") this.#hadLosses = true;
    const hit = this.#desks.filter(({ account }) => loss === "kill" || (loss === "abort" && account === user));
    for (const { calls } of hit.filter(({ isRegistered }) => !isRegistered)) for (const { id } of calls) this.#excused.add(id);
    this.#world.lose(loss, this.#world.homeOf(user));
  }

  #leaves(desk: SimulatedPhone): void {
    this.#hadLosses = true;
    desk.leaves();
    if (!this.#away.has(desk)) this.#away.set(desk, Date.now());
  }

  #returns(desk: SimulatedPhone): void {
    const since = this.#away.get(desk) ?? Date.now();
    this.#away.delete(desk);
    if (Date.now() - since > callerGrace) for (const { id } of desk.calls.filter(isWaiting)) this.#excused.add(id);
    this.#world.attempt(desk.comes());
  }

  #writes(desk: SimulatedPhone): void {
    const to = this.#pick(users.filter((one) => one !== desk.account));
    const callId = `m${this.#written.length}`;
    const aor = `sip:${to}@example.com`;
    const lines = [`From: <${desk.aor}>;tag=${callId}`, `To: <${aor}>`, `Call-ID: ${callId}`, "CSeq: 1 MESSAGE"];
    this.#written.push({ to, callId, sent: desk.sends("MESSAGE", aor, [...lines, "Content-Type: text/plain"], "hello") });
  }

  /** Something is done with one of the phone's calls, or it places another one. */
  #calls(desk: SimulatedPhone): void {
    const open = desk.calls.filter((call) => isWaiting(call) || call.state === "ringing" || call.state === "talking");
    const call = open.length === 0 || (open.length < 3 && this.#happens(0.2)) ? undefined : this.#pick(open);
    if (call === undefined) {
      if (desk.isRegistered) desk.invites(`sip:${this.#pick(users)}@example.com`);
    } else if (call.state === "ringing") this.#rings(desk, call);
    else if (call.state === "talking") {
      // RFC 3261 §15: a callee sends no BYE before it has the ACK.
      if ((call.isOurs || call.isAcknowledged) && this.#happens(0.4)) desk.hangsUp(call);
    } else if (desk.isRegistered && (call.invite?.provisional ?? 0) > 0 && this.#happens(0.4)) desk.cancels(call);
  }

  #rings(desk: SimulatedPhone, call: Call): void {
    const kind = this.#random();
    if (kind < 0.4) desk.answers(call);
    else if (kind < 0.6) desk.rejects(this.#pick([404, 480, 486, 500, 503, 603]), [], call);
    else if (kind < 0.63) desk.rejects(302, [`Contact: <sip:${this.#pick(users)}@example.com>`], call);
  }

  async #pause(): Promise<void> {
    const kind = this.#random();
    if (kind < 0.5) return this.#world.take(1 + Math.floor(this.#random() * 8));
    if (kind < 0.8) return this.#world.settle();
    return this.#world.pass(this.#random() * (kind < 0.97 ? 8 : 60));
  }

  /** Everybody comes back, and after all graces nobody rings for nobody, and nobody talks alone. */
  async #calmDown(): Promise<string[]> {
    await this.#world.settle();
    for (const desk of this.#desks) this.#returns(desk);
    // A home asks once a minute whether the caller of a call that rings still waits, and then gives them CALLER_GRACE.
    await this.#world.pass(140);
    const away = this.#desks.filter((desk) => !desk.isRegistered);
    return [
      ...this.#thrown(),
      ...away.map(({ account }) => `${account} is not registered`),
      ...this.#ringingForNobody(),
      ...this.#talkingAlone(),
    ];
  }

  /** When all timers have passed, and everybody has hung up, nothing is left. */
  async #end(): Promise<string[]> {
    await this.#world.pass(900);
    const unfinished = this.#desks.flatMap(({ account, calls }) =>
      calls.filter((call) => this.#isUnfinished(call)).map(({ id, state }) => `${account} ${state}: ${id}`),
    );
    for (const desk of this.#desks) for (const call of desk.calls) if (call.state === "talking" && this.#happens(0.5)) desk.hangsUp(call);
    await this.#world.settle();
    for (const desk of this.#desks) for (const call of desk.calls) if (call.state === "talking") desk.hangsUp(call);
    await this.#world.pass(100);
    for (const user of users) await this.#world.homeOf(user).handle((instance) => instance.alarm());
    await this.#world.settle();
    // A call whose end was lost with a home has its record when nothing was heard of it for hours.
    await this.#world.pass(5 * 3600);
    for (const user of users) await this.#world.homeOf(user).handle((instance) => instance.alarm());
    await this.#world.settle();
    return [
      ...unfinished,
      ...this.#talkingAlone(),
      ...this.#lostMessages(),
      ...this.#wrongRecords(),
      ...this.#rowsLeft(),
      ...this.#thrown(),
    ];
  }

  /** Each call that the server took over has one record, which says what its phones know. */
  #wrongRecords(): string[] {
    const records = Map.groupBy(this.#world.callRecords(), ({ callId }) => callId);
    return this.#desks.flatMap(({ calls }) =>
      calls.flatMap((call) => (call.invite === undefined ? [] : this.#wrongRecord(call, call.invite, records.get(call.id) ?? []))),
    );
  }

  #wrongRecord(call: Call, { provisional, final }: { provisional: number; final: number }, records: readonly CallRecord[]): string[] {
    const [record, ...more] = records;
    const faults: string[] = [];
    if (more.length > 0) faults.push("more than one record");
    if (record === undefined) return provisional > 0 || final > 0 ? [`${call.id} has no record`] : [];
    const isAnswered = record.outcome === "answered";
    if (final >= 300 && record.status !== final && !this.#excused.has(call.id)) faults.push(`${final} was heard`);
    // The caller was away, and did not hear of the end (a refusal by another phone, or after his CANCEL) before a phone that had been away too
    // long answered.
    const isLate = this.#hadLosses && (record.endedBy !== "caller" || record.outcome === "cancelled");
    if (call.dialog !== undefined && !isAnswered && !isLate) faults.push("it was answered");
    const ends = this.#desks.flatMap(({ calls }) => calls.filter(({ id, hasHungUp }) => id === call.id && hasHungUp === true));
    const by = ends.map(({ isOurs }) => (isOurs ? "caller" : "callee"));
    if (isAnswered && !["network", ...by].includes(record.endedBy)) faults.push(`hung up by ${by.join(" and ")}`);
    if (isAnswered && record.endedBy === "network" && by.length > 0 && !this.#hadLosses) faults.push("no network was lost");
    return faults.map((fault) => `${call.id}: ${fault}, but the record says ${JSON.stringify(record)}`);
  }

  #thrown(): string[] {
    return this.#world.faults.splice(0).map((fault) => String((fault as Error).stack));
  }

  #ringingForNobody(): string[] {
    const waiting = new Set(this.#desks.flatMap(({ calls }) => calls.filter(isWaiting).map(({ id }) => id)));
    return this.#desks.flatMap(({ account, calls }) =>
      calls
        .filter(({ state, id }) => state === "ringing" && !waiting.has(id) && !this.#excused.has(id))
        .map(({ id }) => `${account} rings for nobody: ${id}`),
    );
  }

  #talkingAlone(): string[] {
    const talking = this.#desks.flatMap(({ account, calls }) =>
      calls.filter(({ state }) => state === "talking").map(({ id, isOurs }) => ({ account, id, isOurs })),
    );
    return talking
      .filter(({ id }) => !this.#excused.has(id))
      .filter(({ id, isOurs }) => !talking.some((other) => other.id === id && other.isOurs !== isOurs))
      .map(({ account, id }) => `${account} talks with nobody: ${id}`);
  }

  /** An INVITE that nothing answered may have gone down with its connection: its phone gives it up (Timer B). */
  #isUnfinished(call: Call): boolean {
    if (this.#excused.has(call.id)) return false;
    return isWaiting(call) ? (call.invite?.provisional ?? 0) > 0 : call.state === "ringing";
  }

  #lostMessages(): string[] {
    const hasHeard = (desk: SimulatedPhone, callId: string) => desk.all("MESSAGE").some((one) => header(one, "call-id") === callId);
    return this.#written
      .filter(({ to, callId, sent: { final } }) => {
        const isTaken = final >= 200 && final < 300;
        return isTaken && !this.#desks.some((desk) => desk.account === to && hasHeard(desk, callId));
      })
      .map(({ to, callId }) => `a message to ${to} is lost: ${callId}`);
  }

  #rowsLeft(): string[] {
    return users.flatMap((user) =>
      ["contexts", "call_records", "undelivered_messages", "orphaned_invites", "active_calls", "messages"].flatMap((table) =>
        this.#world
          .homeOf(user)
          .sql.rows(table)
          .map((row) => `${user} still has ${table}: ${JSON.stringify(row)}`),
      ),
    );
  }

  #happens(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }
}

/** Whether the phone has placed the call and waits for an answer. */
function isWaiting({ state }: Call): boolean {
  return state === "calling" || state === "hears ringing";
}
