import type { Keyring } from "../../lib/authentication/keyring.ts";
import type { Address } from "../../lib/location/address.ts";
import { transactionName } from "../../lib/proxy/branch.ts";
import { type Way, examine } from "../../lib/proxy/examine.ts";
import { numberFrom } from "../../lib/routing/number-format.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import type { Essentials } from "../../lib/syntax/essentials.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { type Request as SipRequest, headerValue } from "../../lib/syntax/message.ts";
import { canonicalUser, parseUri } from "../../lib/syntax/uri.ts";
import type { Envelope, Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import type { Directory } from "../../workers/directory.ts";
import { type Resolved, available, homeOf, routeOf } from "../address-of-record/resolve.ts";
import { randomText } from "../room/random.ts";
import { answerFault } from "../room/reply.ts";
import { type Calls, isFull } from "./calls.ts";
import type { Connection } from "./connection.ts";

/** INVITEs remembered for their CANCEL. */
const invitesKept = 500;

/** The connection that requests come by, and what they need of its object. */
export interface Line {
  readonly keyring: Keyring;
  /** Of the object. */
  readonly name: string;
  /** `name@domain`, "" if it belongs to none. */
  readonly hopTrunk: string;
  readonly directory: Directory;
  readonly calls: Calls;
  trunk(): Promise<Trunk | undefined>;
  open(): Promise<Connection | undefined>;
  reply(request: SipRequest, text: string): void;
  post(home: string, envelope: Envelope): Promise<Receipt>;
}

/** Requests that another server sends on the connection we opened. */
export class Inbound {
  readonly #line: Line;
  readonly #id = randomText();
  /** INVITEs of the other server, by Via: where they went. */
  readonly #incoming = new Map<string, { readonly home: string; readonly transaction: string }>();

  constructor(line: Line) {
    this.#line = line;
  }

  /** A request of the other server: within a dialog that our own route vouches for, about this server itself, or a call from a trunk. */
  async asked(request: SipRequest, essentials: Essentials): Promise<void> {
    const trunk = await available(() => this.#line.trunk());
    if (isFault(trunk)) return this.#line.reply(request, answerFault(request, trunk));
    const isTaken = trunk?.inbound === true;
    if (request.method === "CANCEL" && essentials.toTag === undefined) return this.#cancelled(request, essentials);
    const owner = {
      home: this.#line.name,
      user: "",
      domain: trunk?.domain ?? "",
      aliases: [],
      isTrusted: isTaken,
      isBelieved: trunk?.trusted === true,
    };
    const way = examine(request, essentials, { keyring: this.#line.keyring, owner, isOurs: () => true });
    if (isFault(way)) return this.#line.reply(request, answerFault(request, way));
    if (way.kind === "server") return this.#line.reply(request, replyTo(request, 200, { toTag: randomText() }));
    if (way.kind === "address") {
      if (!isTaken) return this.#line.reply(request, answerFault(request, fault(403, "calls from this server are not taken")));
      return this.#comesIn(request, essentials, way, trunk);
    }
    this.#line.calls.passed(request.method, essentials, Date.now());
    const { receiver, recordRoute, alterations } = way;
    const envelope: RequestEnvelope = {
      kind: "request",
      text: alter(request, alterations),
      binary: request.binary,
      answerTo: { home: this.#line.name, flow: this.#id, phone: this.#id },
      transaction: `${essentials.via.branch ?? ""}${"-".repeat(16)}`.slice(-16),
      identity: "",
      to: { kind: "phone", phone: receiver.phone },
      recordRoute,
    };
    this.#line.post(receiver.home, envelope).then(
      (receipt) => (receipt.kind === "answered" ? this.#line.reply(request, receipt.text) : undefined),
      () => this.#line.reply(request, answerFault(request, fault(503, "the other side cannot be reached now"))),
    );
  }

  /** A call, or a message, of a trunk for one of its domain's users: by the number that was dialled, an alias of his. */
  async #comesIn(request: SipRequest, essentials: Essentials, way: Way & { kind: "address" }, trunk: Trunk): Promise<void> {
    if (request.method === "ACK") return;
    const to = parseUri(essentials.to.uri);
    // Registrars send calls to the Contact that we have registered: then To says whom they are for.
    const dialled =
      way.address.user === trunk.username && !isFault(to) && to.kind === "sip" && to.user !== undefined
        ? canonicalUser(to.user)
        : way.address.user;
    if (request.method === "INVITE" && isFull(trunk, this.#line.calls) && !this.#line.calls.has(essentials.callId))
      return this.#line.reply(request, answerFault(request, fault(503, "all lines of the trunk are in use")));
    const found = await available(() => this.#find(trunk, request.method, dialled));
    if (isFault(found)) return this.#line.reply(request, answerFault(request, found));
    const { home, introduces } = found;
    const connection = await this.#line.open();
    if (connection === undefined) return;
    const at = `${connection.host};transport=${connection.transport.replace("WSS", "WS").toLowerCase()}`;
    const { branch = "", sentBy } = essentials.via;
    const transaction = transactionName(this.#line.keyring, this.#line.name, branch, sentBy);
    const envelope: RequestEnvelope = {
      kind: "request",
      text: alter(request, way.alterations),
      binary: request.binary,
      answerTo: { home: this.#line.name, flow: this.#id, phone: this.#id },
      transaction,
      identity: this.#line.hopTrunk,
      to: { kind: "address", instance: undefined, registration: undefined },
      recordRoute: undefined,
      caller: { home: this.#line.name, phone: this.#id, at },
      ...(introduces === undefined ? {} : { introduces }),
    };
    if (request.method === "INVITE") {
      this.#incoming.set(nameOf(essentials), { home, transaction });
      const oldest = this.#incoming.keys().next();
      if (this.#incoming.size > invitesKept && oldest.done !== true) this.#incoming.delete(oldest.value);
      this.#line.calls.passed("INVITE", essentials, Date.now());
      this.#line.calls.answered(100, essentials, Date.now());
      this.#line.reply(request, replyTo(request, 100));
    }
    const refuse = (text: string): void => {
      if (request.method === "INVITE") this.#line.calls.answered(503, essentials, Date.now());
      this.#line.reply(request, text);
    };
    this.#line.post(home, envelope).then(
      (receipt) => (receipt.kind === "answered" ? refuse(receipt.text) : undefined),
      () => refuse(answerFault(request, fault(503, "the user cannot be reached now"))),
    );
  }

  /**
   * Whoever the domain's routes send a number to, or who has it as an alias: in its international form, or else as the trunk wrote it.
   * Routes that lead to other servers are not followed: nobody is relayed.
   */
  async #find(trunk: Trunk, method: string, dialled: string): Promise<Resolved | Fault> {
    const { directory, hopTrunk: caller } = this.#line;
    const at = (user: string): Address => ({ user, domain: trunk.domain, instance: undefined, registration: undefined });
    const number = numberFrom(trunk.format, dialled);
    const routed = await routeOf({ directory, home: trunk }, { method, caller }, at(number));
    if (isFault(routed)) return routed;
    const found = await homeOf({ directory }, routed.kind === "address" ? routed.address : at(number));
    return isFault(found) && found.status === 404 && number !== dialled ? homeOf({ directory }, at(dialled)) : found;
  }

  /** RFC 3261 §16.10. */
  #cancelled(request: SipRequest, essentials: Essentials): void {
    const known = this.#incoming.get(nameOf(essentials));
    this.#line.reply(request, replyTo(request, known === undefined ? 481 : 200, { toTag: randomText() }));
    if (known === undefined) return;
    const { home, transaction } = known;
    this.#line.post(home, { kind: "cancel", transaction, reason: headerValue(request, "reason") }).catch((error: unknown) => {
      console.error(JSON.stringify({ note: String(error), hop: this.#line.name }));
    });
  }
}

/** What a CANCEL has in common with its INVITE (RFC 3261 §9.1). */
function nameOf({ via: { branch, sentBy }, callId }: Essentials): string {
  return `${sentBy} ${branch ?? ""} ${callId}`;
}
