import { randomUUID } from "node:crypto";
import { compose, newBranch, randomText, toText, type Line } from "./compose.ts";
import { copiedLines, type Dialog } from "./dialog.ts";
import { answerChallenge, type DigestInput } from "./digest.ts";
import { header, headers, type ReceivedMessage } from "./received-message.ts";
import { type Match, matcher, type SipSocket } from "./received-messages.ts";
import type { SocketOptions } from "./sip-socket.ts";

export interface PhoneOptions extends SocketOptions {
  /** The user part of the AoR. */
  readonly account: string;
  /** `localhost` if absent. */
  readonly domain?: string;
  /** `offhook` if absent. */
  readonly password?: string;
  /** The two ways in: `/ws/{aor}`, `/ws`. */
  readonly way: "direct" | "general";
  /** Of the URL; that of the way if absent. */
  readonly path?: string;
  /** The telephone's name for itself (RFC 5626 §4.1), of which a new one is made if absent. */
  readonly instance?: string;
}

/** What a request says besides what every request says. */
export interface RequestOptions {
  readonly headers?: readonly Line[];
  readonly body?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly branch?: string;
  /** The value of Contact, "" for none. */
  readonly contact?: string;
  readonly maxForwards?: number;
  readonly routes?: readonly string[];
  /** Answers the digest challenge of a 401 or 407 with these in place of the account's own. */
  readonly credentials?: Partial<DigestInput>;
}

/** A request that was sent: what its CANCEL, its ACK and its repetition carry again. */
export interface Sent extends Required<Pick<RequestOptions, "branch" | "callId" | "cseq" | "from" | "to" | "routes">> {
  readonly method: string;
  readonly uri: string;
}

export interface RegisterOptions extends RequestOptions {
  /** Of the Expires header; absent: none. */
  readonly expires?: number;
  /** Values of Contact; [] asks for the bindings (RFC 3261 §10.2.3). The phone's own if absent. */
  readonly contacts?: readonly string[];
}

export interface ReplyOptions {
  readonly reason?: string;
  readonly headers?: readonly Line[];
  readonly body?: string;
  readonly toTag?: string;
  /** "" for none. */
  readonly contact?: string;
}

/** A raw telephone: SIP over WebSocket (RFC 7118) by hand. It says what the test wants, and answers nothing by itself. */
export class Phone {
  readonly account: string;
  readonly aor: string;
  /** The invented name that stands for a WebSocket phone (RFC 7118 §5). */
  readonly host = `${randomText(6)}.invalid`;
  readonly instance: string;
  readonly tag = randomText(5);
  readonly socket: SipSocket;
  readonly #options: PhoneOptions;
  readonly #registration = { callId: randomText(8), cseq: 0 };

  static async connect(server: { readonly wsUrl: string }, options: PhoneOptions): Promise<Phone> {
    const path = options.path ?? (options.way === "direct" ? `/ws/${options.account}@${options.domain ?? "localhost"}` : "/ws");
    const { openSocket } = await import("./sip-socket.ts");
    return new Phone(await openSocket(`${server.wsUrl}${path}`, options.account, options), options);
  }

  constructor(socket: SipSocket, options: PhoneOptions) {
    this.socket = socket;
    this.#options = options;
    this.account = options.account;
    this.aor = `sip:${options.account}@${options.domain ?? "localhost"}`;
    this.instance = options.instance ?? `urn:uuid:${randomUUID()}`;
  }

  get contact(): string {
    return `<sip:${this.#options.account}@${this.host};transport=ws>`;
  }

  /** What an outbound phone registers (RFC 5626 §4.2.1). */
  get outboundContact(): string {
    return `${this.contact};reg-id=1;+sip.instance="<${this.instance}>"`;
  }

  /** The next message that matches, as `SipSocket.next` says. */
  next: SipSocket["next"] = (match, narrowing) => this.socket.next(match, narrowing);

  /**
   * For rules that demand silence: throws if something that matches has come before a MESSAGE that is sent now.
   * @param from who sends it, by the way that what may not come would have taken
   */
  async hearsNothing(match: Match, from: Phone): Promise<void> {
    const sent = from.request("MESSAGE", this.aor, { body: "after which nothing is under way" });
    this.reply(await this.next((message) => message.method === "MESSAGE" && header(message, "call-id") === sent.callId), 200);
    await from.finalResponse(sent);
    this.#mustNotHaveHeard(this.socket.rest().find(matcher(match)));
  }

  /** The same for what the server would send by a timer of its own: throws if it comes, or has come, within so many milliseconds. */
  async hearsNothingWithin(milliseconds: number, match: Match): Promise<void> {
    this.#mustNotHaveHeard(await this.next(match, { milliseconds }).catch(() => undefined));
  }

