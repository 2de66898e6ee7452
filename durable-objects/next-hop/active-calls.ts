import { endsDialog, isStray, refreshesTarget } from "../../lib/proxy/bye.ts";
import type { EndedBy } from "../../lib/transport/envelope.ts";
import type { ReturnAddress } from "../../lib/transport/return-address.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { dialogName } from "../../lib/proxy/call-name.ts";
import type { Call, Invitation, KnownDialog, Sender } from "./known-call.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";

/** Milliseconds. */
export interface CallTimeout {
  /** Timers B and F. */
  readonly transaction: number;
  /** Timer C. */
  readonly ringing: number;
}

/** Learns of the ends of calls. */
export interface Ends {
  /** A forwarded call is over. */
  forwarded(forwardedBy: ReturnAddress, by: EndedBy, now: number): void;
  /** A call to a trunk is over, which has lasted so many milliseconds. */
  toTrunk(milliseconds: number, now: number): void;
}

/** Milliseconds by which the timers of the sending home fire first: that home ends the call. */
const headStart = 5000;

/** Milliseconds after which an answered call without messages no longer counts. */
const maxSilence = 24 * 3600_000;
/** Maximum phones that answer one call, and Contacts of them. */
const maxDialogs = 8;
/** Branches of one call that are known. */
const maxBranches = 64;

/** Milliseconds for which a call counts whose BYE has no answer yet: its other end may be gone. */
const byeCounts = 2000;

/** Ended dialogs that are remembered. */
const maxOver = 1000;

/** A call whose BYE has no answer yet. */
interface Ending {
  readonly callId: string;
  readonly call: Call;
  readonly by: EndedBy;
  /** The other server has left the call: no refusal brings it back. */
  readonly isBinding: boolean;
  /** Milliseconds: when the BYE passed. */
  readonly at: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

const goesOn = ["INVITE", "ACK", "UPDATE"];

/** What identifies a call. */
type CallIds = Pick<MandatoryHeaders, "callId" | "fromTag" | "toTag">;

function withTarget(call: Call, target: string | undefined): Call {
  if (target === undefined || call.targets.at(-1) === target) return call;
  return { ...call, targets: [...call.targets.filter((one) => one !== target), target].slice(-maxDialogs) };
}

type InviteIds = CallIds & Pick<MandatoryHeaders, "cseq">;

/** Of an INVITE that has begun a call; undefined for one within a call, which forks no more. */
function inviteName({ fromTag = "", toTag, cseq }: InviteIds): string | undefined {
  return toTag === undefined ? `${fromTag} ${cseq.number}` : undefined;
}

/** A response, besides its headers. */
interface Answer {
  readonly status: number;
  /** Of its INVITE, as `passed` was told. */
  readonly branch?: string;
  /** A mark of the Contact of the other server. */
  readonly target?: string | undefined;
  /** The home of the caller, for a call of which nothing is known any more. */
  readonly home: HomeName;
}

/**
 * The calls on a connection, by Call-ID: it stays open for them. The end of a call may be lost (no response, no BYE), so each counts for a
 * limited time. In memory only. Every `now` is in milliseconds.
 */
export class ActiveCalls {
  readonly #patience: CallTimeout;
  readonly #ends: Ends;
  readonly #calls = new Map<string, Call>();
  /** What a BYE has just ended, by the name of its dialog, and who has sent it: until its answer has passed. */
  readonly #ending = new Map<string, Ending>();
  /** BYEs without an answer that are not for the other end's Contact, by the name of the dialog: who has sent them. */
  readonly #strays = new Map<string, EndedBy>();
  /** The newest ended dialogs, by name: late messages of them, such as a 2xx that is repeated after the BYE, begin no call. */
  readonly #over = new Set<string>();

  constructor(patience: CallTimeout, ends: Ends) {
    this.#patience = patience;
    this.#ends = ends;
  }

