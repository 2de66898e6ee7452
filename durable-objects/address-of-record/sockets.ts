import type { FlowId, PhoneId } from "../../lib/transport/identifiers.ts";
import { type Slice, attachmentOf, isRestShort, readAttachment, restoreFlow, splitBySize } from "../../lib/transport/attachment.ts";
import type { Members } from "../../lib/transport/older-shapes.ts";
import { type Flow, leadsTo } from "../../lib/transport/flow.ts";
import { frameFor, octetsIn } from "../../platform/bytes.ts";
import { closing } from "../../platform/connection/close-reasons.ts";
import type { Sql } from "../../platform/sql.ts";
import { UnreadOctets } from "./unread-octets.ts";

export const attachmentsTable = {
  attachments:
    "CREATE TABLE IF NOT EXISTS attachments (flow TEXT NOT NULL, slice TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (flow, slice)) WITHOUT ROWID",
} as const;

/**
 * The hibernating WebSockets of a home, each with its flow in its attachment. Each part has a share of it; a part that needs more is a row
 * until it is small again.
 */
export class Sockets {
  readonly #state: DurableObjectState;
  readonly #memory: Sql;
  readonly #unread: UnreadOctets;
  readonly #flows = new Map<FlowId, Flow>();
  readonly #sockets = new Map<FlowId, WebSocket>();
  readonly #ids = new WeakMap<WebSocket, FlowId>();
  /** The parts of flows that are rows. */
  readonly #inRows = new Map<string, readonly Slice[]>();
  #isComplete = false;
  #isSwept = false;
  #answersKeepAlives = false;

  /** @param probe composes the request that tests whether a client reads */
  constructor(state: DurableObjectState, memory: Sql, probe: (flow: Flow, token: string) => string) {
    this.#state = state;
    this.#memory = memory;
    this.#unread = new UnreadOctets(this, probe);
  }

  /** Accepts a socket; false if the data that it must keep from the start is too long. */
  accept(socket: WebSocket, flow: Flow): boolean {
    if (!isRestShort(flow)) return false;
    socket.binaryType = "arraybuffer";
    this.#answerKeepAlives();
    this.#state.acceptWebSocket(socket, [flow.id]);
    try {
      this.#save(socket, flow, flow);
    } catch (error) {
      socket.close(closing.failed.code, closing.failed.reason);
      throw error;
    }
    this.#remember(socket, flow);
    return true;
  }

  /** The flow of a socket with an event; undefined if the socket has no attachment: then it is closed. */
  of(socket: WebSocket): Flow | undefined {
    const id = this.#ids.get(socket);
    const known = id === undefined ? undefined : this.#flows.get(id);
    return known ?? this.#restore(socket);
  }

  byId(id: FlowId): Flow | undefined {
    return this.#flows.get(id) ?? this.#known().get(id);
  }

