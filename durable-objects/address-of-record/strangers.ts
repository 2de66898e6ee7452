import type { Flow } from "../../lib/transport/flow.ts";
import type { FlowId } from "../../lib/transport/identifiers.ts";
import { AuthenticationTimeout } from "../../platform/connection/authentication-timeout.ts";
import { closing } from "../../platform/connection/close-reasons.ts";
import { crowdedOut } from "../../platform/connection/crowds.ts";
import { StrangerAllowance } from "../../platform/connection/stranger-allowance.ts";
import type { Part } from "./part.ts";
import type { Room } from "./room.ts";
import { isStranger } from "./tokens.ts";

/** A socket that is not authenticated yet: its limits and its timeout. */
interface Stranger {
  readonly allowance: StrangerAllowance;
  /** Absent if the socket was opened before the home slept: then each frame is checked. */
  readonly timeout?: AuthenticationTimeout;
}

/** Sockets that are not authenticated, and those of guests: how much they may send and be sent, how long they may stay, and how many. */
export class Strangers implements Part {
  readonly #room: Room;
  readonly #strangers = new Map<FlowId, Stranger>();
  /** Connections whose credentials wait to be checked. */
  readonly #trying = new Set<FlowId>();

  constructor(room: Room) {
    this.#room = room;
  }

  /** Whether a frame may be read: none after we have closed the socket; an unauthenticated client that exceeds its limit is closed. */
  admits(flow: Flow, frame: string | ArrayBuffer, now: number): boolean {
    // A client that ignores our Close frame could go on without end.
    if (!this.#room.sockets.isOpen(flow.id)) return false;
    if (!isStranger(flow)) return true;
    const { authenticationTimeout } = this.#room.configuration;
    const isLate = flow.authenticated === undefined && now - flow.opened > authenticationTimeout * 1000;
    if (!isLate && this.#strangerOn(flow).allowance.hears(frame, now)) return true;
    this.#room.sockets.close(flow.id, isLate ? closing.notAuthenticated : closing.tooMuch);
    return false;
  }

  /** Whether a client may be sent this: for one that does not read, no more waits than an unauthenticated one may be sent. Else it is closed. */
  mayBeSent(id: FlowId, text: string, now: number): boolean {
    const flow = this.#room.sockets.byId(id);
    if (flow === undefined || !isStranger(flow) || this.#strangerOn(flow).allowance.says(text, now)) return true;
    this.#room.sockets.close(id, closing.tooMuch);
    return false;
  }

  #strangerOn({ id }: Flow): Stranger {
    const known = this.#strangers.get(id) ?? { allowance: new StrangerAllowance() };
    this.#strangers.set(id, known);
    return known;
  }

  /** A new socket: it is closed if it is not authenticated in time; so are unauthenticated ones when they are too many. */
  watch(flow: Flow, now: number): void {
    const { configuration, sockets } = this.#room;
    const close = (why: Parameters<typeof sockets.close>[1]) => sockets.close(flow.id, why);
    const timeout = new AuthenticationTimeout(configuration, flow.opened, close, (due) => this.#wakeAt(due));
    this.#strangers.set(flow.id, { allowance: new StrangerAllowance(), timeout });
    const strangers = sockets.all().filter((one) => one.authenticated === undefined && sockets.isOpen(one.id));
    for (const one of strangers) {
      // The timer of a socket that was open before an eviction is lost.
      const seconds = one.hasValidMessage ? configuration.authenticationTimeout : configuration.firstMessageTimeout;
      if (now - one.opened > seconds * 1000) sockets.close(one.id, one.hasValidMessage ? closing.notAuthenticated : closing.noMessage);
    }
    const crowd = strangers.map(({ id, address, opened }) => ({ id, address, opened, isTrying: this.#trying.has(id) }));
    for (const { id } of crowdedOut(crowd, configuration.maximumUnauthenticated)) sockets.close(id, closing.tooMany);
  }

  /** An unauthenticated client must not keep the home awake. */
  #wakeAt(due: number): void {
    const { alarm, log } = this.#room;
    alarm
      .ready()
      .then(() => alarm.noLaterThan(due))
      .catch((error: unknown) => log.note(Date.now(), "-", String(error)));
  }

  /** Its first valid message has arrived; the flow says so from now on. */
  hasSpoken(flow: Flow): Flow {
    if (flow.hasValidMessage) return flow;
    this.#strangers.get(flow.id)?.timeout?.heard();
    return this.#room.sockets.update(flow.id, { hasValidMessage: true }) ?? flow;
  }

  /** Its credentials wait to be checked until this is over: perhaps it is the owner. */
  async tries(id: FlowId, waiting: Promise<void>): Promise<void> {
    this.#trying.add(id);
    await waiting;
    this.#trying.delete(id);
  }

  /** A socket is authenticated, or closed. */
  forget(id: FlowId): void {
    this.#strangers.get(id)?.timeout?.ends();
    this.#strangers.delete(id);
  }

  /** Closes the sockets that have sent a message but were not authenticated in time. */
  onAlarm(now: number): void {
    const { configuration, sockets, alarm } = this.#room;
    for (const { id, opened, hasValidMessage, authenticated } of sockets.all()) {
      if (authenticated !== undefined || !hasValidMessage) continue;
      const due = opened + configuration.authenticationTimeout * 1000;
      if (due <= now) sockets.close(id, closing.notAuthenticated);
      else alarm.noLaterThan(due);
    }
  }
}
