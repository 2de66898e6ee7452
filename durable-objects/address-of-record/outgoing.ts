import { transactionName } from "../../lib/proxy/branch.ts";
import { type Way, examine } from "../../lib/proxy/examine.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import type { Essentials } from "../../lib/syntax/essentials.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { type Request, headerValue } from "../../lib/syntax/message.ts";
import type { CancelEnvelope, Destination, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { taken } from "../../lib/transport/envelope.ts";
import { type Flow, type PendingInvite, phoneOnFlow } from "../../lib/transport/flow.ts";
import { DirectoryUnavailable, homeName } from "../../workers/directory.ts";
import { randomText } from "../room/random.ts";
import { answerFault } from "../room/reply.ts";
import type { Room } from "../room/room.ts";
import type { Account } from "./account.ts";

/** Brings a request or a CANCEL to a home, this one included. */
export type PassOn = (home: string, envelope: RequestEnvelope | CancelEnvelope) => Promise<Receipt>;

const allowed = "ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, NOTIFY, OPTIONS, PRACK, PUBLISH, REFER, REGISTER, SUBSCRIBE, UPDATE";
/** Unanswered INVITEs that one socket may have at a time: their notes must fit into its attachment. */
const maximumPending = 40;

/** Milliseconds. */
const pauseBeforeRepeating = 2000;

/** A row of the table `orphans`; times in milliseconds. */
interface Orphan extends Record<string, string | number> {
  readonly name: string;
  readonly due: number;
  readonly until: number;
  readonly home: string;
}

/** Requests of this home's user, and the responses that come back: the caller's side of the proxy (RFC 3261 §16.3, §16.4, §16.7). */
export class Outgoing {
  readonly #room: Room;
  readonly #account: Account;
  readonly #passOn: PassOn;

  constructor(room: Room, account: Account, passOn: PassOn) {
    this.#room = room;
    this.#account = account;
    this.#passOn = passOn;
  }

  /** Any request but REGISTER and CANCEL, from an authenticated flow. */
  async request(flow: Flow, request: Request, essentials: Essentials, now: number): Promise<void> {
    const way = examine(request, essentials, {
      keyring: this.#room.keyring,
      owner: { home: this.#room.home.name, ...this.#account.owner() },
      isOurs: (host) => this.#isOurs(host, flow),
    });
    if (isFault(way)) return this.#refuse(flow, request, way, now);
    if (way.kind === "server") return this.#serve(flow, request, now);
    if (way.kind === "dialog") {
      const { receiver, recordRoute } = way;
      return this.#send(
        flow,
        request,
        essentials,
        receiver.home,
        this.#envelope(flow, request, essentials, way, { kind: "phone", phone: receiver.phone }, recordRoute),
        now,
      );
    }
    // The ACK for a 2xx comes with our route; any other is for a refusal and ends here (RFC 3261 §17.1.1.3).
    if (request.method === "ACK") return;
    const home = await this.#homeOf(way);
    if (isFault(home)) return this.#refuse(flow, request, home, now);
    const { instance, registration } = way.address;
    this.#send(
      flow,
      request,
      essentials,
      home,
      this.#envelope(flow, request, essentials, way, { kind: "address", instance, registration }, undefined),
      now,
    );
  }

  /** RFC 3261 §16.10: answered here, and passed on where its INVITE went. */
  cancel(flow: Flow, request: Request, essentials: Essentials, now: number): void | Promise<void> {
    const transaction = this.#transactionOf(essentials);
    const pending = this.#room.sockets
      .all()
      .flatMap((one) => one.pending)
      .find((one) => one.transaction === transaction);
    if (pending === undefined) {
      // Within a dialog the INVITE was forwarded without state, and so is its CANCEL (§16.11).
      if (essentials.toTag !== undefined) return this.request(flow, request, essentials, now);
      return this.#reply(flow, request, replyTo(request, 481, { toTag: randomText() }), 481, now);
    }
    this.#reply(flow, request, replyTo(request, 200, { toTag: randomText() }), 200, now);
    this.#cancelAt(pending.home, transaction, headerValue(request, "reason"), now + this.#room.timers.ringing);
  }

  /** A response for one of our phones: to the socket its request came on, or the phone's newest. */
  response(envelope: ResponseEnvelope, now: number): Receipt {
    const { to, status, text, binary, transaction } = envelope;
    const flow = this.#room.sockets.byId(to.flow);
    if (transaction !== undefined && status >= 200 && flow !== undefined) {
      const isNoted = flow.pending.some((one) => one.transaction === transaction);
      // A home that did not see our receipt sends its final response again; a 2xx is the callee's own repetition.
      if (!isNoted && status >= 300) return taken;
      if (isNoted) this.#forgetPending(flow, transaction);
    }
    const target = flow ?? this.#room.sockets.newestTo(to.phone);
    if (target !== undefined && this.#room.sockets.send(target.id, { text, binary })) this.#room.log.passed(now, target.id, text);
    return taken;
  }

  /** The caller's socket is gone and he cannot CANCEL any more: a grace later his calls stop ringing (DESIGN §4). */
  flowClosed(flow: Flow, now: number): void {
    const due = now + this.#room.configuration.callerGrace * 1000;
    for (const { transaction, home } of flow.pending)
      this.#orphan({ name: transaction, due, until: due + this.#room.timers.ringing, home });
  }

  passDeadlines(now: number): void {
    for (const orphan of this.#room.memory.all<Orphan>("SELECT name, due, until, home FROM orphans")) {
      if (orphan.due > now) this.#room.alarm.noLaterThan(orphan.due);
      else this.#cancelAt(orphan.home, orphan.name, undefined, orphan.until, () => this.#adopted(orphan.name));
    }
  }

  /** A call that nobody can cancel any more: a row, until its callee's home has been told to stop ringing. */
  #orphan({ name, due, until, home }: Orphan): void {
    this.#room.memory.run("INSERT OR REPLACE INTO orphans (name, due, until, home) VALUES (?, ?, ?, ?)", name, due, until, home);
    this.#room.alarm.noLaterThan(due);
  }

  #adopted(name: string): void {
    this.#room.memory.run("DELETE FROM orphans WHERE name = ?", name);
  }

  #isOurs(host: string, flow: Flow): boolean {
    return (
      host === flow.host.toLowerCase() ||
      host === this.#room.configuration.publicHost ||
      host.replace(/:\d+$/, "") === this.#room.home.domain
    );
  }

  /** The home that answers for an address, by the directory: RFC 3261 §16.5, and 404 or 480 where nobody would answer. */
  async #homeOf(way: Way & { kind: "address" }): Promise<string | Fault> {
    const { user, domain } = way.address;
    try {
      const answer = await this.#room.directory.find(user, domain);
      if (answer.kind === "foreign") return fault(403, "requests are not relayed to other domains");
      if (answer.kind === "unknown") return fault(404, "there is no such user");
      return answer.subscriber.opened ? homeName(answer.subscriber) : fault(480, "no phone of this user has registered");
    } catch (error) {
      if (!(error instanceof DirectoryUnavailable)) throw error;
      return fault(503, "the directory cannot be reached", [["Retry-After", "5"]]);
    }
  }

  #envelope(
    flow: Flow,
    request: Request,
    essentials: Essentials,
    way: Exclude<Way, { kind: "server" }>,
    to: Destination,
    recordRoute: string | undefined,
  ): RequestEnvelope {
    const { user, domain, name: home } = this.#room.home;
    return {
      kind: "request",
      text: alter(request, way.alterations),
      binary: request.binary,
      answerTo: { home, flow: flow.id, phone: phoneOnFlow(flow) },
      transaction: this.#transactionOf(essentials),
      identity: `${user}@${domain}`,
      to,
      recordRoute,
    };
  }

  #send(flow: Flow, request: Request, essentials: Essentials, home: string, envelope: RequestEnvelope, now: number): void {
    const holdsState = request.method === "INVITE" && envelope.to.kind === "address";
    if (holdsState) {
      const { pending } = this.#room.sockets.byId(flow.id) ?? flow;
      if (pending.length >= maximumPending)
        return this.#refuse(flow, request, fault(503, "too many calls are being set up", [["Retry-After", "5"]]), now);
      const note: PendingInvite = { transaction: envelope.transaction, home, at: now };
      this.#room.sockets.update(flow.id, { pending: [...pending, note] });
      this.#reply(flow, request, replyTo(request, 100), 100, now);
    }
    this.#passOn(home, envelope).then(
      (receipt) => this.#received(flow, request, essentials, receipt),
      (error: unknown) => this.#failed(flow, request, envelope.transaction, error),
    );
  }

  #received(flow: Flow, request: Request, essentials: Essentials, receipt: Receipt): void {
    if (receipt.kind === "taken") return;
    this.#forgetPending(flow, this.#transactionOf(essentials));
    this.#reply(flow, request, receipt.text, receipt.status, Date.now());
  }

  /** The callee's home cannot be reached for good: we are responsible for an answer. */
  #failed(flow: Flow, request: Request, transaction: string, error: unknown): void {
    this.#room.log.note(Date.now(), flow.id, String(error));
    this.#forgetPending(flow, transaction);
    this.#refuse(flow, request, fault(503, "the other side cannot be reached now", [["Retry-After", "5"]]), Date.now());
  }

  /** Tells a callee's home to stop ringing, again and again until it has heard; at `until` its own timer has ended the call. */
  #cancelAt(home: string, transaction: string, reason: string | undefined, until: number, then: () => void = () => undefined): void {
    this.#passOn(home, { kind: "cancel", transaction, reason }).then(then, (error: unknown) => {
      const now = Date.now();
      this.#room.log.note(now, "-", String(error));
      if (now < until) this.#orphan({ name: transaction, due: now + pauseBeforeRepeating, until, home });
      else this.#adopted(transaction);
    });
  }

  #forgetPending(flow: Flow, transaction: string): void {
    const pending = this.#room.sockets.byId(flow.id)?.pending;
    if (pending?.some((one) => one.transaction === transaction) !== true) return;
    this.#room.sockets.update(flow.id, { pending: pending.filter((one) => one.transaction !== transaction) });
  }

  #transactionOf(essentials: Essentials): string {
    const { branch, sentBy } = essentials.via;
    return transactionName(this.#room.keyring, this.#room.home.name, branch ?? `${essentials.callId} ${essentials.cseq.number}`, sentBy);
  }

  /** RFC 3261 §11.2: what this server itself can do. */
  #serve(flow: Flow, request: Request, now: number): void {
    if (request.method === "ACK") return;
    if (request.method !== "OPTIONS")
      return this.#refuse(flow, request, fault(405, "this server has no phone", [["Allow", "OPTIONS, REGISTER"]]), now);
    const headers: [string, string][] = [
      ["Allow", allowed],
      ["Accept", "*/*"],
      ["Supported", "path, outbound, gruu"],
    ];
    this.#reply(flow, request, replyTo(request, 200, { toTag: randomText(), headers }), 200, now);
  }

  #refuse(flow: Flow, request: Request, refusal: Fault, now: number): void {
    if (request.method !== "ACK") this.#reply(flow, request, answerFault(request, refusal), refusal.status, now);
  }

  #reply(flow: Flow, request: Request, text: string, status: number, now: number): void {
    this.#room.sockets.send(flow.id, { text, binary: request.binary });
    this.#room.log.answered(now, flow.id, text, status, request);
  }
}