  all(): Flow[] {
    return [...this.#known().values()];
  }

  /** The newest authenticated flow that leads to a phone. */
  newestTo(phone: PhoneId): Flow | undefined {
    return this.#newest((flow) => flow.authenticated !== undefined && leadsTo(flow, phone));
  }

  /** The newest flow that carries a binding. */
  carrierOf(key: string): Flow | undefined {
    return this.#newest((flow) => flow.boundContacts.some((bound) => bound.key === key));
  }

  /** Changes a flow; from here on it survives hibernation. */
  update(id: FlowId, changes: Partial<Flow>): Flow | undefined {
    const flow = this.byId(id);
    const socket = this.#sockets.get(id);
    if (flow === undefined || socket === undefined) return undefined;
    const changed = { ...flow, ...changes };
    if (socket.readyState === WebSocket.OPEN) this.#save(socket, changed, changes);
    this.#flows.set(id, changed);
    return changed;
  }

  /** The octets of a received frame. The other end gets frames of the kind that it sends (RFC 7118 §5). */
  receive(id: FlowId, frame: string | ArrayBuffer): string {
    const wantsBinary = typeof frame !== "string";
    const flow = this.byId(id);
    if (flow !== undefined && wantsBinary !== (flow.wantsBinary === true)) this.update(id, { wantsBinary });
    return octetsIn(frame);
  }

  /** Sends the octets of one message; false if the socket is gone, or too much waits there, so that the message must wait for the phone. */
  send(id: FlowId, octets: string): boolean {
    const socket = this.#sockets.get(id) ?? this.#find(id);
    if (socket === undefined || socket.readyState !== WebSocket.OPEN) return false;
    const flow = this.byId(id);
    if (flow !== undefined && !this.#unread.hasRoom(flow, octets.length)) return false;
    socket.send(frameFor(octets, flow?.wantsBinary === true));
    if (flow !== undefined) this.#unread.sent(flow, octets.length);
    return true;
  }

  /** The client has answered a probe. */
  hasRead(id: FlowId, token: string): void {
    this.#unread.hasRead(this.byId(id), token);
  }

  /** Whether so much waits for clients that do not read that no further connection is accepted. */
  isUnread(): boolean {
    return this.#unread.isFull();
  }

  /** All flows, also those that we have closed and the other end has not. */
  evenClosing(): Flow[] {
    return this.#state.getWebSockets().flatMap((socket) => this.of(socket) ?? []);
  }

  /** False for a socket that we are closing, until its other end has closed it too. */
  isOpen(id: FlowId): boolean {
    return (this.#sockets.get(id) ?? this.#find(id))?.readyState === WebSocket.OPEN;
  }

  /** Whether a client that has sent keep-alives has sent none for so many milliseconds (RFC 5626 §4.4.1). */
  missesKeepAlives(id: FlowId, patience: number, now: number): boolean {
    const socket = this.#sockets.get(id) ?? this.#find(id);
    const last = socket === undefined ? null : this.#state.getWebSocketAutoResponseTimestamp(socket);
    return patience > 0 && last !== null && now - last.getTime() > patience;
  }

  close(id: FlowId, why: { readonly code: number; readonly reason: string }): void {
    const socket = this.#sockets.get(id) ?? this.#find(id);
    if (socket !== undefined && socket.readyState === WebSocket.OPEN) socket.close(why.code, why.reason);
  }

  /** Removes a closed socket; returns its flow. */
  closed(socket: WebSocket): Flow | undefined {
    const flow = this.of(socket);
    if (flow === undefined) return undefined;
    this.#flows.delete(flow.id);
    this.#sockets.delete(flow.id);
    this.#unread.forget(flow.id);
    if (this.#inRows.delete(flow.id)) this.#memory.run("DELETE FROM attachments WHERE flow = ?", flow.id);
    return flow;
  }

  /** RFC 5626 §4.4.1: the runtime does it, also while the object sleeps, as long as there are sockets. */
  #answerKeepAlives(): void {
    if (this.#answersKeepAlives) return;
    this.#answersKeepAlives = true;
    this.#state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("\r\n\r\n", "\r\n"));
  }

  #find(id: FlowId): WebSocket | undefined {
    this.#known();
    return this.#sockets.get(id);
  }

  /** All flows; after a sleep they are read from their sockets' attachments, once. */
  #known(): ReadonlyMap<FlowId, Flow> {
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
      const isNewer = newest === undefined || flow.opened >= newest.opened;
      if (isNewer && fits(flow) && this.#sockets.get(flow.id)?.readyState === WebSocket.OPEN) newest = flow;
    }
    return newest;
  }

  #restore(socket: WebSocket): Flow | undefined {
    const written = socket.deserializeAttachment() as Members | null;
    if (written === null) {
      console.error(JSON.stringify({ note: "a socket without an attachment is closed" }));
      if (socket.readyState === WebSocket.OPEN) socket.close(closing.failed.code, closing.failed.reason);
      return undefined;
    }
    const attached = readAttachment(written);
    const { id, inRows } = attached;
    if (inRows === undefined) return this.#remember(socket, restoreFlow(attached, {}));
    this.#inRows.set(id, inRows);
    const rows = this.#memory.all<{ slice: string; value: string }>("SELECT slice, value FROM attachments WHERE flow = ?", id);
    const parts = Object.fromEntries(rows.map(({ slice, value }) => [slice, JSON.parse(value) as unknown]));
    return this.#remember(socket, restoreFlow(attached, parts));
  }

  /** Attaches a flow. Only the changes are measured. */
  #save(socket: WebSocket, flow: Flow, changes: Partial<Flow>): void {
    const { large, small } = splitBySize(changes);
    const before = this.#inRows.get(flow.id) ?? [];
    if (large.length > 0 || before.length > 0) this.#move(flow, { large, small, before });
    socket.serializeAttachment(attachmentOf(flow, this.#inRows.get(flow.id) ?? []));
  }

  /** Writes the rows of large parts, and removes those of parts that are small again. */
  #move(flow: Flow, { large, small, before }: Record<"large" | "small" | "before", readonly Slice[]>): void {
    if (large.length > 0) this.#sweep();
    for (const slice of large) {
      const query = "INSERT OR REPLACE INTO attachments (flow, slice, value) VALUES (?, ?, ?)";
      this.#memory.run(query, flow.id, slice, JSON.stringify(flow[slice]));
    }
    const back = before.filter((slice) => small.includes(slice));
    for (const slice of back) this.#memory.run("DELETE FROM attachments WHERE flow = ? AND slice = ?", flow.id, slice);
    const inRows = [...new Set([...before, ...large])].filter((slice) => !back.includes(slice));
    if (inRows.length === 0) this.#inRows.delete(flow.id);
    else this.#inRows.set(flow.id, inRows);
  }

  /** Removes the rows of sockets that were lost without an event; once after the object woke up. */
  #sweep(): void {
    if (this.#isSwept) return;
    this.#isSwept = true;
    for (const { flow } of this.#memory.all<{ flow: FlowId }>("SELECT DISTINCT flow FROM attachments")) {
      if (!this.#known().has(flow)) this.#memory.run("DELETE FROM attachments WHERE flow = ?", flow);
    }
  }

  #remember(socket: WebSocket, flow: Flow): Flow {
    this.#ids.set(socket, flow.id);
    this.#flows.set(flow.id, flow);
    this.#sockets.set(flow.id, socket);
    return flow;
  }
}
