import { TokenBucket } from "../platform/token-bucket.ts";
import { guessesAllowed, guessesIn } from "../lib/authentication/authenticate.ts";
import { type Fault, isFault } from "../lib/syntax/fault.ts";
import { type MandatoryHeaders, readMandatoryHeaders } from "../lib/syntax/mandatory-headers.ts";
import { type Message as SipMessage, type Request as SipRequest, parseMessage, recover } from "../lib/syntax/message.ts";
import { isTooLong, tooLongFrame } from "../lib/transport/frame-limit.ts";
import { composeProbe } from "../lib/transport/unread.ts";
import { answerFault } from "../durable-objects/shared/reply.ts";
import { frameFor, octetsIn } from "../platform/bytes.ts";
import type { Configuration } from "../platform/configuration.ts";
import { AuthenticationTimeout } from "../platform/connection/authentication-timeout.ts";
import { closeCodeFor } from "../platform/connection/close-code.ts";
import { closing } from "../platform/connection/close-reasons.ts";
import { SerialQueues } from "../platform/connection/serial-queues.ts";
import { UnreadAnswers } from "../platform/connection/unread-answers.ts";
import { randomText } from "../platform/crypto/random.ts";
import { StrangerAllowance, lengthOf } from "../platform/connection/stranger-allowance.ts";

/** The service on a client's socket. */
export interface Served {
  /** Whether a subscriber has authenticated here: other clients have limits. */
  isKnown(): boolean;
  /** A valid message has arrived. @param raw as it came */
  message(message: SipMessage, mandatory: MandatoryHeaders, raw: string | ArrayBuffer): void | Promise<void>;
  /** A request was refused, with this response. */
  refused?(request: SipRequest, refusal: Fault, response: string): void;
  /** The client has closed its socket, or it has failed (1006). */
  closed?(code: number): void;
}

/** Answers an upgrade whose socket this Worker keeps. @param serve gets the server's end */
export function acceptClient(serve: (socket: WebSocket) => void): Response {
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  server.binaryType = "arraybuffer";
  server.accept();
  serve(server);
  return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "sip" } });
}

/**
 * The server's end of a client's WebSocket that this Worker keeps: order of frames, limits of unauthenticated clients, keep-alives,
 * refusals.
 */
export class ClientSocket {
  /** Answers to keep-alives: the platform needs memory for each until the client reads it. */
  readonly #pongs = new TokenBucket(100, 1);
  readonly #socket: WebSocket;
  readonly #served: Served;
  readonly #queue = new SerialQueues();
  readonly #stranger = new StrangerAllowance();
  readonly #timeout: AuthenticationTimeout;
  readonly #unread = new UnreadAnswers(
    () => this.#probe(),
    () => this.end(closing.doesNotRead),
  );
  #failedAttempts = 0;
  /** The client sends binary frames, and gets binary frames (RFC 7118 §5). */
  #wantsBinary = false;

  constructor(socket: WebSocket, configuration: Configuration, served: Served) {
    this.#socket = socket;
    this.#served = served;
    this.#timeout = new AuthenticationTimeout(configuration, Date.now(), (why) => this.end(why));
    socket.addEventListener("message", ({ data }) => this.#arrived(data as string | ArrayBuffer));
    socket.addEventListener("close", ({ code }) => this.#closed(code));
    socket.addEventListener("error", () => this.#closed(1006));
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  end({ code, reason }: { readonly code: number; readonly reason: string }): void {
    this.#socket.close(code, reason);
  }

  /** The client has authenticated: the timeout ends. */
  authenticated(): void {
    this.#timeout.ends();
  }

  /** Whether D1 may be queried for this client: an unauthenticated one has a limit. */
  mayAsk(): boolean {
    return this.#served.isKnown() || this.#stranger.asks(Date.now());
  }

  /** Sends the octets of one of this Worker's own messages. */
  send(octets: string): void {
    if (this.#served.isKnown() && !this.#unread.hasRoom(octets.length)) return;
    this.emit(frameFor(octets, this.#wantsBinary));
    if (this.#served.isKnown() && this.isOpen) this.#unread.sent(octets.length);
  }

  /** Sends a frame. An unauthenticated client has a limit; what a home sends to an authenticated client, that home counts. */
  emit(frame: string | ArrayBuffer | Uint8Array): void {
    if (!this.isOpen) return;
    if (!this.#served.isKnown() && !this.#stranger.says(frame, Date.now())) return this.end(closing.tooMuch);
    this.#socket.send(frame);
  }

  /** Answers a request with a refusal; after too many wrong passwords the socket is closed. */
  refuse(request: SipRequest, refusal: Fault): void {
    if (request.method === "ACK") return;
    const response = answerFault(request, refusal);
    this.send(response);
    this.#served.refused?.(request, refusal, response);
    this.#failedAttempts += guessesIn(request, refusal);
    if (this.#failedAttempts >= guessesAllowed) this.end(closing.tooManyGuesses);
  }

  #arrived(data: string | ArrayBuffer): void {
    if (!this.isOpen) return;
    if (isTooLong(data)) return this.end(tooLongFrame);
    if (data === "\r\n\r\n") return this.#keepAlive();
    if (!this.#served.isKnown() && !this.#stranger.hears(data, Date.now())) return this.end(closing.tooMuch);
    if (this.#queue.isFull("client")) return this.end(closing.tooManyWaiting);
    void this.#queue.run("client", () => this.#frame(data), lengthOf(data));
  }

  /** RFC 5626 §4.4.1. At a home the runtime answers it, and it counts for nothing; a client must not learn where it is connected. */
  #keepAlive(): void {
    if (!this.#served.isKnown() && !this.#stranger.keepsAlive(Date.now())) this.end(closing.tooMuch);
    else if (this.#pongs.take(Date.now())) this.#socket.send("\r\n");
  }

  #frame(raw: string | ArrayBuffer): void | Promise<void> {
    if (!this.isOpen) return;
    this.#wantsBinary = typeof raw !== "string";
    const octets = octetsIn(raw);
    if (octets === "\r\n\r\n") return this.#pongs.take(Date.now()) ? this.send("\r\n") : undefined;
    if (octets.trim() === "") return;
    const message = parseMessage(octets);
    if (isFault(message)) return this.#unreadable(octets, message);
    const mandatory = readMandatoryHeaders(message);
    if (isFault(mandatory)) return message.kind === "request" ? this.refuse(message, mandatory) : undefined;
    this.#timeout.heard();
    if (message.kind === "response" && this.#unread.isSign(mandatory.via.branch)) return undefined;
    return this.#served.message(message, mandatory, raw);
  }

  /** Sends a probe that tests whether the client reads; returns its branch. */
  #probe(): string {
    const token = randomText() + randomText();
    const branch = `z9hG4bK${token}`;
    const host = "offhook.invalid";
    this.emit(frameFor(composeProbe({ target: `sip:${host}`, host, branch, token }), this.#wantsBinary));
    return branch;
  }

  #unreadable(octets: string, refusal: Fault): void {
    const request = recover(octets);
    if (request !== undefined) this.refuse(request, refusal);
  }

  #closed(code: number): void {
    this.#timeout.ends();
    this.#unread.ends();
    this.#served.closed?.(code);
    this.#socket.close(closeCodeFor(code));
  }
}
