import { type Fault, isFault } from "../../lib/syntax/fault.ts";
import { readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Message, parseMessage, recover } from "../../lib/syntax/message.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { isTooLong, tooLongFrame } from "../../lib/transport/frame-limit.ts";
import type { FlowId } from "../../lib/transport/identifiers.ts";
import { closing } from "../../platform/connection/close-reasons.ts";
import { SerialQueues } from "../../platform/connection/serial-queues.ts";
import { lengthOf } from "../../platform/connection/stranger-allowance.ts";
import { UnansweredMessages } from "../../platform/connection/unanswered-messages.ts";
import type { Connections } from "./connections.ts";
import type { Ingress } from "./ingress.ts";
import type { Room } from "./room.ts";

type Frame = string | ArrayBuffer;

/** Where the frames go. */
interface Receivers {
  readonly connections: Connections;
  readonly ingress: Ingress;
}

/** The frames of phones: whether one may be read, in which order, and which message it is. */
export class Frames {
  readonly #room: Room;
  readonly #receivers: () => Receivers;
  readonly #hasBeenRead: (id: FlowId, now: number) => void;
  readonly #queues = new SerialQueues();
  readonly #unanswered = new Map<FlowId, UnansweredMessages>();

  /** @param hasBeenRead called when the work that a frame caused is done */
  constructor(room: Room, receivers: () => Receivers, hasBeenRead: (id: FlowId, now: number) => void) {
    this.#room = room;
    this.#receivers = receivers;
    this.#hasBeenRead = hasBeenRead;
  }

  /** A frame of a socket. It is limited before anything else, and read after those that have come before it. */
  receive(flow: Flow, frame: Frame): void | Promise<void> {
    const { sockets, alarm } = this.#room;
    const { id, authenticated } = flow;
    if (isTooLong(frame)) return sockets.close(id, tooLongFrame);
    if (!this.#receivers().connections.strangers.admits(flow, frame, Date.now())) return;
    if (this.#queues.isFull(id)) return sockets.close(id, closing.tooManyWaiting);
    const isReady = () => authenticated === undefined || alarm.isReady;
    const task = () => (isReady() ? this.#read(id, frame) : alarm.ready().then(() => this.#read(id, frame)));
    return this.#queues.run(id, task, lengthOf(frame));
  }

  #read(id: FlowId, frame: Frame): void | Promise<void> {
    const now = Date.now();
    const work = this.#message(id, this.#room.sockets.receive(id, frame), now);
    return work === undefined ? this.#hasBeenRead(id, now) : work.then(() => this.#hasBeenRead(id, Date.now()));
  }

  /** A message, or a keep-alive that the runtime did not answer. */
  #message(id: FlowId, octets: string, now: number): void | Promise<void> {
    const { sockets, log } = this.#room;
    const flow = sockets.byId(id);
    if (flow === undefined) return;
    const { ingress, connections } = this.#receivers();
    if (octets === "\r\n\r\n" || octets === "\r\n" || octets === "") return this.#keepAlive(flow, octets, now);
    const message = parseMessage(octets);
    if (isFault(message)) return this.#unreadable(flow, octets, message, now);
    log.received(now, id, message, octets);
    const mandatory = readMandatoryHeaders(message);
    if (isFault(mandatory)) return message.kind === "request" ? ingress.refuse(flow, message, mandatory, now) : undefined;
    const heard = connections.strangers.hasSpoken(flow);
    if (this.#isFlooded(heard, message, now)) return;
    return ingress.receive(heard, message, mandatory, now);
  }

  /** RFC 5626 §4.4.1; the runtime answers a text keep-alive, which never arrives here. */
  #keepAlive({ id }: Flow, octets: string, now: number): void {
    if (octets !== "\r\n\r\n" || !this.#unansweredOn(id).mayPass("ping", now)) return;
    if (this.#receivers().connections.strangers.mayBeSent(id, "\r\n", now)) this.#room.sockets.send(id, "\r\n");
  }

  #unreadable(flow: Flow, octets: string, refusal: Fault, now: number): void {
    this.#room.log.unreadable(now, flow.id, octets.slice(0, 2000), refusal.fault);
    const request = recover(octets);
    if (request !== undefined) this.#receivers().ingress.refuse(flow, request, refusal, now);
  }

  /** Whether it is one of too many messages that nothing answers. A server that we trust may have any number of calls. */
  #isFlooded({ id, authenticated, nonSubscriber }: Flow, message: Message, now: number): boolean {
    const isAnswered = message.kind === "request" && message.method !== "ACK";
    if (isAnswered || authenticated === undefined || nonSubscriber?.isTrusted === true) return false;
    return !this.#unansweredOn(id).mayPass(message.kind === "request" ? "ACK" : "response", now);
  }

  #unansweredOn(id: FlowId): UnansweredMessages {
    const unanswered = this.#unanswered.get(id) ?? new UnansweredMessages();
    this.#unanswered.set(id, unanswered);
    return unanswered;
  }

  /** A socket is closed. */
  closed(id: FlowId): void {
    this.#unanswered.delete(id);
  }
}
