import type { CallView, ConnectedCall, EndOfCall } from "../../lib/location/call-view.ts";
import { callOf } from "../../lib/proxy/call-name.ts";
import type { Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import type { BoundContact, CallInProgress } from "../../lib/transport/flow.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { ActiveCalls } from "./active-calls.ts";
import type { Forking } from "./forking.ts";
import type { UnansweredRequests } from "./unanswered-requests.ts";
import { HangUp } from "./hang-up.ts";
import type { PendingInvites } from "./pending-invites.ts";
import type { Registrar } from "./registrar.ts";
import type { Room } from "./room.ts";
import type { ListedCall } from "./third-party-call-rows.ts";
import type { TransferredCalls } from "./transferred-calls.ts";
import type { ThirdPartyCalls } from "./third-party-calls.ts";

/** In a BYE or CANCEL from the server. */
const why = "an administrator has ended the call";

/** The calls of the user at present, for administrators, who can end them. */
export class LiveCalls {
  readonly #room: Room;
  readonly #activeCalls: ActiveCalls;
  readonly #pendingInvites: PendingInvites;
  readonly #forking: Forking;
  readonly #unanswered: UnansweredRequests;
  readonly #registrar: Registrar;
  readonly #thirdPartyCalls: ThirdPartyCalls;
  readonly #transfers: TransferredCalls;
  readonly #hangUp: HangUp;

  constructor(
    room: Room,
    parts: {
      readonly activeCalls: ActiveCalls;
      readonly pendingInvites: PendingInvites;
      readonly forking: Forking;
      readonly unanswered: UnansweredRequests;
      readonly registrar: Registrar;
      readonly thirdPartyCalls: ThirdPartyCalls;
      readonly transfers: TransferredCalls;
    },
    passOn: (home: HomeName, envelope: RequestEnvelope) => Promise<Receipt>,
  ) {
    this.#room = room;
    this.#activeCalls = parts.activeCalls;
    this.#pendingInvites = parts.pendingInvites;
    this.#forking = parts.forking;
    this.#unanswered = parts.unanswered;
    this.#registrar = parts.registrar;
    this.#thirdPartyCalls = parts.thirdPartyCalls;
    this.#transfers = parts.transfers;
    this.#hangUp = new HangUp(room, passOn, "server");
  }

  /** Each call once, in its most advanced state. */
  all(now: number): CallView[] {
    const calling = this.#pendingInvites.unanswered().map(({ transaction, name, at }) => ({
      id: this.#idOf(name ?? transaction),
      ...({ state: "calling", direction: "outgoing", callId: undefined, remote: undefined, since: at } as const),
    }));
    const ringing = this.#unanswered.ringing().map(({ name, details }) => ({
      id: this.#idOf(name),
      ...({ state: "ringing", direction: "incoming", callId: details?.callId, remote: details?.remote, since: undefined } as const),
    }));
    const begun = this.#ofServer().map(({ name, callId, remote, isAnswered }) => ({
      id: this.#idOf(name),
      ...({ state: isAnswered ? "answered" : "ringing", direction: "incoming", callId, remote, since: undefined } as const),
    }));
    const answered = this.#activeCalls.all(now).map(({ name, since, details }) => ({
      id: this.#idOf(name),
      ...({ state: "answered", direction: directionOf(details), callId: details?.callId, remote: details?.remote, since } as const),
    }));
    return [...new Map([...calling, ...ringing, ...begun, ...answered].map((call) => [call.id, call])).values()];
  }

  /** Calls that the server holds together. */
  #ofServer(): readonly ListedCall[] {
    return [...this.#thirdPartyCalls.rows.listed(), ...this.#transfers.all()];
  }

  /**
   * Both ends of an answered call get a BYE (RFC 3261 §15), in the name of each other. A call that rings is cancelled: its caller gets 487.
   */
  end(id: string, now: number): EndOfCall {
    const isOne = (name: string) => this.#idOf(name) === id;
    const begun = this.#ofServer().find(({ name }) => isOne(name));
    if (begun !== undefined) {
      this.#thirdPartyCalls.cancel(begun.name, now);
      this.#transfers.cancel(begun.name, now);
      return "ended";
    }
    const answered = this.#activeCalls.all(now).filter(({ name }) => isOne(name));
    if (answered.length > 0) return this.#hangUpAll(answered, now);
    const calling = this.#pendingInvites.unanswered().filter(({ transaction, name }) => isOne(name ?? transaction));
    const until = now + this.#room.timers.timerC;
    for (const { home, transaction } of calling)
      this.#pendingInvites.cancel(home, { transaction, reason, by: "server" }, until, () => undefined);
    if (calling.length > 0) return "ended";
    const ringing = this.#unanswered.ringing().filter(({ name }) => isOne(name));
    for (const { transaction } of ringing) this.#forking.cancel({ kind: "cancel", transaction, reason, by: "server" }, now);
    return ringing.length > 0 ? "ended" : "unknown";
  }

  #hangUpAll(calls: readonly CallInProgress[], now: number): EndOfCall {
    if (calls.some(({ details }) => details === undefined)) return "unclear";
    for (const call of calls) {
      const own = this.#ownPhoneOf(call, now);
      const ends = [this.#hangUp.end(call, why, now), ...(own === undefined ? [] : [this.#hangUp.endOwn(call, own, why, now)])];
      for (const end of ends) end.catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
    }
    return "ended";
  }

  /** The user's phone in a call. For one that is away, its BYE waits. */
  #ownPhoneOf({ name, details }: CallInProgress, now: number): Pick<BoundContact, "phone" | "contact"> | undefined {
    const phone = this.#activeCalls.phoneOf(name);
    if (phone === undefined) return undefined;
    const bound = this.#registrar.current(now).find(({ binding }) => binding.phone === phone);
    return { phone, contact: bound?.binding.contact ?? details?.local ?? "" };
  }

  /** Calls the user, and connects them to a URI (`ThirdPartyCalls`). */
  async connect(target: string, now: number): Promise<ConnectedCall> {
    const begun = await this.#thirdPartyCalls.begin(target, now);
    return begun.kind === "begun" ? { kind: "begun", id: this.#idOf(begun.name), callId: begun.callId } : begun;
  }

  #idOf(name: string): string {
    return this.#room.keyring.hash("sha256", callOf(name)).slice(0, 16);
  }
}

const reason = `SIP;cause=480;text="${why}"`;

function directionOf(details: CallInProgress["details"]): CallView["direction"] {
  if (details === undefined) return undefined;
  return details.isCaller ? "outgoing" : "incoming";
}
