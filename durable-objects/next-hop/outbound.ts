import { targetMark } from "../../lib/proxy/bye.ts";
import { callerOf, senderOf } from "./sender.ts";
import { mandatoryHeadersOf, parsed, parsedResponse, read } from "../shared/reparse.ts";
import { type ReturnAddress, isFromPhone } from "../../lib/transport/return-address.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import { type StatelessBranch, hintIn, readBranch } from "../../lib/proxy/branch.ts";
import { challengesWithin } from "../../lib/proxy/foreign-challenges.ts";
import { type Forwarder, type StatelessRequest, statelessRequest } from "../../lib/proxy/outgoing-request.ts";
import { asAsked, sentAs, shift, offsetBranch, offsetEnd } from "../../lib/proxy/cseq-offset.ts";
import { type Standing, shownTo, standingOfServer, takenFrom } from "../../lib/proxy/standing.ts";
import { type Trunk, failsOver } from "../../lib/routing/trunk.ts";
import { alter, combined } from "../../lib/syntax/alter.ts";
import { ackFor, cancelFor } from "../../lib/syntax/compose.ts";
import { type PressedKey, keyInInfo } from "../../lib/media/key-in-info.ts";
import { sessionDescriptionOf } from "../../lib/syntax/body.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import {
  type Message as SipMessage,
  type Request as SipRequest,
  type Response as SipResponse,
  parseMessage,
} from "../../lib/syntax/message.ts";
import { type CancelEnvelope, type Receipt, type RequestEnvelope, type ResponseEnvelope, accepted } from "../../lib/transport/envelope.ts";
import { available } from "../../platform/directory/available.ts";
import type { ActiveCalls, CallTimeout } from "./active-calls.ts";
import type { Connection } from "./connection.ts";
import type { CallSigning } from "./call-signing.ts";
import type { MediaBridge } from "./media-bridge.ts";
import type { CallMinutes } from "./call-minutes.ts";
import { Admission, failed } from "./admission.ts";
import { perhapsIncompatible } from "./media-refusals.ts";
import type { HopConnection } from "./hop-connection.ts";
import { MediaEnds } from "./media-ends.ts";
import { SenderNames } from "./sender-names.ts";
import {
  SentRequests,
  tooMany,
  type Unanswered,
  isBranchWithCredentials,
  withCredentials,
  withCredentialsCancelled,
} from "./sent-requests.ts";
import { answerFault, answered, refused } from "../shared/reply.ts";

/** What the requests to the other server need of its connection. */
export interface OutboundSurroundings {
  /** Its own name, and the keys. */
  readonly by: Forwarder;
  /** The other server. */
  readonly host: string;
  readonly patience: CallTimeout;
  readonly calls: ActiveCalls;
  readonly minutes: CallMinutes;
  readonly connection: HopConnection;
  trunk(): Promise<Trunk | undefined>;
  /** Whether the other server has failed its last check. */
  isUnavailable(): boolean;
  post(home: HomeName, envelope: ResponseEnvelope): void;
  readonly media: MediaBridge;
  readonly signing: CallSigning;
}

/**
 * Requests of homes to the other server, and its responses. The return address is sealed in the branch (RFC 3261 §16.11); what waits for a
 * response may be lost with the connection.
 */
export class Outbound {
  readonly #around: OutboundSurroundings;
  readonly #sent: SentRequests;
  readonly #names = new SenderNames();
  readonly #ends: MediaEnds;
  readonly #admission: Admission;

  constructor(around: OutboundSurroundings) {
    this.#around = around;
    this.#sent = new SentRequests(around.patience);
    this.#ends = new MediaEnds(around.calls, around.media);
    this.#admission = new Admission(around);
  }

  /** @param came milliseconds: when it came, together with others */
  request(envelope: RequestEnvelope, came: number): Promise<Receipt> {
    const { request, mandatory } = read(envelope);
    const { length } = request.text;
    const { media, calls } = this.#around;
    if (request.method !== "BYE" && !media.hasRoom(mandatory.callId, length)) return Promise.resolve(refusedWith(request, tooMany));
    return media.inOrder(mandatory.callId, length, async () => {
      const refusal = this.#sent.refusalOf(callerOf(envelope), request, Date.now());
      if (refusal !== undefined) return refusedWith(request, refusal);
      const release = this.#sent.reserve(callerOf(envelope), request);
      try {
        return await this.#request(envelope, request, mandatory, came);
      } finally {
        release();
        calls.giveBack(mandatory.callId);
      }
    });
  }