  /**
   * A request has passed: INVITE begins a call, BYE ends it, and requests that only a call has show that it goes on (RFC 3261 §13, §14; RFC
   * 3311). A route is valid longer than its call: only a 2xx to an INVITE proves an unknown or unanswered call.
   * @param sender of an INVITE
   * @param by who ends the call with a BYE
   */
  passed(method: string, mandatory: InviteIds, now: number, sender: Invitation, by: EndedBy): void {
    const { callId, toTag } = mandatory;
    const call = this.#calls.get(callId);
    if (call !== undefined && sender.target !== undefined) this.#calls.set(callId, withTarget(call, sender.target));
    if (method === "BYE") this.#passedBye(mandatory, by, sender.requestUri, now);
    else if (call?.isAnswered === true) {
      // With another To tag it may be anything that has the Route of the call.
      if (toTag !== undefined && goesOn.includes(method) && call.dialogs.includes(dialogName(mandatory))) this.#talks(mandatory, now);
    } else if (method === "INVITE") this.#asks(mandatory, sender, now);
  }

  #asks(mandatory: InviteIds, { branch = "", target, home, forwardedBy, isToTrunk }: Invitation, now: number): void {
    const sender = { home, forwardedBy, ...(isToTrunk === undefined ? {} : { isToTrunk }) };
    const call = this.#reserved(mandatory, sender, now);
    const open = [...call.open.filter((one) => one !== branch), branch].slice(-maxBranches);
    this.#calls.set(mandatory.callId, withTarget({ ...call, open }, target));
  }

