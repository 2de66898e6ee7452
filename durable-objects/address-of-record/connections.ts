import { openOpening, openingHeader } from "../../platform/connection/sealed-opening.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { type Flow, flowVersion } from "../../lib/transport/flow.ts";
import { nonSubscriberPhone } from "../../lib/transport/non-subscriber.ts";
import { type Account, authenticationBy } from "./account.ts";
import type { FlowClosed, Part, Registered } from "./part.ts";
import type { PhoneParts } from "./phone-parts.ts";
import { isOnPurpose } from "./registrar.ts";
import type { Room } from "./room.ts";
import { Strangers } from "./strangers.ts";
import { Tokens } from "./tokens.ts";
import type { UndeliveredMessage } from "./undelivered-messages.ts";

/** The sockets of phones: how one is opened, what its closing causes, and what the parts of the home are told of it. */
export class Connections implements Part {
  readonly strangers: Strangers;
  readonly tokens: Tokens;
  readonly #room: Room;
  readonly #account: Account;
  readonly #phones: PhoneParts;
  readonly #parts: () => readonly Part[];

  /** @param parts all parts of the home, in their order */
  constructor(room: Room, account: Account, phones: PhoneParts, parts: () => readonly Part[]) {
    this.#room = room;
    this.#account = account;
    this.#phones = phones;
    this.#parts = parts;
    this.strangers = new Strangers(room);
    this.tokens = new Tokens(room, account);
  }

  /** Accepts a socket from the edge proxy. Before authentication it causes no SQL, except for a long row of the subscriber. */
  async open(request: Request, now: number): Promise<Response> {
    const { keyring, home } = this.#room;
    const opening = openOpening(keyring, home.name, request.headers.get(openingHeader));
    const { way, host, address, subscriber, nonSubscriber } = opening;
    if (this.#room.sockets.isUnread()) return new Response("Other connections of this account do not read.\n", { status: 503 });
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    if (opening.isAuthenticated) await this.#room.alarm.ready();
    if (opening.isAuthenticated && nonSubscriber === undefined) this.#account.take(subscriber);
    // What the edge proxy has verified may have been changed or revoked meanwhile.
    const isPast = this.#account.isOvertaken(subscriber) || this.#account.hasRevoked(opening.byToken);
    const isAuthenticated = opening.isAuthenticated && (nonSubscriber !== undefined || !isPast);
    const flow: Flow = {
      version: flowVersion,
      id: randomText(),
      way,
      host,
      address,
      opened: now,
      hasValidMessage: isAuthenticated,
      authenticated: isAuthenticated ? authenticationBy(subscriber, opening.byToken, now) : undefined,
      unverifiedSubscriber: isAuthenticated ? undefined : this.#account.presentable(subscriber),
      nonceCounts: [],
      boundContacts: [],
      pendingInvites: [],
      proceeding: [],
      ...(opening.authorizationServer === undefined ? {} : { authorizationServer: opening.authorizationServer }),
      ...(nonSubscriber === undefined ? {} : { nonSubscriber, unregisteredPhone: nonSubscriberPhone }),
      ...(opening.tokenLimits === undefined ? {} : { tokenLimits: opening.tokenLimits }),
    };
    if (!this.#room.sockets.accept(server, flow)) return new Response("The name of this host is too long.\n", { status: 400 });
    if (!isAuthenticated) this.strangers.watch(flow, now);
    else this.tokens.opened(flow);
    return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "sip" } });
  }

  /** The end of a socket, authenticated or not. */
  closed(flow: Flow): void {
    this.strangers.forget(flow.id);
    this.tokens.closed(flow.id);
  }

  /** A connection is closed, or its phones have left it. */
  flowClosed(flow: Flow, now: number, code?: number): void {
    const event = { flow, isOnPurpose: isOnPurpose(code) };
    for (const part of this.#parts()) part.onFlowClosed?.(event, now);
  }

  /** Phones have registered that were not registered before. */
  registered(event: Registered, now: number): void {
    for (const part of this.#parts()) part.onRegistered?.(event, now);
  }

  /** Unanswered messages go to those of its phones that are on another connection. */
  onFlowClosed({ flow }: FlowClosed, now: number): void {
    for (const message of this.#phones.undelivered.flowClosed(flow, now)) this.#sendAgain(message, now);
  }

  #sendAgain(message: UndeliveredMessage, now: number): void {
    if (message.kind === "request") {
      if (message.to.kind === "phone") this.#phones.terminating.again(message, message.to.phone, now);
      return;
    }
    const flow = this.#room.sockets.newestTo(message.to.phone);
    if (flow !== undefined) this.#phones.responses.again(flow, message, now);
  }

  onAlarm(now: number): void {
    this.tokens.onAlarm(now);
    this.strangers.onAlarm(now);
  }
}
