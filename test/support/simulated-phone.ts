import { compose, newBranch, randomText, shortSdp } from "./compose.ts";
import { type Dialog, copiedLines, dialogOfCallee, dialogOfCaller } from "./dialog.ts";
import { answerChallenge } from "./digest.ts";
import { checkNotification } from "./documents.ts";
import { type ReceivedMessage, cseqMethod, header, headers, readReceivedMessage } from "./received-message.ts";

/** One connection of a phone. */
export interface Line {
  send(frame: string): void;
  cut(code?: number): void;
  listen(listener: { heard(frame: string): void; lost(): void }): void;
}

/** What phones are on: the simulated world, or a running server. */
export interface Network {
  readonly domain: string;
  connect(account: string): Promise<Line>;
  /** Resolves when everything has happened that happens at once; where that cannot be known, when it is so. */
  settle(until: () => boolean): Promise<void>;
  /** Work that nobody waits for. */
  attempt(work: Promise<unknown>): void;
}

export interface DeskOptions {
  readonly instance?: string;
  /** Of its Contact: parameters as `;q=0.5;audio`. */
  readonly parameters?: string;
  readonly regId?: number;
  /** What it does with its unanswered calls when it loses its connection: SIP.js keeps them, JsSIP ends its own and forgets the others. */
  readonly manners?: "keeps" | "forgets";
  /** Answers nothing by itself but BYE: the scenario replies. */
  readonly isManual?: boolean;
  readonly expires?: number;
  /** What its INVITEs say of it; nothing if absent. */
  readonly userAgent?: string;
}

/** A request that waits for its final response. */
interface Pending {
  readonly method: string;
  readonly uri: string;
  readonly text: string;
  readonly branch: string;
  readonly lines: readonly string[];
  final: number;
  provisional: number;
}

interface Call {
  readonly id: string;
  readonly isOurs: boolean;
  readonly invite: Pending | undefined;
  readonly heard: ReceivedMessage | undefined;
  state: CallState;
  dialog: Dialog | undefined;
  /** The last response to the INVITE, said again when it comes again. */
  response: string | undefined;
  isAcknowledged: boolean;
  /** This phone has sent the BYE. */
  hasHungUp?: boolean;
}

export type CallState = "calling" | "hears ringing" | "ringing" | "talking" | `ended ${number}` | "ended by bye" | "forgotten";

/** A phone that acts by itself as far as phones do: registers, rings, acknowledges, repeats, reconnects. Its user is the scenario. */
export class SimulatedPhone {
  readonly account: string;
  readonly aor: string;
  readonly instance: string;
  host = `${randomText(6)}.invalid`;
  /** All that was heard, oldest first. */
  readonly heard: ReceivedMessage[] = [];
  readonly calls: Call[] = [];
  readonly #network: Network;
  readonly #options: DeskOptions;
  #registration = { callId: randomText(6), cseq: 0 };
  readonly #pending: Pending[] = [];
  /** Dialogs that were too many. */
  readonly #ended = new Set<string>();
  #connection: Line | undefined;
  #isOnline = false;
  isRegistered = false;

  constructor(network: Network, account: string, options: DeskOptions = {}) {
    this.#network = network;
    this.account = account;
    this.aor = `sip:${account}@${network.domain}`;
    this.instance = options.instance ?? `urn:uuid:${randomText(8)}`;
    this.#options = options;
  }

  get contact(): string {
    return `<sip:${this.account}@${this.host};transport=ws>`;
  }

  /** Connects and registers; from now on it comes back by itself. */
  async comesOnline(): Promise<this> {
    this.#isOnline = true;
    await this.#connect();
    await this.#network.settle(() => this.isRegistered);
    return this;
  }

