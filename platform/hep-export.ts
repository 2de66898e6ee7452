import type { CaptureEnd } from "../lib/capture-end.ts";
import { serverEnd } from "../lib/capture-end.ts";
import { callIdOf, withoutSecrets } from "../lib/failed-call.ts";
import { encodeHep } from "../lib/hep.ts";
import type { TraceEntry } from "../lib/trace.ts";
import { readConfiguration } from "./configuration.ts";
import type { Environment } from "./environment.ts";
import type { HepServer } from "./hep-server.ts";
import { oneInIsolate } from "./isolate.ts";
import { type OpenTcp, ignoreClosed, openTcp } from "./tcp.ts";
import { TokenBucket } from "./token-bucket.ts";
import { within } from "./within.ts";

/** Messages of one object that wait, and their octets. */
const maxWaiting = 200;
const maxOctets = 262_144;
/** Milliseconds: for the connection to open, and for a write. */
const patience = 3000;
/** Milliseconds in which nothing is tried after a failure, by any object of the isolate. */
const pause = 10_000;
/** Milliseconds between two lines of the log. */
const logEvery = 60_000;
/** Messages of clients that have not authenticated: at once, and a second after that. */
const [strangersAtOnce, strangersEachSecond] = [60, 1] as const;

/** What all objects of an isolate know of the server. Times in milliseconds. */
export interface HepStanding {
  pausedUntil: number;
  loggedAt: number;
  /** Messages that were not exported, since the last line of the log. */
  lost: number;
}

interface Waiting {
  /** Microseconds. */
  readonly at: number;
  readonly direction: TraceEntry["direction"];
  readonly text: string;
  readonly other: CaptureEnd;
}

/** What is known of the connection that a message was seen on. */
export interface SeenOn {
  readonly other: CaptureEnd;
  readonly isUnauthenticated: boolean;
}

/**
 * Sends the messages that an object sees to the operator's HEP server. Those that come while the connection opens are written together, and
 * then it is closed: an open connection would keep the object awake. What cannot be written is lost, and no call waits for it.
 */
export class HepExport {
  readonly #server: HepServer;
  readonly #standing: HepStanding;
  readonly #open: (server: HepServer) => Promise<OpenTcp>;
  readonly #strangers = new TokenBucket(strangersAtOnce, strangersEachSecond);
  #waiting: Waiting[] = [];
  #octets = 0;
  /** Messages of the write that is going on. */
  #underWay = 0;
  #isWriting = false;
  /** Microseconds: messages of one event have the same time, but an order. */
  #last = 0;

  constructor(server: HepServer, standing: HepStanding, open: (server: HepServer) => Promise<OpenTcp>) {
    this.#server = server;
    this.#standing = standing;
    this.#open = open;
  }

  /** A message that the trace sees; not those between objects, which are seen at both. @param seenOn asked only if it is exported */
  keep({ at, direction, flow, text }: TraceEntry, seenOn: (flow: string) => SeenOn): void {
    if (direction === "note" || flow === "-") return;
    const { other, isUnauthenticated } = seenOn(flow);
    if (isUnauthenticated && !this.#strangers.take(at)) return;
    const isFull = this.#waiting.length >= maxWaiting || this.#octets + text.length > maxOctets;
    if (isFull || at < this.#standing.pausedUntil) {
      this.#standing.lost += 1;
      return;
    }
    this.#last = Math.max(at * 1000, Math.floor(this.#last / 1000) === at ? this.#last + 1 : 0);
    this.#waiting.push({ at: this.#last, direction, text, other });
    this.#octets += text.length;
    if (!this.#isWriting) void this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    // Messages may come while a connection is closed: they need another one.
    while (this.#waiting.length > 0) {
      try {
        await this.#writeAll(await this.#open(this.#server));
      } catch (error) {
        this.#failed(error, Date.now());
      }
    }
    this.#isWriting = false;
  }

  async #writeAll({ socket }: OpenTcp): Promise<void> {
    const writer = socket.writable.getWriter();
    try {
      while (this.#waiting.length > 0) {
        await within(patience, writer.write(this.#take()), "the server does not read");
        this.#underWay = 0;
      }
      await within(patience, writer.close(), "the server does not read");
    } finally {
      void socket.close().catch(ignoreClosed);
    }
  }

  /** All that wait, as packets. */
  #take(): Uint8Array {
    const packets = this.#waiting.map((message) => this.#packet(message));
    this.#underWay = packets.length;
    this.#forget();
    const whole = new Uint8Array(packets.reduce((sum, { length }) => sum + length, 0));
    let place = 0;
    for (const packet of packets) {
      whole.set(packet, place);
      place += packet.length;
    }
    return whole;
  }

  #packet({ at, direction, text, other }: Waiting): Uint8Array {
    const ours = serverEnd(other);
    const [from, to] = direction === "in" ? [other, ours] : [ours, other];
    return encodeHep({ at, from, to, payload: withoutSecrets(text), callId: callIdOf(text) ?? "" }, this.#server);
  }

  #failed(error: unknown, now: number): void {
    const standing = this.#standing;
    standing.pausedUntil = now + pause;
    standing.lost += this.#waiting.length + this.#underWay;
    this.#underWay = 0;
    this.#forget();
    if (now - standing.loggedAt < logEvery) return;
    console.error(JSON.stringify({ note: "messages cannot be exported to the HEP server", lost: standing.lost, error: String(error) }));
    standing.loggedAt = now;
    standing.lost = 0;
  }

  #forget(): void {
    this.#waiting = [];
    this.#octets = 0;
  }
}

const standingOf = oneInIsolate((): HepStanding => ({ pausedUntil: 0, loggedAt: 0, lost: 0 }));

/** For one object; undefined if the operator has no HEP server. */
export function hepExportOf(environment: Environment): HepExport | undefined {
  const { hep } = readConfiguration(environment);
  return hep === undefined ? undefined : new HepExport(hep, standingOf(environment), (server) => openTcp(server, patience));
}
