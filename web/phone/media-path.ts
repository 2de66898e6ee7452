import type { RTCSession } from "jssip/lib/RTCSession";
import { type Offers, pause } from "./offers.ts";
import { type Measurement, measure } from "./quality.ts";
import { connectionOf } from "./session-internals.ts";

/** Milliseconds between two measurements, and of silence after which the path counts as lost. */
const [interval, silence] = [250, 1250] as const;
/** Measurements from one that is reported to the next. */
const reported = 2;
/** Milliseconds that the callee leaves to the caller, so that not both offer at once; and that a new path has to prove itself, at first. */
const [calleeWaits, proof] = [1500, 3000] as const;
/** How much more time the next path has, and the most: on a slow machine or network none would ever have enough. */
const [growth, maxProof] = [1.5, 6000] as const;
/** Milliseconds until the call is given up. */
const patience = 40_000;

/** Gets what is measured, and what becomes of the path. */
export interface PathWatch {
  measured(now: Measurement, before: Measurement | undefined): void;
  restoring(isRestoring: boolean): void;
  /** No path was found. */
  lost(): void;
}

/** The path of the media. When nothing arrives any more, ICE is restarted (RFC 8445 §9), until something does. */
export class MediaPath {
  readonly #session: RTCSession;
  readonly #offers: Offers;
  readonly #watch: PathWatch;
  readonly #timer: ReturnType<typeof setInterval>;
  #last: Measurement | undefined;
  #lastReported: Measurement | undefined;
  #count = 0;
  /** When something came last. */
  #alive: number;
  #isRestoring = false;
  /** Media have flowed: a silence now means something, once. A call on hold is silent. */
  #isExpecting = false;
  #hasEnded = false;

  /** Begins with an answered call. */
  constructor(session: RTCSession, offers: Offers, watch: PathWatch) {
    this.#session = session;
    this.#offers = offers;
    this.#watch = watch;
    this.#alive = performance.now();
    this.#timer = setInterval(() => void this.#measure(), interval);
    connectionOf(session)?.addEventListener("iceconnectionstatechange", () => this.#iceChanged());
  }

  end(): void {
    this.#hasEnded = true;
    clearInterval(this.#timer);
  }

  /** The network may be another one: a shorter silence is enough. On hold there are only the checks of ICE, every few seconds. */
  async connectionIsBack(): Promise<void> {
    const [at, limit] = [performance.now(), this.#isExpecting ? 2 * interval : proof];
    await this.#hears(at, limit);
    if (this.#alive <= at) void this.#restore();
  }

  #iceChanged(): void {
    const state = connectionOf(this.#session)?.iceConnectionState;
    if (state === "disconnected" || state === "failed") void this.#restore();
  }

  async #measure(): Promise<void> {
    const connection = connectionOf(this.#session);
    if (connection === undefined || this.#hasEnded) return;
    const [before, now] = [this.#last, await measure(connection, performance.now())];
    if (this.#hasEnded) return;
    this.#last = now;
    const { local, remote } = this.#session.isOnHold();
    const isFlowing = before !== undefined && now.received > before.received;
    if (isFlowing || before === undefined || now.checks > before.checks) this.#alive = now.at;
    this.#isExpecting = !local && !remote && (isFlowing || this.#isExpecting);
    this.#report(now);
    if (!this.#isExpecting || now.at - this.#alive <= silence) return;
    this.#isExpecting = false;
    void this.#restore();
  }

  #report(now: Measurement): void {
    this.#count += 1;
    if (this.#count % reported !== 0) return;
    this.#watch.measured(now, this.#lastReported);
    this.#lastReported = now;
  }

  async #restore(): Promise<void> {
    if (this.#isRestoring || this.#hasEnded) return;
    this.#isRestoring = true;
    this.#watch.restoring(true);
    const began = performance.now();
    if (this.#session.direction === "incoming") await this.#hears(began, calleeWaits);
    let time: number = proof;
    while (!this.#hasEnded && this.#alive <= began) {
      if (performance.now() - began > patience) return this.#watch.lost();
      const isAccepted = await this.#offers.renew({ iceRestart: true });
      await this.#hears(began, isAccepted ? time : 2 * interval);
      if (isAccepted) time = Math.min(time * growth, maxProof);
    }
    this.#isRestoring = false;
    if (!this.#hasEnded) this.#watch.restoring(false);
  }

  /** Waits until something comes after this time, but not longer than the limit. */
  async #hears(at: number, limit: number): Promise<void> {
    const until = performance.now() + limit;
    while (!this.#hasEnded && this.#alive <= at && performance.now() < until) await pause(interval);
  }
}
