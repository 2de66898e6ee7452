import type { PhoneId } from "../../lib/transport/identifiers.ts";
import { type Forwarder, branchRequest } from "../../lib/proxy/outgoing-request.ts";
import type { ForkedBranch } from "../../lib/proxy/response-context/context.ts";
import { hasUsableContact, missingIn, recordRoutesOf } from "../../lib/proxy/dialog-forming.ts";
import { isRecordedFor } from "../../lib/proxy/route-token.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { ackFor, cancelFor } from "../../lib/syntax/compose.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { type Request, type Response, headerValue } from "../../lib/syntax/message.ts";
import { parseFromTo } from "../../lib/syntax/from-to.ts";
import type { DialogEnd } from "../../lib/transport/envelope.ts";
import type { Flow } from "../../lib/transport/flow.ts";
import type { Room } from "./room.ts";
import { mandatoryHeadersOf, parsed, parsedResponse } from "../shared/reparse.ts";
import type { OpenContext } from "./contexts.ts";
import { withDialog } from "./dialog-list.ts";
import { takenCall } from "./answered-call.ts";

/** Sends to the phones of a context's branches, and notes their responses in their sockets. */
export class Branches {
  readonly #room: Room;
  readonly #by: Forwarder;

  constructor(room: Room) {
    this.#room = room;
    this.#by = { keyring: room.keyring, home: room.home.name, hint: room.home.hint, hints: room.home.hints };
  }

  /** The INVITE, or another request; false if its phone cannot be reached. */
  forward(open: OpenContext, branch: ForkedBranch, now: number): boolean {
    return this.#send(branch, this.#asSent(open, branch), now);
  }

  /** RFC 3261 §9.1. */
  cancel(open: OpenContext, branch: ForkedBranch, reason: string | undefined, now: number): void {
    const text = cancelFor(this.#sentRequest(open, branch), reason === undefined ? [] : [["Reason", reason]]);
    this.#send(branch, text, now);
  }

  /** RFC 3261 §17.1.1.3. */
  acknowledge(flow: Flow, open: OpenContext, branch: ForkedBranch, response: Response, now: number): void {
    const text = ackFor(this.#sentRequest(open, branch), response);
    if (this.#room.sockets.send(flow.id, text)) this.#room.log.passed(now, flow.id, text);
  }

  /** A response; a 2xx to an INVITE has all that the requests of its dialog need, also if its phone has left that out. */
  completed(open: OpenContext, branch: ForkedBranch, response: Response): Response {
    const { keyring } = this.#room;
    if (open.context.method !== "INVITE" || response.status < 200 || response.status >= 300) return response;
    const { callId } = mandatoryHeadersOf(open.request);
    const before = recordRoutesOf(open.request).length;
    if (isRecordedFor(keyring, response, { callId, phone: branch.phone, before }) && hasUsableContact(response)) return response;
    const sent = this.#sentRequest(open, branch);
    const missing = missingIn(response, recordRoutesOf(sent), sent.requestUri);
    return missing === undefined ? response : parsedResponse(alter(response, missing));
  }

  #asSent(open: OpenContext, branch: ForkedBranch): string {
    return branchRequest(this.#by, open.request, mandatoryHeadersOf(open.request), open.context, branch);
  }

  #sentRequest(open: OpenContext, branch: ForkedBranch): Request {
    return parsed(this.#asSent(open, branch));
  }

  /**
   * RFC 3261 §9.1, §16.8: CANCEL and Timer C depend on whether a provisional response has come.
   * @param answered the INVITE and its caller, if this begins a call in progress
   */
  note(
    { id }: Flow,
    branch: string,
    response: Response,
    answered: { readonly request: Request; readonly caller: DialogEnd } | undefined,
    now: number,
  ): void {
    const flow = this.#room.sockets.byId(id);
    if (flow === undefined) return;
    const { status } = response;
    const others = flow.proceeding.filter((one) => one.branch !== branch);
    const { progress = [], at: before = now } = flow.proceeding.find((one) => one.branch === branch) ?? {};
    // RFC 3261 §16.7 step 2: 101 to 199 reset Timer C, a repeated 100 does not.
    const noted = { branch, at: status === 100 ? before : now, ...earlyTagIn(response), progress: withProgress(progress, status, now) };
    const proceeding = (status < 200 ? [...others, noted] : others).slice(-maxProceeding);
    const activeCalls =
      answered === undefined
        ? {}
        : { activeCalls: withDialog(flow.activeCalls, takenCall(this.#room.keyring, response, answered.request, answered.caller), now) };
    this.#room.sockets.update(id, { proceeding, ...activeCalls });
  }

  /** Copies the notes to another flow of the same phone: that a branch has rung (RFC 5626 §5.3). */
  transfer(phone: PhoneId, { proceeding, confirmed }: Flow): void {
    const successor = proceeding.length === 0 && confirmed === undefined ? undefined : this.#room.sockets.newestTo(phone);
    if (successor === undefined) return;
    const more = confirmed === undefined ? {} : { confirmed: `${successor.confirmed ?? ""}${confirmed}` };
    this.#room.sockets.update(successor.id, { proceeding: [...successor.proceeding, ...proceeding].slice(-maxProceeding), ...more });
  }

  /** On the flow of the branch's own binding, or else the newest of its phone (RFC 5626 §5.3). */
  #send({ phone, key }: ForkedBranch, text: string, now: number): boolean {
    const { sockets } = this.#room;
    const flow = (key === undefined ? undefined : sockets.carrierOf(key)) ?? sockets.newestTo(phone);
    if (flow === undefined || !sockets.send(flow.id, text)) return false;
    this.#room.log.passed(now, flow.id, text);
    return true;
  }
}

/** The tag of the early dialog that a provisional response creates (RFC 3261 §12.1). */
function earlyTagIn(response: Response): { readonly tag?: string } {
  const to = parseFromTo(headerValue(response, "to") ?? "");
  const tag = isFault(to) ? undefined : to.tag;
  return tag === undefined || tag.length > maxTag ? {} : { tag };
}

/** Only the first response of each status tells something new. 100 says nothing of the phone. */
function withProgress(progress: readonly number[], status: number, now: number): readonly number[] {
  const isNew = status > 100 && !progress.includes(status) && progress.length < maxProgress;
  return isNew ? [...progress, status, now] : progress;
}

/** Numbers: a status and its time take two. */
const maxProgress = 8;
/** Characters: it is stored in an attachment. */
const maxTag = 64;
/** Maximum ringing branches of one connection, equal to that of a user. A branch without a note could not be cancelled. */
const maxProceeding = 1000;