  #reserved(mandatory: InviteIds, sender: Sender, now: number): Call {
    const until = now + this.#patience.transaction + headStart;
    const begun = { invite: inviteName(mandatory), isAnswered: false, dialogs: [], targets: [], open: [], until };
    return this.#calls.get(mandatory.callId) ?? { ...sender, ...begun };
  }

  /** An INVITE will pass: its call counts while it waits, until it has passed or is given back. */
  reserve(mandatory: InviteIds, sender: Sender, now: number): void {
    this.#calls.set(mandatory.callId, this.#reserved(mandatory, sender, now));
  }

  /** Whether an INVITE belongs to the call with its Call-ID, which has forked before it came here. */
  isForkOf(mandatory: InviteIds, { transaction }: Pick<Sender, "transaction"> = {}): boolean {
    const call = this.#calls.get(mandatory.callId);
    if (call?.invite === undefined || call.invite !== inviteName(mandatory)) return false;
    return transaction === undefined || call.transaction === undefined || transaction === call.transaction;
  }

  /** What was reserved no longer counts if no INVITE has passed. */
  giveBack(callId: string): void {
    const call = this.#calls.get(callId);
    if (call?.isAnswered === false && call.open.length === 0) this.#calls.delete(callId);
  }

  /** An INVITE is sent again in another branch, for instance with credentials. */
  replaced(callId: string, branch: string, next: string): void {
    const call = this.#calls.get(callId);
    if (call !== undefined) this.#calls.set(callId, { ...call, open: call.open.map((one) => (one === branch ? next : one)) });
  }

  /**
   * A response has passed. An unanswered call ends with the refusal of its last branch; a re-INVITE may be refused, and the call goes on (RFC
   * 3261 §14.1).
   */
  answered(mandatory: InviteIds, now: number, { status, branch = "", target, home }: Answer): void {
    const { callId, cseq } = mandatory;
    if (cseq.method === "BYE" && status >= 200) this.#strayAnswered(status, mandatory, now);
    if (cseq.method === "BYE" && status >= 200) this.#byeAnswered(status, mandatory);
    const isAnswer = cseq.method === "INVITE" && status >= 200 && status < 300;
    if (isAnswer) this.#talks(mandatory, now, home);
    const known = this.#calls.get(callId);
    if (known !== undefined && refreshesTarget(cseq.method, status)) this.#calls.set(callId, withTarget(known, target));
    if (isAnswer || cseq.method !== "INVITE") return;
    const call = this.#calls.get(callId);
    if (call?.isAnswered !== false) return;
    if (status >= 300) this.#refused(callId, call, branch);
    // Timer C, and then the wait for the answer to the CANCEL (RFC 3261 §9.1).
    const { ringing, transaction } = this.#patience;
    if (status < 200) this.#calls.set(callId, { ...call, until: now + ringing + transaction + headStart });
  }

  #refused(callId: string, call: Call, branch: string): void {
    const open = call.open.filter((one) => one !== branch);
    if (open.length > 0) this.#calls.set(callId, { ...call, open });
    else this.#calls.delete(callId);
  }

  /** The connection is lost, and with it the unanswered calls; the others go on over the next one (RFC 3261 §12.2.1). */
  lost(): void {
    for (const [callId, { isAnswered }] of this.#calls) if (!isAnswered) this.#calls.delete(callId);
  }

  has(callId: string): boolean {
    return this.#calls.has(callId);
  }

  /** What is known of the dialog of a request. */
  dialogOf(mandatory: CallIds): KnownDialog {
    const name = dialogName(mandatory);
    const call = this.#calls.get(mandatory.callId);
    if (call?.dialogs.includes(name) === true) return { kind: "known", targets: call.targets, dialled: call.dialled };
    return call !== undefined || this.#over.has(name) ? { kind: "none" } : { kind: "unknown" };
  }

  /** Whether its call is answered or over, and this dialog is none of it: another phone has answered, or it has ended. */
  isForeign(mandatory: CallIds): boolean {
    return this.dialogOf(mandatory).kind === "none" && this.#calls.get(mandatory.callId)?.isAnswered !== false;
  }

  /**
   * Whether the media of its call are those of this dialog: each may have them until one is answered, then that one has. Also if nothing is
   * known of the call.
   */
  ownsMedia(mandatory: CallIds): boolean {
    const call = this.#calls.get(mandatory.callId);
    if (call === undefined) return !this.#over.has(dialogName(mandatory));
    return !call.isAnswered || call.dialogs[0] === dialogName(mandatory);
  }

  /** Whether the call with this Call-ID belongs to another home: this one must not create a dialog that looks like part of it. */
  isOfOther(callId: string, home: HomeName): boolean {
    const call = this.#calls.get(callId);
    return call !== undefined && call.home !== undefined && call.home !== home;
  }

  /** Milliseconds that the present calls to a trunk have lasted. */
  talking(now: number): number {
    const times = [...this.#calls.values()].map(({ isToTrunk, isAnswered, since }) =>
      isToTrunk === true && isAnswered ? now - (since ?? now) : 0,
    );
    return times.reduce((sum, time) => sum + time, 0);
  }

  count(now: number): number {
    for (const [callId, { until, isToTrunk, isAnswered, since = now }] of this.#calls) {
      if (until > now) continue;
      this.#calls.delete(callId);
      if (isToTrunk === true && isAnswered) this.#ends.toTrunk(now - since, now);
    }
    return this.#calls.size;
  }

  /** Calls that a BYE has just ended, whose other end may refuse it (RFC 3261 §12.2.2). */
  ending(now: number): number {
    const ending = [...this.#ending.values()].filter(({ at }) => now - at < byeCounts).map(({ callId }) => callId);
    return [...new Set(ending)].filter((callId) => !this.#calls.has(callId)).length;
  }

  /** @param caller its home, if nothing was known of the call */
  #talks(mandatory: CallIds, now: number, caller?: HomeName): void {
    const { callId } = mandatory;
    const before = this.#calls.get(callId);
    const { home = caller, forwardedBy, isToTrunk, transaction, invite, dialled, since = now, dialogs = [], targets = [] } = before ?? {};
    const name = dialogName(mandatory);
    if (this.#over.has(name)) return;
    const known = dialogs.includes(name) || dialogs.length >= maxDialogs ? dialogs : [...dialogs, name];
    const named = transaction === undefined ? {} : { transaction };
    const sender = { home, forwardedBy, ...(isToTrunk === undefined ? {} : { isToTrunk }), ...named };
    const more = { ...sender, invite, since, dialled, dialogs: known, targets };
    this.#calls.set(callId, { ...more, isAnswered: true, open: [], until: now + maxSilence });
  }

  /** After a refusal the call goes on, and counts; after its end the home that has forwarded it is told. */
  #byeAnswered(status: number, mandatory: CallIds): void {
    const name = dialogName(mandatory);
    const ending = this.#ending.get(name);
    this.#ending.delete(name);
    if (ending === undefined) return;
    const { call, by, at, timer, isBinding } = ending;
    clearTimeout(timer);
    const isOver = !this.#calls.has(mandatory.callId);
    if (isBinding || endsDialog(status))
      return isOver && call.forwardedBy !== undefined ? this.#ends.forwarded(call.forwardedBy, by, at) : undefined;
    this.#over.delete(name);
    const now = this.#calls.get(mandatory.callId);
    // In their order: the first one has the media. What the call has lasted until its last BYE is counted already.
    const dialogs = [...new Set([...call.dialogs.filter((one) => one === name || now?.dialogs.includes(one)), ...(now?.dialogs ?? [])])];
    this.#calls.set(mandatory.callId, now === undefined ? { ...call, since: at, dialogs } : { ...now, dialogs });
  }

  /**
   * A BYE that is not for the Contact of the other server's end ends the call only with the word of that end: what answers with another
   * refusal, or does not answer, may be another server.
   */
  #passedBye(mandatory: CallIds, by: EndedBy, requestUri: string | undefined, now: number): void {
    const { targets = [], dialogs = [] } = this.#calls.get(mandatory.callId) ?? {};
    const isOfServer = requestUri === undefined;
    if (isOfServer || !isStray(requestUri, targets)) return this.#hungUp(mandatory, by, now, isOfServer);
    if (!dialogs.includes(dialogName(mandatory))) return;
    this.#strays.set(dialogName(mandatory), by);
    const [oldest] = this.#strays.keys();
    if (this.#strays.size > maxOver && oldest !== undefined) this.#strays.delete(oldest);
  }

  #strayAnswered(status: number, mandatory: CallIds, now: number): void {
    const name = dialogName(mandatory);
    const by = this.#strays.get(name);
    if (this.#strays.delete(name) && by !== undefined && endsDialog(status, true)) this.#hungUp(mandatory, by, now);
  }

  #hungUp(mandatory: CallIds, by: EndedBy, now: number, isBinding = false): void {
    const call = this.#calls.get(mandatory.callId);
    // It is of an early dialog: the INVITE will still be answered (RFC 3261 §15).
    if (call?.isAnswered !== true) return;
    const name = dialogName(mandatory);
    // Who is in no dialog of the call ends none.
    if (!call.dialogs.includes(name)) return;
    this.#over.add(name);
    const [oldest] = this.#over;
    if (this.#over.size > maxOver && oldest !== undefined) this.#over.delete(oldest);
    const dialogs = call.dialogs.filter((one) => one !== name);
    clearTimeout(this.#ending.get(name)?.timer);
    // Without an answer to the BYE the call is over, too (RFC 3261 §15.1.1).
    const timer = setTimeout(() => this.#byeAnswered(408, mandatory), this.#patience.transaction);
    this.#ending.set(name, { callId: mandatory.callId, call, by, isBinding, at: now, timer });
    if (dialogs.length > 0) return void this.#calls.set(mandatory.callId, { ...call, dialogs });
    this.#calls.delete(mandatory.callId);
    if (call.isToTrunk === true) this.#ends.toTrunk(now - (call.since ?? now), now);
  }

  /** When the last of them no longer counts; 0 if there is none. */
  until(): number {
    return Math.max(0, ...[...this.#calls.values()].map(({ until }) => until));
  }
}

/** Whether a trunk accepts no further call over this connection. */
export function isFull({ maximum_calls }: Trunk, calls: ActiveCalls): boolean {
  const now = Date.now();
  return maximum_calls > 0 && calls.count(now) + calls.ending(now) >= maximum_calls;
}
