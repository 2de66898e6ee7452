import { type Flow, leadsTo } from "../../lib/transport/flow.ts";
import { frameFor, octetsIn } from "../room/bytes.ts";
import { closeCodeFor } from "../room/close-code.ts";

/** Close codes of ours (RFC 6455 §7.4.2 leaves 4000 to 4999 to applications). */
export const closing = {
  credentialsChanged: { code: 4401, reason: "the credentials of this account changed: authenticate again" },
  subscriberDeleted: { code: 4404, reason: "this account no longer exists" },
  noMessage: { code: 4408, reason: "no valid SIP message came in time" },
  tooManyGuesses: { code: 4403, reason: "too many wrong passwords: connect again" },
  tooMany: { code: 4429, reason: "too many connections without authentication" },
  /** To a home, of a client whose connection broke: 1006 itself cannot be sent. */
  broken: { code: 4006, reason: "the client's connection broke" },
  tooOld: { code: 1012, reason: "this connection has lived long enough: connect again" },
} as const;

/** The hibernating WebSockets of a home and what each remembers of itself in its attachment. */
export class Sockets {
  readonly #state: DurableObjectState;
  readonly #flows = new Map<string, Flow>();
  readonly #sockets = new Map<string, WebSocket>();
  readonly #ids = new WeakMap<WebSocket, string>();
  #isComplete = false;

  constructor(state: DurableObjectState) {
    this.#state = state;
  }

  accept(socket: WebSocket, flow: Flow): void {
    socket.binaryType = "arraybuffer";
    this.#state.acceptWebSocket(socket, [flow.id]);
    this.#remember(socket, flow);
    socket.serializeAttachment(flow);
  }

  /** The flow of a socket that an event came on. */
  of(socket: WebSocket): Flow {
    const id = this.#ids.get(socket);
    const known = id === undefined ? undefined : this.#flows.get(id);
    return known ?? this.#remember(socket, socket.deserializeAttachment() as Flow);
  }

  byId(id: string): Flow | undefined {
    return this.#flows.get(id) ?? this.#known().get(id);
  }

  all(): Flow[] {
    return [...this.#known().values()];
  }

  /** The newest authenticated flow that leads to a phone. */
  newestTo(phone: string): Flow | undefined {
    return this.#newest((flow) => flow.authenticated !== undefined && leadsTo(flow, phone));
  }

  /** The newest flow that carries a binding. */
  carrierOf(key: string): Flow | undefined {
    return this.#newest((flow) => flow.carried.some((carried) => carried.key === key));
  }

  /** Changes what a flow remembers; it survives hibernation from here on. */
  update(id: string, changes: Partial<Flow>): Flow | undefined {
    const flow = this.byId(id);
    const socket = this.#sockets.get(id);
    if (flow === undefined || socket === undefined) return undefined;
    const changed = { ...flow, ...changes };
    const kept = socket.readyState === WebSocket.OPEN ? save(socket, changed) : changed;
    this.#flows.set(id, kept);
    return kept;
  }

  /** The octets in a frame that has come. The other end is answered in frames of the kind that it sends (RFC 7118 §5). */
  receive(id: string, frame: string | ArrayBuffer): string {
    const wantsBinary = typeof frame !== "string";
    const flow = this.byId(id);
    if (flow !== undefined && wantsBinary !== (flow.wantsBinary === true)) this.update(id, { wantsBinary });
    return octetsIn(frame);
  }

  /** Sends the octets of one message; false if the socket is gone. */
  send(id: string, octets: string): boolean {
    const socket = this.#sockets.get(id) ?? this.#find(id);
    if (socket === undefined || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(frameFor(octets, this.byId(id)?.wantsBinary === true));
    return true;
  }

  /** False for a socket that we are closing, until its other end has closed it too. */
  isOpen(id: string): boolean {
    return (this.#sockets.get(id) ?? this.#find(id))?.readyState === WebSocket.OPEN;
  }

  close(id: string, why: { readonly code: number; readonly reason: string }): void {
    const socket = this.#sockets.get(id) ?? this.#find(id);
    if (socket !== undefined && socket.readyState === WebSocket.OPEN) socket.close(why.code, why.reason);
  }

  /** Forgets a socket that has closed; returns what it remembered. */
  closed(socket: WebSocket): Flow {
    const flow = this.of(socket);
    this.#flows.delete(flow.id);
    this.#sockets.delete(flow.id);
    return flow;
  }

  /** Closes a hibernating socket back, which the platform does not do by itself. */
  closeBack(socket: WebSocket, code: number): void {
    try {
      socket.close(closeCodeFor(code));
    } catch (error) {
      if (!isAlreadyGone(socket, error)) throw error;
    }
  }

  #find(id: string): WebSocket | undefined {
    this.#known();
    return this.#sockets.get(id);
  }

  /** All flows; after a sleep they are read from their sockets' attachments, once. */
  #known(): ReadonlyMap<string, Flow> {
    if (!this.#isComplete) {
      for (const socket of this.#state.getWebSockets()) {
        if (socket.readyState === WebSocket.OPEN) this.of(socket);
      }
      this.#isComplete = true;
    }
    return this.#flows;
  }

  #newest(fits: (flow: Flow) => boolean): Flow | undefined {
    let newest: Flow | undefined;
    for (const flow of this.#known().values()) {
      if (fits(flow) && (newest === undefined || flow.opened >= newest.opened)) newest = flow;
    }
    return newest;
  }

  #remember(socket: WebSocket, flow: Flow): Flow {
    this.#ids.set(socket, flow.id);
    this.#flows.set(flow.id, flow);
    this.#sockets.set(flow.id, socket);
    return flow;
  }
}

/** Saves what a flow remembers; if that is too much, without the oldest of what is of least use: messages sent, calls counted, then branches that ring. */
function save(socket: WebSocket, flow: Flow): Flow {
  try {
    socket.serializeAttachment(flow);
    return flow;
  } catch (error) {
    const less = isTooLong(error) ? lighten(flow) : undefined;
    if (less === undefined) throw error;
    return save(socket, less);
  }
}

function lighten(flow: Flow): Flow | undefined {
  const { sent = [], dialogs = [], proceeding, pending } = flow;
  if (sent.length > 0) return { ...flow, sent: newerHalf(sent) };
  if (dialogs.length > 0) return { ...flow, dialogs: newerHalf(dialogs) };
  if (proceeding.length > 0) return { ...flow, proceeding: newerHalf(proceeding) };
  return pending.length > 0 ? { ...flow, pending: newerHalf(pending) } : undefined;
}

function newerHalf<T>(items: readonly T[]): readonly T[] {
  return items.slice(Math.ceil(items.length / 2));
}

/** The platform's complaint about an attachment of more than 16 KiB. */
function isTooLong(error: unknown): boolean {
  return error instanceof Error && /attachment/i.test(error.message);
}

/** What `close` throws for a connection that has failed: there is nobody to tell any more. */
function isAlreadyGone(socket: WebSocket, error: unknown): boolean {
  return error instanceof Error && socket.readyState !== WebSocket.OPEN;
}
