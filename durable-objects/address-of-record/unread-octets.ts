import type { FlowId } from "../../lib/transport/identifiers.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import { maxUnread, maxUnreadAtHome, octetsBeforeProbe, probeTimeout, roomForSmall, smallMessage } from "../../lib/transport/unread.ts";
import { closing } from "../../platform/connection/close-reasons.ts";
import { randomText } from "../../platform/crypto/random.ts";

/** The connections of a home. */
interface Connections {
  /** All flows, those too that were closed and whose other end has not closed yet. */
  evenClosing(): Flow[];
  update(id: FlowId, changes: Pick<Flow, "unread">): Flow | undefined;
  send(id: FlowId, octets: string): boolean;
  close(id: FlowId, why: { readonly code: number; readonly reason: string }): void;
}

/**
 * Octets that wait in the connections of a home until its clients read them: they use our memory, and the platform does not report them. A
 * client gets a probe after each MiB. Unauthenticated clients are not counted here: they have a limit of their own.
 */
export class UnreadOctets {
  readonly #sockets: Connections;
  readonly #probe: (flow: Flow, token: string) => string;
  /** Octets sent since the last sign that the client reads. */
  readonly #unread = new Map<string, number>();

  /** @param probe composes the request that tests whether a client reads */
  constructor(sockets: Connections, probe: (flow: Flow, token: string) => string) {
    this.#sockets = sockets;
    this.#probe = probe;
  }

  /**
   * Whether a message may be sent on a connection: a large one has to wait for its phone while much is unread, there or at the home. Small
   * ones, which may end a call, have some room of their own.
   */
  hasRoom(flow: Flow, octets: number): boolean {
    if (flow.authenticated === undefined) return true;
    const isSmall = octets <= smallMessage;
    if (this.#of(flow) + octets <= maxUnread + (isSmall ? roomForSmall : 0)) return isSmall || this.#ofAll() + octets <= maxUnreadAtHome;
    if (isLate(flow)) this.#sockets.close(flow.id, closing.doesNotRead);
    return false;
  }

  /**
   * A message was sent on a connection. At each full MiB the connection is checked, and the count is saved, so that it survives a sleep.
   */
  sent(flow: Flow, octets: number): void {
    if (flow.authenticated === undefined) return;
    const before = this.#of(flow);
    const unread = before + octets;
    this.#unread.set(flow.id, unread);
    if (Math.floor(unread / octetsBeforeProbe) > Math.floor(before / octetsBeforeProbe)) this.#check(flow, unread);
  }

  /** The client has answered a probe: it has read all that was sent before. If much was sent since, it gets another one. */
  hasRead(flow: Flow | undefined, token: string): void {
    if (flow?.unread?.token !== token) return;
    const left = Math.max(0, this.#of(flow) - flow.unread.asked);
    this.#unread.set(flow.id, left);
    const current = this.#sockets.update(flow.id, { unread: undefined });
    if (current !== undefined && left > octetsBeforeProbe / 4) this.#ask(current, left);
  }

  /** Whether so much waits for clients that did not answer in time that no further connection is accepted. */
  isFull(): boolean {
    return this.#sum(this.#sockets.evenClosing().filter(isLate)) >= (maxUnreadAtHome * 3) / 4;
  }

  forget(id: FlowId): void {
    this.#unread.delete(id);
  }

  #of({ id, unread }: Flow): number {
    return this.#unread.get(id) ?? unread?.octets ?? 0;
  }

  #ofAll(): number {
    return this.#sum(this.#sockets.evenClosing());
  }

  #sum(flows: readonly Flow[]): number {
    return flows.reduce((sum, flow) => sum + this.#of(flow), 0);
  }

  #check(flow: Flow, octets: number): void {
    const { unread } = flow;
    if (unread === undefined) return this.#ask(flow, octets);
    if ((octets > maxUnread && isLate(flow)) || this.#ofAll() > 2 * maxUnreadAtHome)
      return this.#sockets.close(flow.id, closing.doesNotRead);
    this.#sockets.update(flow.id, { unread: { ...unread, octets } });
  }

  #ask(flow: Flow, octets: number): void {
    const token = randomText() + randomText();
    this.#sockets.update(flow.id, { unread: { octets, asked: octets, at: Date.now(), token } });
    this.#sockets.send(flow.id, this.#probe(flow, token));
  }
}

/** The client has not answered a probe in time. */
function isLate({ unread }: Flow): boolean {
  return unread !== undefined && Date.now() - unread.at > probeTimeout;
}