  /** Connects and registers, however long that takes. */
  async comes(): Promise<void> {
    this.#isOnline = true;
    if (this.#connection === undefined) await this.#connect().catch(() => this.#comesBack());
  }

  /** The network is gone, or with 1000 or 1001 the page is closed: it does not come back until told. */
  leaves(code = 1006): void {
    this.#isOnline = false;
    this.#connection?.cut(code);
  }

  /** The network blinks. The phone hears of it later, but nothing that it sends from now on arrives. */
  isCut(): void {
    this.isRegistered = false;
    this.#connection?.cut();
  }

  /** RFC 5626 §4.4.1: a keep-alive, which the platform answers. */
  keepsAlive(): void {
    this.#connection?.send("\r\n\r\n");
  }

  /** The page is frozen: its connection stays, and it reads nothing. */
  freezes(): void {
    this.#connection?.listen({ heard: () => undefined, lost: () => undefined });
  }

  /** The network swallows what comes on its connection, and the server does not notice: it makes another one. */
  isDeaf(): void {
    if (this.#connection === undefined) return;
    this.#connection.listen({ heard: () => undefined, lost: () => undefined });
    this.#lost();
  }

  /** The last call. */
  get call(): Call {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error(`${this.account} has no call`);
    return call;
  }

  get state(): CallState | "idle" {
    return this.calls.at(-1)?.state ?? "idle";
  }

  /** What it heard with this method or status. */
  all(match: string | number, method?: string): ReceivedMessage[] {
    return this.heard.filter((one) =>
      typeof match === "string" ? one.method === match : one.status === match && (method === undefined || cseqMethod(one) === method),
    );
  }

  last(match: string | number, method?: string): ReceivedMessage {
    const found = this.all(match, method).at(-1);
    if (found === undefined) throw new Error(`${this.account} heard no ${match}, but ${this.heard.map((one) => one.startLine).join("; ")}`);
    return found;
  }

  invites(uri: string, lines: readonly string[] = []): Call {
    const callId = randomText(6);
    const from = `From: <${this.aor}>;tag=${randomText(4)}`;
    const { userAgent } = this.#options;
    const shared = [
      from,
      `To: <${uri}>`,
      `Call-ID: ${callId}`,
      "CSeq: 1 INVITE",
      ...(userAgent === undefined ? [] : [`User-Agent: ${userAgent}`]),
    ];
    const invite = this.sends("INVITE", uri, [...shared, `Contact: ${this.contact}`, "Content-Type: application/sdp", ...lines], shortSdp);
    const call: Call = {
      id: callId,
      isOurs: true,
      invite,
      heard: undefined,
      state: "calling",
      dialog: undefined,
      response: undefined,
      isAcknowledged: false,
    };
    this.calls.push(call);
    return call;
  }

  /** Any request; lines without Via, Max-Forwards and Content-Length. */
  sends(method: string, uri: string, lines: readonly string[], body = "", branch = newBranch()): Pending {
    const hops = lines.some((line) => line.startsWith("Max-Forwards")) ? [] : ["Max-Forwards: 70"];
    const text = compose(`${method} ${uri} SIP/2.0`, [`Via: SIP/2.0/WSS ${this.host};branch=${branch}`, ...hops, ...lines], body);
    const pending: Pending = { method, uri, text, branch, lines, final: 0, provisional: 0 };
    if (method !== "ACK") this.#pending.push(pending);
    this.#connection?.send(text);
    return pending;
  }

  /** A client makes a new registration after a reconnection: with another Call-ID, and the Contact and the calls that it had. */
  async registersAnew(): Promise<void> {
    this.leaves();
    this.#registration = { callId: randomText(6), cseq: 0 };
    await this.comes();
    await this.#network.settle(() => this.isRegistered);
  }

  /** The page is loaded anew: it knows nothing of its calls, and registers with another Contact (the same instance). */
  async reloads(): Promise<void> {
    this.leaves(1001);
    for (const call of this.calls) if (call.state !== "talking") forget(call);
    for (const call of this.calls) if (call.state === "talking") call.state = "forgotten";
    this.host = `${randomText(6)}.invalid`;
    this.#registration = { callId: randomText(6), cseq: 0 };
    await this.comes();
    await this.#network.settle(() => this.isRegistered);
  }

  /** A request outside a dialog. */
  asks(method: string, uri: string, lines: readonly string[] = [], body = ""): Pending {
    const shared = [`From: <${this.aor}>;tag=${randomText(4)}`, `To: <${uri}>`, `Call-ID: ${randomText(6)}`, `CSeq: 1 ${method}`];
    return this.sends(method, uri, [...shared, ...lines], body);
  }

  cancels(call = this.call, lines: readonly string[] = []): void {
    const { invite } = call;
    if (invite === undefined) throw new Error("only the caller cancels");
    const shared = invite.lines.filter((line) => /^(From|To|Call-ID):/.test(line));
    this.sends("CANCEL", invite.uri, [...shared, "CSeq: 1 CANCEL", ...lines], "", invite.branch);
  }

  answers(call = this.call): void {
    this.replies(call.heard as ReceivedMessage, 200, [`Contact: ${this.contact}`, "Content-Type: application/sdp"], shortSdp);
  }

  rejects(status: number, lines: readonly string[] = [], call = this.call): void {
    this.replies(call.heard as ReceivedMessage, status, lines);
  }

  /** A response, its To tag its own. */
  replies(request: ReceivedMessage, status: number, lines: readonly string[] = [], body = ""): void {
    const tag = this.instance.slice(-6);
    const text = compose(`SIP/2.0 ${status} Whatever`, [...copiedLines(request, status === 100 ? "" : tag), ...lines], body);
    const call = request.method === "INVITE" ? this.#callOf(request) : undefined;
    if (call !== undefined && call.dialog === undefined) this.#answered(call, status, text, tag);
    this.#connection?.send(text);
  }

  /** A message as it is. */
  sendsText(text: string): void {
    this.#connection?.send(text);
  }

  hangsUp(call = this.call): void {
    const { dialog } = call;
    if (dialog === undefined) throw new Error("there is no dialog to end");
    call.state = "ended by bye";
    call.hasHungUp = true;
    this.within("BYE", dialog);
  }

  /** A request within a dialog. */
  within(method: string, dialog: Dialog, lines: readonly string[] = [], cseq = dialog.cseq++): Pending {
    const { local, remote, callId, routes, target } = dialog;
    const shared = [`From: ${local}`, `To: ${remote}`, `Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`];
    return this.sends(method, target, [...routes.map((route) => `Route: ${route}`), ...shared, ...lines]);
  }

  async #connect(): Promise<void> {
    const connection = await this.#network.connect(this.account);
    this.#connection = connection;
    connection.listen({
      heard: (frame) => this.#hears(readReceivedMessage(frame, false)),
      lost: () => this.#lost(),
    });
    this.registers();
  }

  unregisters(): void {
    this.registers([], 0);
  }

  registers(lines: readonly string[] = [], expires = this.#options.expires ?? 600): void {
    const { parameters = "", regId = 1 } = this.#options;
    this.#registration.cseq += 1;
    const { callId, cseq } = this.#registration;
    this.sends("REGISTER", `sip:${this.#network.domain}`, [
      `From: <${this.aor}>;tag=${randomText(4)}`,
      `To: <${this.aor}>`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} REGISTER`,
      `Contact: ${this.contact};reg-id=${regId};+sip.instance="<${this.instance}>"${parameters}`,
      `Expires: ${expires}`,
      "Supported: path, gruu, outbound",
      ...lines,
    ]);
  }

  #lost(): void {
    this.#connection = undefined;
    if (this.#options.manners === "forgets") for (const call of this.calls) forget(call);
    this.isRegistered = false;
    this.#comesBack();
  }

  #comesBack(): void {
    setTimeout(() => {
      if (this.#isOnline) this.#network.attempt(this.#connect().catch(() => this.#comesBack()));
    }, 100);
  }

  /** Registered again: what was under way is said again. */
  #isBack(): void {
    this.isRegistered = true;
    for (const call of this.calls) if (call.response !== undefined && !call.isAcknowledged) this.#connection?.send(call.response);
    for (const one of this.#pending) if (one.method === "BYE" && (one.final === 0 || one.final === 407)) this.#connection?.send(one.text);
    for (const one of this.#pending) if (one.method === "CANCEL" && one.final === 0) this.#connection?.send(one.text);
  }

  #hears(message: ReceivedMessage): void {
    this.heard.push(message);
    checkNotification(message);
    if (message.status === 0) this.#request(message);
    else this.#response(message);
  }

  #response(message: ReceivedMessage): void {
    const branch = /branch=([^;,\s]+)/.exec(header(message, "via") ?? "")?.[1];
    const method = cseqMethod(message);
    const pending = this.#pending.find((one) => one.branch === branch && one.method === method);
    if (pending === undefined) return;
    if (message.status < 200) pending.provisional = message.status;
    else pending.final = message.status;
    if (method === "REGISTER" && message.status === 401)
      this.registers([`Authorization: ${this.#credentials(message, "www-authenticate", pending)}`]);
    else if (method === "REGISTER" && message.status === 200) this.#isBack();
    else if (method === "INVITE") this.#inviteAnswered(message, pending);
    else if (method === "BYE" && message.status === 407 && this.isRegistered) this.#connection?.send(pending.text);
    else if (method === "CANCEL" && message.status === 481) this.#hasNothingToCancel(pending);
  }

  #credentials(message: ReceivedMessage, challenge: string, { method, uri }: Pending): string {
    return answerChallenge(headers(message, challenge), { method, uri, username: this.account, password: "offhook" });
  }

  /** RFC 3261 §9.1: whoever has cancelled does not wait for ever; here not at all, once he knows that nobody can answer any more. */
  #hasNothingToCancel({ branch }: Pending): void {
    const call = this.calls.find((one) => one.invite?.branch === branch);
    if (call?.state === "calling" || call?.state === "hears ringing") call.state = "ended 481";
  }

  #inviteAnswered(message: ReceivedMessage, invite: Pending): void {
    const call = this.calls.find((one) => one.invite === invite);
    if (call === undefined) return;
    if (message.status < 200) {
      if (message.status > 100 && message.status !== 182 && call.state === "calling") call.state = "hears ringing";
      return;
    }
    if (message.status >= 300) {
      this.sends("ACK", invite.uri, ackLines(invite, header(message, "to") ?? ""), "", invite.branch);
      if (call.dialog === undefined) call.state = `ended ${message.status}`;
      return;
    }
    const dialog = dialogOfCaller(message);
    const isNew = call.dialog === undefined;
    if (isNew && !call.state.startsWith("ended")) {
      call.dialog = dialog;
      call.state = "talking";
    }
    // RFC 3261 §13.2.2.4: each 2xx is acknowledged, also one that comes again; a dialog too many is ended.
    this.within("ACK", dialog, [], 1);
    const name = `${dialog.callId} ${dialog.remote}`;
    if (call.dialog?.remote !== dialog.remote && !this.#ended.has(name)) {
      this.#ended.add(name);
      call.hasHungUp = true;
      this.within("BYE", dialog);
    }
  }