  #mustNotHaveHeard(heard: ReceivedMessage | undefined): void {
    if (heard !== undefined) throw new Error(`${this.account} should not have heard\n${heard.raw}`);
  }

  /** Sends a request of ours outside a dialog. */
  request(method: string, uri: string, options: RequestOptions = {}, more: readonly string[] = []): Sent {
    const sent: Sent = {
      method,
      uri,
      branch: options.branch ?? newBranch(),
      callId: options.callId ?? randomText(8),
      cseq: options.cseq ?? 1,
      from: options.from ?? `<${this.aor}>;tag=${this.tag}`,
      to: options.to ?? `<${uri}>`,
      routes: options.routes ?? [],
    };
    const contact = options.contact ?? (["REGISTER", "MESSAGE", "OPTIONS", "CANCEL", "ACK"].includes(method) ? "" : this.contact);
    const lines = [
      ...this.#startOf(sent, options.maxForwards ?? 70),
      ...(contact === "" ? [] : [`Contact: ${contact}`]),
      ...(options.headers ?? []).map(toText),
      ...more,
    ];
    this.socket.send(compose(`${method} ${uri} SIP/2.0`, lines, options.body));
    return sent;
  }

  /** Sends a request, answers a challenge to it, and returns the final response (also a second challenge). */
  async transact(method: string, uri: string, options: RequestOptions = {}, more: readonly string[] = []): Promise<ReceivedMessage> {
    const first = this.request(method, uri, options, more);
    const answer = await this.finalResponse(first);
    if (answer.status !== 401 && answer.status !== 407) return answer;
    if (method === "INVITE") this.ackRefusal(first, answer);
    const again = { ...options, callId: first.callId, cseq: first.cseq + 1, branch: newBranch() };
    return this.finalResponse(this.request(method, uri, again, [...more, this.authorization(answer, first, options.credentials)]));
  }

  async finalResponse(sent: Sent): Promise<ReceivedMessage> {
    return this.next((message) => message.status >= 200 && header(message, "via")?.includes(sent.branch) === true);
  }

  /** The header line that answers a 401 or 407. */
  authorization(answer: ReceivedMessage, sent: Sent, lies: Partial<DigestInput> = {}): string {
    const [challenge, credentials] =
      answer.status === 401 ? ["www-authenticate", "Authorization"] : ["proxy-authenticate", "Proxy-Authorization"];
    const input = {
      method: sent.method,
      uri: sent.uri,
      username: this.#options.account,
      password: this.#options.password ?? "offhook",
      ...lies,
    };
    return `${credentials}: ${answerChallenge(headers(answer, challenge), input)}`;
  }

  /** Registers as an outbound phone does, answering the challenge; returns the final response. */
  async register(options: RegisterOptions = {}): Promise<ReceivedMessage> {
    const contacts = options.contacts ?? [this.outboundContact];
    const more = [
      "Supported: path,gruu,outbound",
      ...contacts.map((contact) => `Contact: ${contact}`),
      ...(options.expires === undefined ? [] : [`Expires: ${options.expires}`]),
    ];
    const { callId, cseq } = this.#registration;
    this.#registration.cseq += 2;
    const to = options.to ?? `<${this.aor}>`;
    const registrar = `sip:${this.#options.domain ?? "localhost"}`;
    return this.transact("REGISTER", registrar, { callId, cseq: cseq + 1, ...options, to }, more);
  }

  /** Replies to a request that came. Any tag we put to To is the phone's own, so that its dialogs can be told. */
  reply(request: ReceivedMessage, status: number, options: ReplyOptions = {}): void {
    const contact = options.contact ?? (request.method === "INVITE" && status > 100 && status < 300 ? this.contact : "");
    const lines = [
      ...copiedLines(request, options.toTag ?? this.tag),
      ...(contact === "" ? [] : [`Contact: ${contact}`]),
      ...(options.headers ?? []).map(toText),
    ];
    this.socket.send(compose(`SIP/2.0 ${status} ${options.reason ?? "Whatever"}`, lines, options.body));
  }

  /** RFC 3261 §9.1: same Request-URI, From, To, Call-ID, CSeq number, branch. */
  cancel(invite: Sent, lines: readonly Line[] = []): Sent {
    return this.request("CANCEL", invite.uri, { ...invite, headers: lines });
  }

  /** RFC 3261 §17.1.1.3: of the INVITE's own transaction, with the response's To. */
  ackRefusal(invite: Sent, refusal: ReceivedMessage): void {
    this.request("ACK", invite.uri, { ...invite, to: header(refusal, "to") ?? "" });
  }

  /** RFC 3261 §13.2.2.4: a transaction of its own, along the dialog's route set. */
  ack(dialog: Dialog): Sent {
    return this.inDialog("ACK", dialog, { cseq: dialog.inviteCseq });
  }

  bye(dialog: Dialog): Sent {
    return this.inDialog("BYE", dialog);
  }

  /** RFC 3261 §12.2.1.1; every route of ours is a loose one. */
  inDialog(method: string, dialog: Dialog, options: RequestOptions = {}): Sent {
    const cseq = options.cseq ?? dialog.cseq++;
    const { callId, local, remote, target, routes } = dialog;
    return this.request(method, target, { callId, from: local, to: remote, routes, ...options, cseq });
  }

  #startOf(sent: Sent, maxForwards: number): string[] {
    return [
      `Via: SIP/2.0/WSS ${this.host};branch=${sent.branch}`,
      `Max-Forwards: ${maxForwards}`,
      ...sent.routes.map((route) => `Route: ${route}`),
      `From: ${sent.from}`,
      `To: ${sent.to}`,
      `Call-ID: ${sent.callId}`,
      `CSeq: ${sent.cseq} ${sent.method}`,
    ];
  }
}