  async #request(envelope: RequestEnvelope, request: SipRequest, mandatory: MandatoryHeaders, came: number): Promise<Receipt> {
    const connection = await this.#admission.openFor(envelope, request, mandatory, came);
    if (isFault(connection)) return refusedWith(request, connection);
    const key = mandatory.toTag === undefined ? undefined : keyInInfo(request);
    if (key !== undefined && (await this.#presses(key, mandatory))) return answered(request, 200);
    if (request.method === "INVITE") await this.#around.connection.storeHost();
    const { text: made, branch } = await this.#asSent(connection, envelope, request, mandatory);
    const whole = parsed(made);
    const text = await this.shown(whole);
    if (request.method === "INVITE" && this.#sent.latest(branch) !== undefined) return accepted;
    const shown = await this.#signed(text === whole.text ? whole : parsed(text), envelope);
    const { calls } = this.#around;
    // Within a call it may be one that came from there, before this object lost its memory.
    const direction = mandatory.toTag === undefined ? { isToTrunk: true } : {};
    const invitation = { ...senderOf(envelope), ...direction, branch, requestUri: request.requestUri };
    const isKnown = calls.has(mandatory.callId);
    calls.passed(request.method, mandatory, Date.now(), invitation, envelope.endedBy ?? "caller");
    const converted = await this.#forTrunk(shown, mandatory);
    if (isFault(converted)) {
      calls.answered(mandatory, Date.now(), { status: converted.status, branch, home: callerOf(envelope) });
      // A service that was too slow may have a session.
      if (request.method === "INVITE" && mandatory.toTag === undefined) this.#ends.ended(mandatory);
      return { kind: "answered", status: converted.status, text: answerFault(request, converted) };
    }
    if (request.method !== "ACK")
      this.#sent.remember(branch, converted === shown.text ? shown : parsed(converted), Date.now(), callerOf(envelope));
    connection.send(converted, callerOf(envelope));
    if (request.method === "BYE") this.#ends.byeSent(mandatory, isKnown);
    return accepted;
  }

  /** Only the dialog that the call has been answered with changes its media; an ACK is never refused, and has to be known to be of it. */
  async #forTrunk(request: SipRequest, mandatory: MandatoryHeaders): Promise<string | Fault> {
    const { calls, media } = this.#around;
    const isDoubtful = request.method === "ACK" && calls.dialogOf(mandatory).kind !== "known";
    const isOther = mandatory.toTag !== undefined && !calls.ownsMedia(mandatory);
    return isDoubtful || isOther ? request.text : media.convert(request, mandatory, "trunk");
  }

  async #presses(key: PressedKey, mandatory: MandatoryHeaders): Promise<boolean> {
    return this.#around.calls.ownsMedia(mandatory) && this.#around.media.presses(key, mandatory);
  }

  async #signed(request: SipRequest, envelope: RequestEnvelope): Promise<SipRequest> {
    const trunk = await available(() => this.#around.trunk());
    return isFault(trunk) ? request : this.#around.signing.signed(request, envelope, trunk, Date.now());
  }

  cancel(envelope: CancelEnvelope): Promise<Receipt> {
    const callId = envelope.of === undefined ? "" : read(envelope.of).mandatory.callId;
    return this.#around.media.inOrder(callId, 0, () => this.#cancel(envelope));
  }

  async #cancel({ of, reason }: CancelEnvelope): Promise<Receipt> {
    const connection = of === undefined ? undefined : await this.#around.connection.open();
    if (connection === undefined || of === undefined) return { kind: "answered", status: 481, text: "" };
    const { request, mandatory } = read(of);
    const { text, branch } = await this.#asSent(connection, of, request, mandatory);
    const headers: [string, string][] = reason === undefined ? [] : [["Reason", reason]];
    const invite = this.#sent.latest(branch);
    if (invite !== undefined) connection.send(cancelFor(invite, headers), callerOf(of));
    else {
      for (const cancel of await this.#cancelsBlindly(parsed(text), branch, headers)) connection.send(cancel, callerOf(of));
      this.#ends.ended(mandatory);
    }
    return accepted;
  }

  /**
   * Used if it is unknown how the INVITE was sent: by the previous connection, with credentials or without. The other server answers one of
   * the two CANCELs with 481 (RFC 3261 §9.2).
   */
  async #cancelsBlindly(invite: SipRequest, branch: string, headers: readonly (readonly [string, string])[]): Promise<readonly string[]> {
    const [now, before] = await this.#around.connection.hosts();
    const cancel = cancelFor(invite, headers).replace(` ${now};branch=`, ` ${before === "" ? now : before};branch=`);
    const trunk = await available(() => this.#around.trunk());
    return isFault(trunk) || trunk?.password === undefined ? [cancel] : [cancel, withCredentialsCancelled(parsed(cancel), branch)];
  }

