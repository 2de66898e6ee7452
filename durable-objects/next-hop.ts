import { DurableObject } from "cloudflare:workers";
import { credentialsFor } from "../lib/authentication/client.ts";
import type { Keyring } from "../lib/authentication/keyring.ts";
import { hintIn, homeHint, readBranch } from "../lib/proxy/branch.ts";
import { type Forwarder, statelessRequest } from "../lib/proxy/outgoing-request.ts";
import { type NamedHop, isHopName, readHopName } from "../lib/routing/hop-name.ts";
import type { Trunk } from "../lib/routing/trunk.ts";
import { alter } from "../lib/syntax/alter.ts";
import { ackFor, cancelFor } from "../lib/syntax/compose.ts";
import { type Essentials, readEssentials } from "../lib/syntax/essentials.ts";
import { fault, isFault } from "../lib/syntax/fault.ts";
import { type Request as SipRequest, type Response as SipResponse, hasHeader, headerValues, parseMessage } from "../lib/syntax/message.ts";
import {
  type CancelEnvelope,
  type Envelope,
  type Receipt,
  type RequestEnvelope,
  type ResponseEnvelope,
  taken,
} from "../lib/transport/envelope.ts";
import { readConfiguration } from "../workers/configuration.ts";
import { directoryOf } from "../workers/directory.ts";
import type { Environment } from "../workers/environment.ts";
import { parsed, read } from "./address-of-record/checked.ts";
import { Connection } from "./next-hop/connection.ts";
import { Calls } from "./next-hop/calls.ts";
import { Inbound, keepsCall } from "./next-hop/inbound.ts";
import { TrunkRegistration } from "./next-hop/trunk-registration.ts";
import { keyringOf } from "./room/keyring.ts";
import { Outbox } from "./room/outbox.ts";
import { randomText } from "./room/random.ts";
import { answerFault } from "./room/reply.ts";
import { neighbourOf } from "./room/neighbour.ts";

const invitesKept = 500;
/** Milliseconds. */
const retryRegistrationAfter = 10_000;
/** Milliseconds; so long a registered trunk's connection may be gone, with our memory, before it is noticed. */
const lookAfter = 60_000;

/**
 * The connection to one other SIP server. Requests go out without state (RFC 3261 §16.11): the way back is sealed in the branch, and
 * timers and forks are the business of the home that sent them, which survives. What is remembered here may get lost with the
 * connection: the INVITEs under way, for their ACK and CANCEL, and the calls, for which the connection stays open.
 */