  #request(message: ReceivedMessage): void {
    switch (message.method) {
      case "INVITE":
        return this.#rings(message);
      case "ACK":
        return this.#acknowledged(message);
      case "CANCEL":
        return this.#cancelled(message);
      case "BYE":
        return this.#hungUp(message);
      default:
        if (this.#options.isManual !== true) this.replies(message, 200);
    }
  }

  #rings(message: ReceivedMessage): void {
    const known = this.#callOf(message);
    if (known?.response !== undefined) return this.#connection?.send(known.response);
    if (known === undefined) {
      const isWithin = this.calls.find((call) => call.id === header(message, "call-id") && call.dialog !== undefined);
      if (isWithin !== undefined)
        return this.#options.isManual === true ? undefined : this.replies(message, 200, [`Contact: ${this.contact}`]);
      this.calls.push({
        id: header(message, "call-id") ?? "",
        isOurs: false,
        invite: undefined,
        heard: message,
        state: "ringing",
        dialog: undefined,
        response: undefined,
        isAcknowledged: false,
      });
    }
    if (this.#options.isManual !== true) this.replies(message, 180);
  }

  #answered(call: Call, status: number, text: string, tag: string): void {
    call.response = text;
    if (status < 200) return;
    if (status >= 300) {
      call.state = `ended ${status}`;
      return;
    }
    call.state = "talking";
    call.dialog = dialogOfCallee(call.heard as ReceivedMessage, tag);
    // RFC 3261 §13.3.1.4: the 2xx is said again until its ACK comes; a call without one is ended.
    const again = (left: number): void => {
      if (call.isAcknowledged || call.response !== text) return;
      if (left === 0) return call.state === "talking" ? this.hangsUp(call) : undefined;
      this.#connection?.send(text);
      setTimeout(again, 500, left - 1);
    };
    setTimeout(again, 500, 63);
  }

  #acknowledged(message: ReceivedMessage): void {
    const call = this.calls.findLast((one) => one.id === header(message, "call-id") && !one.isOurs);
    if (call !== undefined) call.isAcknowledged = true;
  }

  #cancelled(message: ReceivedMessage): void {
    const call = this.calls.find(
      (one) => one.heard !== undefined && header(one.heard, "via") === header(message, "via") && one.state !== "forgotten",
    );
    if (this.#options.isManual === true) return;
    this.replies(message, call === undefined ? 481 : 200);
    if (call?.heard !== undefined && call.state === "ringing") this.replies(call.heard, 487);
  }

  #hungUp(message: ReceivedMessage): void {
    const isOf = ({ id, dialog }: Call) =>
      id === header(message, "call-id") && (dialog === undefined || dialog.remote === header(message, "from"));
    const call = this.calls.findLast(isOf);
    const isTooMany = this.#ended.has(`${header(message, "call-id")} ${header(message, "from")}`);
    this.replies(message, call?.dialog === undefined && !isTooMany ? 481 : 200);
    if (call !== undefined && !isTooMany) {
      call.state = "ended by bye";
      call.isAcknowledged = true;
    }
  }

  /** The call of an INVITE by its branch (RFC 3261 §17.2.3). */
  #callOf(request: ReceivedMessage): Call | undefined {
    return this.calls.find(
      (call) => call.heard !== undefined && header(call.heard, "via") === header(request, "via") && call.state !== "forgotten",
    );
  }
}

function ackLines(invite: Pending, to: string): string[] {
  return [...invite.lines.filter((line) => /^(From|Call-ID|Route):/.test(line)), `To: ${to}`, "CSeq: 1 ACK"];
}

/** As JsSIP does with what is not answered yet. */
function forget(call: Call): void {
  if (call.state === "calling" || call.state === "hears ringing") call.state = "ended 487";
  else if (call.state === "ringing") call.state = "forgotten";
}