  /** A message as this server may see it. */
  async shown(message: SipMessage): Promise<string> {
    const text = shownTo(message, "server");
    return text !== message.text && (await this.#standing()) === "trusted server" ? message.text : text;
  }

  async #standing(): Promise<Standing> {
    const trunk = await available(() => this.#around.trunk());
    return standingOfServer(!isFault(trunk) && trunk?.trusted === true);
  }

  /** Equal each time it is made, as long as the connection and the trunk are the same. */
  async #asSent(
    connection: Connection,
    envelope: RequestEnvelope,
    request: SipRequest,
    mandatory: MandatoryHeaders,
  ): Promise<StatelessRequest> {
    const made = this.#forwarded(connection, envelope, request, mandatory);
    const trunk = await available(() => this.#around.trunk());
    if (trunk === undefined || isFault(trunk)) return made;
    const changes = this.#names.towardsTrunk(request, mandatory, trunk, envelope.identity);
    return { ...made, text: alter(parsed(made.text), changes) };
  }

  #forwarded(
    { host, transport }: Connection,
    envelope: RequestEnvelope,
    request: SipRequest,
    mandatory: MandatoryHeaders,
  ): StatelessRequest {
    const target = { phone: "", host, transport, contact: undefined, path: [] };
    const made = statelessRequest(this.#around.by, envelope, request, mandatory, target);
    if (envelope.to.kind !== "phone" || envelope.to.phone !== offsetEnd) return made;
    const branch = offsetBranch(made.branch);
    const text = made.text.replace(`branch=${made.branch}`, `branch=${branch}`);
    return { text: alter(parsed(text), shift(request, 1)), branch };
  }

  /** The connection is lost: what waits for an answer is sent again, or has failed. */
  lost(): void {
    this.#ends.lost();
    for (const one of this.#sent.clear())
      if (one.request.method === "INVITE" || one.isRepeated) this.#failed(one);
      else void this.#repeat(one);
  }

  /**
   * Phones on WebSockets do not retransmit (RFC 3261 §17.1.2.2), so this server does. The request is the same, byte for byte: a server that
   * has it recognises it.
   */
  async #repeat(one: Unanswered): Promise<void> {
    if (Date.now() - one.at > this.#around.patience.transaction) return;
    const connection = await this.#around.connection.open();
    if (connection === undefined) return this.#failed(one);
    this.#sent.again({ ...one, isRepeated: true });
    connection.send(one.request.text, one.home);
  }

  /**
   * RFC 3261 §16.9: requests that wait on a lost connection get a 503, because no response can arrive any more. Phones that ring there get
   * a CANCEL on a new connection, if there is one.
   */
  #failed({ branch, request, hasRung, home }: Unanswered): void {
    const mandatory = mandatoryHeadersOf(request);
    const way = readBranch(this.#around.by.keyring, branch, sentAs(mandatory, branch));
    const status = failed(mandatory);
    const response = parseMessage(answerFault(request, fault(status, "the connection was lost")));
    if (request.method === "INVITE" && mandatory.toTag === undefined) this.#ends.ended(mandatory);
    if (way?.kind !== "stateless" || isFault(response)) return;
    if (response.kind !== "response") return;
    const text = asAsked(response, branch, this.#names.towardsCaller(mandatory));
    this.#post(way.answerTo, text, status);
    if (hasRung && request.method === "INVITE") this.#around.connection.send(cancelFor(request), home);
  }

  /** RFC 3261 §16.7: the return address is in the branch; the ACK for a refusal is ours where the sender's home keeps the state (§17.1.1.3). */
  async answered(response: SipResponse, mandatory: MandatoryHeaders): Promise<void> {
    const { media } = this.#around;
    const { length } = response.text;
    if (media.hasRoom(mandatory.callId, length)) await media.inOrder(mandatory.callId, length, () => this.#answered(response, mandatory));
  }

  async #answered(received: SipResponse, mandatory: MandatoryHeaders): Promise<void> {
    const written = mandatory.via.branch ?? "";
    const isOfThisServer = this.#around.by.hints.includes(hintIn(written) ?? "");
    const branch = isOfThisServer ? readBranch(this.#around.by.keyring, written, sentAs(mandatory, written)) : undefined;
    if (branch?.kind !== "stateless" || this.#sent.hasOtherName(written)) return;
    const { status } = received;
    const { method } = mandatory.cseq;
    const sent = this.#sent.get(written);
    const response = this.#sent.completed(written, received);
    const home = this.#sent.homeOf(written) ?? branch.answerTo.home;
    // A CANCEL has the branch of its INVITE.
    const isOfSent = sent?.method === method;
    if (isOfSent) this.#sent.answered(written, status, Date.now());
    const again = isOfSent ? await this.#withCredentials(sent, response, written) : undefined;
    const isOurs = !isFromPhone(branch.answerTo) || again !== undefined || isBranchWithCredentials(written);
    if (status >= 300 && method === "INVITE" && sent !== undefined && isOurs) this.#around.connection.send(ackFor(sent, response), home);
    if (again !== undefined) return this.#sendAgain(mandatory.callId, written, again, home);
    const { calls } = this.#around;
    const hadCall = calls.has(mandatory.callId);
    calls.answered(mandatory, Date.now(), { status, branch: written, target: targetMark(response), home: branch.answerTo.home });
    if (method === "BYE") this.#ends.byeAnswered(mandatory, status, hadCall);
    // The answer to our own CANCEL ends here (RFC 3261 §9.1).
    if (method === "CANCEL") return;
    await this.#passOn(response, mandatory, sent, { ...branch, written });
  }

  async #passOn(
    response: SipResponse,
    mandatory: MandatoryHeaders,
    sent: SipRequest | undefined,
    { written, answerTo: to, isWithin: isMarked }: StatelessBranch & { readonly written: string },
  ): Promise<void> {
    const { status } = response;
    const isWithin = isMarked ?? (sent === undefined || mandatoryHeadersOf(sent).toTag !== undefined);
    const passed = await this.#withMedia(response, mandatory, sent);
    const restored = { push: [], append: [], remove: await this.#removedFrom(passed, isWithin) };
    const text = asAsked(passed, written, combined(this.#names.towardsCaller(mandatory), restored));
    if (mandatory.cseq.method === "INVITE" && status >= 300 && sent !== undefined && !isWithin) this.#ends.ended(mandatory);
    const trunk = isWithin || status < 300 ? undefined : await available(() => this.#around.trunk());
    const marks = trunk === undefined || isFault(trunk) ? {} : { failsOver: failsOver(trunk, status) };
    this.#post(to, text, status, marks);
  }

  #post(to: ReturnAddress, text: string, status: number, marks: Pick<ResponseEnvelope, "failsOver"> = {}): void {
    this.#around.post(to.home, { kind: "response", text, status, to, transaction: undefined, from: this.#around.by.home, ...marks });
  }

  /** With a session description for the phone, or with the reason why it may have been refused. */
  async #withMedia(response: SipResponse, mandatory: MandatoryHeaders, sent: SipRequest | undefined): Promise<SipResponse> {
    const { media } = this.#around;
    const { method } = mandatory.cseq;
    if (response.status === 488 && method === "INVITE" && sent !== undefined && (await media.isIncompatible(mandatory.callId)))
      return parsedResponse(alter(response, { append: [["Warning", perhapsIncompatible]] }));
    const hadOffer = sent === undefined || sessionDescriptionOf(sent) !== undefined;
    // Another phone or server may have answered meanwhile.
    if (!this.#around.calls.ownsMedia(mandatory)) return response;
    const text = await media.convert(response, mandatory, "phone", hadOffer);
    if (isFault(text)) console.error(JSON.stringify({ note: "the media of an answer are passed on as they are", why: text.fault }));
    return isFault(text) || text === response.text ? response : parsedResponse(text);
  }

  #sendAgain(callId: string, branch: string, again: { readonly branch: string; readonly text: string }, home: HomeName): void {
    this.#around.calls.replaced(callId, branch, again.branch);
    this.#sent.forget(branch);
    this.#sent.remember(again.branch, parsed(again.text), Date.now(), home);
    this.#around.connection.send(again.text, home);
  }

  /** The headers of a response that are not passed on: what only a trusted server may assert, and challenges within a call. */
  async #removedFrom(response: SipResponse, isWithin: boolean): Promise<readonly string[]> {
    const doubtful = [...takenFrom(response, "server"), ...(isWithin ? challengesWithin(response) : [])];
    const isTrusted = doubtful.length > 0 && (await this.#standing()) === "trusted server";
    return isTrusted ? takenFrom(response, "trusted server") : doubtful;
  }

  /** If the trunk's server challenges: the same request with credentials, once. */
  async #withCredentials(sent: SipRequest, response: SipResponse, branch: string): Promise<ReturnType<typeof withCredentials>> {
    if (response.status !== 401 && response.status !== 407) return undefined;
    const trunk = await available(() => this.#around.trunk());
    if (isFault(trunk) || trunk?.username === undefined || trunk.password === undefined) return undefined;
    const { username, password } = trunk;
    return withCredentials(this.#around.by.keyring, { username, password }, { sent, branch }, response);
  }
}

function refusedWith(request: SipRequest, refusal: Fault): Receipt {
  return request.method === "ACK" ? accepted : refused(request, refusal);
}