export class NextHop extends DurableObject<Environment> {
  readonly #keyring: Keyring;
  readonly #hop: NamedHop;
  readonly #registration: TrunkRegistration;
  readonly #inbound: Inbound;
  readonly #environment: Environment;
  /** We are registered there: the connection is for calls that come, too. */
  #isHeld = false;
  /** Milliseconds. */
  #renewAt = 0;
  readonly #by: Forwarder;
  readonly #outbox: Outbox;
  /** INVITEs as they were sent, by branch. */
  readonly #invites = new Map<string, SipRequest>();
  readonly #calls: Calls;
  /** Milliseconds that a connection stays open when no call is on it. */
  readonly #idleAfter: number;
  #connection: Promise<Connection> | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(state: DurableObjectState, environment: Environment) {
    super(state, environment);
    const { name } = state.id;
    if (name === undefined || !isHopName(name)) throw new Error("a next hop is addressed by its name");
    const { sealKeys, hopIdleTime, transactionTimeout, ringTimeout } = readConfiguration(environment);
    this.#keyring = keyringOf(sealKeys);
    this.#idleAfter = hopIdleTime * 1000;
    this.#calls = new Calls({ transaction: transactionTimeout * 1000, ringing: ringTimeout * 1000 });
    this.#hop = readHopName(name);
    this.#environment = environment;
    this.#registration = new TrunkRegistration(this.#keyring, this.#hop);
    this.#by = { keyring: this.#keyring, home: name, hint: homeHint(this.#keyring, name) };
    this.#outbox = new Outbox(neighbourOf(environment));
    this.#inbound = new Inbound({
      keyring: this.#keyring,
      name,
      hopTrunk: this.#hop.trunk,
      directory: directoryOf(environment),
      calls: this.#calls,
      trunk: () => this.#trunk(),
      open: () => this.#open(),
      reply: (request, text) => this.#reply(request, text),
      post: (home, envelope) => this.#outbox.post(home, envelope),
    });
  }

  /** Of a trunk that we register at: the connection is opened and held from now on. */
  async keep(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now());
  }

  /** Registers anew, while the trunk wants it; a connection that was lost is opened again. */
  override async alarm(): Promise<void> {
    const trunk = await this.#trunk();
    if (trunk?.register !== true || trunk.username === undefined || trunk.password === undefined) return;
    const { username, password } = trunk;
    const isFresh = this.#connection !== undefined && Date.now() < this.#renewAt;
    if (isFresh) return this.ctx.storage.setAlarm(Date.now() + lookAfter);
    const connection = await this.#open();
    const granted = connection === undefined ? undefined : await this.#registration.register(connection, { username, password });
    this.#isHeld = granted !== undefined;
    this.#renewAt = Date.now() + ((granted ?? 0) * 1000) / 2;
    await this.ctx.storage.setAlarm(Date.now() + (granted === undefined ? retryRegistrationAfter : lookAfter));
  }

  /** Letters of homes: requests and cancellations for the other server, and responses to its requests. */
  async deliver(envelopes: readonly Envelope[]): Promise<readonly Receipt[]> {
    const receipts: Receipt[] = [];
    for (const envelope of envelopes) receipts.push(await this.#receive(envelope));
    this.#restUnlessBusy();
    return receipts;
  }

  async #receive(envelope: Envelope): Promise<Receipt> {
    switch (envelope.kind) {
      case "request":
        return this.#request(envelope);
      case "cancel":
        return this.#cancel(envelope);
      case "response":
        return this.#response(envelope);
      case "inquiry":
        return taken;
    }
  }

  async #request(envelope: RequestEnvelope): Promise<Receipt> {
    const { request, essentials } = read(envelope);
    const connection = await this.#open();
    if (connection === undefined) {
      if (request.method === "ACK") return taken;
      return { kind: "answered", status: 503, text: answerFault(request, fault(503, `${this.#hop.host} cannot be reached`)) };
    }
    const { text, branch } = this.#asSent(connection, envelope, request, essentials);
    if (this.#invites.has(branch) && request.method === "INVITE") return taken;
    if (request.method === "INVITE" || this.#hop.trunk !== "") this.#remember(branch, parsed(text, envelope.binary));
    this.#noteRequest(request.method, essentials, Date.now());
    connection.send(text, envelope.binary);
    return taken;
  }

  async #cancel({ of, reason }: CancelEnvelope): Promise<Receipt> {
    const connection = of === undefined ? undefined : await this.#open();
    if (connection === undefined || of === undefined) return { kind: "answered", status: 481, text: "" };
    const { request, essentials } = read(of);
    const { text } = this.#asSent(connection, of, request, essentials);
    connection.send(cancelFor(parsed(text, of.binary), reason === undefined ? [] : [["Reason", reason]]), of.binary);
    return taken;
  }

  async #response({ text, binary }: ResponseEnvelope): Promise<Receipt> {
    const response = parseMessage({ text, binary });
    const essentials = isFault(response) ? response : readEssentials(response);
    if (!isFault(response) && response.kind === "response" && !isFault(essentials)) this.#noteResponse(response, essentials, Date.now());
    const connection = await this.#open();
    connection?.send(text, binary);
    return taken;
  }

  /** An INVITE begins a call, whose answer comes by this connection and no other; what says that it goes on keeps it, and BYE ends it. */
  #noteRequest(method: string, { callId, toTag }: Essentials, now: number): void {
    if (method === "BYE") this.#calls.ended(callId);
    else if (toTag === undefined) {
      if (method === "INVITE") this.#calls.begin(callId, now);
    } else if (keepsCall(method)) this.#calls.talks(callId, now);
  }

  #noteResponse({ status }: SipResponse, { callId, cseq }: Essentials, now: number): void {
    if (cseq.method !== "INVITE") return;
    if (status < 200) this.#calls.rings(callId, now);
    else if (status < 300) this.#calls.talks(callId, now);
    else this.#calls.refused(callId);
  }

  /** Equal each time it is made, as long as the connection is the same. */
  #asSent({ host, transport }: Connection, envelope: RequestEnvelope, request: SipRequest, essentials: Essentials) {
    return statelessRequest(this.#by, envelope, request, essentials, { phone: "", host, transport, contact: undefined, path: [] });
  }

  #remember(branch: string, invite: SipRequest): void {
    this.#invites.set(branch, invite);
    const oldest = this.#invites.keys().next();
    if (this.#invites.size > invitesKept && oldest.done !== true) this.#invites.delete(oldest.value);
  }

  /** The connection there is, or a new one; undefined if the server cannot be reached. */
  async #open(): Promise<Connection | undefined> {
    clearTimeout(this.#idle);
    try {
      this.#connection ??= Connection.open(this.#hop, {
        message: (text) => this.#heard(text),
        closed: () => this.#lost(),
      });
      const connection = await this.#connection;
      this.#restUnlessBusy();
      return connection;
    } catch (error) {
      this.#lost();
      console.error(JSON.stringify({ note: "a server cannot be reached", hop: this.#by.home, error: String(error) }));
      return undefined;
    }
  }

  #lost(): void {
    this.#connection = undefined;
    if (this.#isHeld) void this.ctx.storage.setAlarm(Date.now() + retryRegistrationAfter);
    this.#isHeld = false;
    this.#invites.clear();
    this.#calls.clear();
    clearTimeout(this.#idle);
  }

  #restUnlessBusy(): void {
    clearTimeout(this.#idle);
    if (this.#connection === undefined || this.#isHeld) return;
    const busy = this.#calls.until() - Date.now();
    this.#idle = setTimeout(() => void this.#connection?.then((connection) => connection.close()), Math.max(busy, this.#idleAfter));
  }

  #heard(octets: string): void {
    this.#restUnlessBusy();
    const frame = asText(octets);
    const message = parseMessage(frame);
    if (isFault(message)) return;
    const essentials = readEssentials(message);
    if (isFault(essentials)) return;
    if (message.kind === "request") void this.#inbound.asked(message, essentials);
    else if (!this.#registration.hears(message, essentials)) void this.#answered(message, essentials);
  }

  /** RFC 3261 §16.7: the way back is in the branch; the ACK for a refusal is ours where the sender's home keeps the state (§17.1.1.3). */
  async #answered(response: SipResponse, essentials: Essentials): Promise<void> {
    const written = essentials.via.branch;
    const branch = written === undefined || hintIn(written) !== this.#by.hint ? undefined : readBranch(this.#keyring, written);
    if (branch?.kind !== "stateless" || written === undefined) return;
    const { status, binary } = response;
    const invite = this.#invites.get(written);
    if (status >= 300 && invite !== undefined && branch.answerTo.branch !== undefined && essentials.cseq.method === "INVITE") {
      void this.#open().then((connection) => connection?.send(ackFor(invite, response), binary));
    }
    if ((status === 401 || status === 407) && invite !== undefined && (await this.#authenticates(invite, response, written))) return;
    const { method } = essentials.cseq;
    // A CANCEL has the branch of its INVITE.
    if (status >= 200 && method !== "INVITE" && invite?.method === method) this.#invites.delete(written);
    this.#noteResponse(response, essentials, Date.now());
    // The answer to our own CANCEL ends here (RFC 3261 §9.1).
    if (essentials.cseq.method === "CANCEL") return;
    const text = alter(response, { popVia: true });
    this.#post(branch.answerTo.home, { kind: "response", text, binary, status, to: branch.answerTo, transaction: undefined });
  }

  /** The trunk's server asks who we are: the same request goes again, with credentials, once. */
  async #authenticates(sent: SipRequest, response: SipResponse, branch: string): Promise<boolean> {
    const trunk = await this.#trunk();
    if (trunk?.username === undefined || trunk.password === undefined) return false;
    const header =
      response.status === 401 ? (["www-authenticate", "Authorization"] as const) : (["proxy-authenticate", "Proxy-Authorization"] as const);
    if (hasHeader(sent, header[1].toLowerCase())) return false;
    const { username, password } = trunk;
    const request = { method: sent.method, uri: sent.requestUri };
    const credentials = credentialsFor(this.#keyring, headerValues(response, header[0]), request, { username, password }, randomText());
    if (credentials === undefined) return false;
    const connection = await this.#open();
    const again = `${branch}a`;
    const [, ...vias] = headerValues(sent, "via");
    const via = headerValues(sent, "via")[0]?.replace(`branch=${branch}`, `branch=${again}`) ?? "";
    const lines: [string, string][] = [["Via", via], ...vias.map((value): [string, string] => ["Via", value])];
    const text = alter(sent, { remove: ["via"], push: lines, append: [[header[1], credentials]] });
    this.#invites.delete(branch);
    this.#remember(again, parsed(text, sent.binary));
    connection?.send(text, sent.binary);
    return true;
  }

  async #trunk(): Promise<Trunk | undefined> {
    const at = this.#hop.trunk.indexOf("@");
    if (at < 0) return undefined;
    const trunks = await directoryOf(this.#environment).trunks(this.#hop.trunk.slice(at + 1));
    return trunks.find(({ name }) => name === this.#hop.trunk.slice(0, at));
  }

  #reply(request: SipRequest, text: string): void {
    if (request.method !== "ACK") void this.#open().then((connection) => connection?.send(text, request.binary));
  }

  #post(home: string, envelope: ResponseEnvelope): void {
    this.#outbox.post(home, envelope).catch((error: unknown) => console.error(JSON.stringify({ note: String(error), hop: this.#by.home })));
  }
}

/** Octets as the text they are, if they are UTF-8: then phones get a text frame, as all of them expect. */
function asText(octets: string): { readonly text: string; readonly binary: boolean } {
  // oxlint-disable-next-line no-control-regex -- the ASCII range is what is asked for
  if (/^[\x00-\x7f]*$/.test(octets)) return { text: octets, binary: false };
  const bytes = Buffer.from(octets, "latin1");
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? { text, binary: false } : { text: octets, binary: true };
}
