import { targetMark } from "../../lib/proxy/bye.ts";
import { type ReturnAddress, returnToPhone } from "../../lib/transport/return-address.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { transactionName } from "../../lib/proxy/branch.ts";
import { type RoutingDecision, validateAndRoute } from "../../lib/proxy/validate-and-route.ts";
import { standingOfServer } from "../../lib/proxy/standing.ts";
import { type Trunk, accountUser, allInUse, trunkIdentity } from "../../lib/routing/trunk.ts";
import { asReferred, offsetEnd } from "../../lib/proxy/cseq-offset.ts";
import { alter, combined } from "../../lib/syntax/alter.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import type { MandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { type Request as SipRequest, headerValue } from "../../lib/syntax/message.ts";
import { canonicalUser, parseUri } from "../../lib/syntax/uri.ts";
import { capabilities } from "../../lib/server/capabilities.ts";
import { endsHere } from "../../lib/server/ends-here.ts";
import { inspectRequest } from "../../lib/uas/inspect-request.ts";
import type { Envelope, Receipt, RequestEnvelope } from "../../lib/transport/envelope.ts";
import type { Directory } from "../../platform/directory/directory.ts";
import { type HomeTarget, type RedirectTarget, selectTargetForTrunk } from "../shared/target-selection.ts";
import type { RecordStore } from "../../platform/call-records.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";
import { recordOfRefused } from "../../lib/proxy/call-record/call-record.ts";
import { available } from "../../platform/directory/available.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { answerFault } from "../shared/reply.ts";
import { type ActiveCalls, isFull } from "./active-calls.ts";
import { isNotTaken, refusalOf, refusalOfOther } from "./inbound-policy.ts";
import { type Asked, type InviteAtHome, ReceivedRequests, nameOf } from "./received-requests.ts";
import type { Connection } from "./connection.ts";
import type { MediaBridge } from "./media-bridge.ts";
import { parsed } from "../shared/reparse.ts";
import { numberFrom } from "../../lib/routing/number-format.ts";
import { refusalOfUnverified } from "../../lib/stir/verification.ts";
import { withVerstat } from "../../lib/stir/verstat.ts";
import { canonicalNumber } from "../../lib/syntax/telephone-number.ts";
import type { Verification } from "../../lib/transport/verification.ts";
import type { VerifyCaller } from "../../platform/stir/verify-caller.ts";

/** Records of refused calls: at once, and in a second. Without a row here: one is lost if the directory is away just then. */
const maxRecorded = [30, 0.5] as const;

/** The connection that requests arrive on, and what they need of its object. */
export interface Line {
  readonly keyring: Keyring;
  /** The name of the object. */
  readonly name: string;
  /** `name@domain`, "" if it belongs to no trunk. */
  readonly hopTrunk: string;
  /** Names of the two ends of the connection. */
  readonly hosts: readonly string[];
  readonly directory: Directory;
  readonly calls: ActiveCalls;
  readonly records: RecordStore | undefined;
  trunk(): Promise<Trunk | undefined>;
  open(): Promise<Connection | undefined>;
  /** Waits for another server, without a place among the requests that are processed at a time. */
  aside<Result>(wait: () => Promise<Result>): Promise<Result>;
  reply(request: SipRequest, text: string): void;
  post(home: HomeName, envelope: Envelope): Promise<Receipt>;
  readonly media: MediaBridge;
  readonly verify: VerifyCaller;
}

/** Requests that another server sends on the connection we opened. */
export class Inbound {
  readonly #line: Line;
  readonly #id = randomText();
  readonly #recorded = new TokenBucket(...maxRecorded);
  readonly #known = new ReceivedRequests();

  constructor(line: Line) {
    this.#line = line;
  }

  /** The request that a response answers; undefined if it is not known any more. */
  askedFor(mandatory: MandatoryHeaders): Asked | undefined {
    return this.#known.askedFor(mandatory);
  }

  /** The other server is the phone, and the connection that it uses. */
  #returnAddress(): ReturnAddress {
    return returnToPhone(this.#line.name, this.#id, this.#id);
  }

  /** A request of the other server: within a dialog that has our own route, for this server itself, or a call from a trunk. */
  async asked(request: SipRequest, mandatory: MandatoryHeaders): Promise<void> {
    const trunk = await available(() => this.#line.trunk());
    if (isFault(trunk)) return this.#refuse(request, trunk);
    const way = this.#validateAndRoute(request, mandatory, trunk);
    if (request.method === "CANCEL" && mandatory.toTag === undefined) return this.#cancelled(request, mandatory, way, trunk);
    if (isFault(way)) return this.#refuse(request, isNotTaken(mandatory, trunk) && way.status === 403 ? notTaken : way);
    if (way.kind === "server") return this.#serve(request);
    if (way.kind === "address") {
      const refusal = trunk?.inbound === true ? await refusalOf(this.#line, request, mandatory, way.address, trunk) : notTaken;
      if (trunk === undefined || refusal !== undefined) return this.#refuse(request, refusal ?? notTaken);
      return this.#comesIn(request, mandatory, way, trunk);
    }
    return this.#withinDialog(request, mandatory, way, trunk);
  }

  async #withinDialog(
    request: SipRequest,
    mandatory: MandatoryHeaders,
    way: RoutingDecision & { readonly kind: "dialog" },
    trunk: Trunk | undefined,
  ): Promise<void> {
    const forged = way.hasOwnRouteToken ? undefined : await refusalOfOther(this.#line, mandatory, trunk);
    if (forged !== undefined) return this.#refuse(request, forged);
    const isKnown = this.#line.calls.has(mandatory.callId);
    this.#known.remember(request, mandatory, !isKnown);
    const heard = await this.#forPhones(request, mandatory);
    if (isFault(heard)) return this.#refuse(request, heard);
    this.#line.calls.passed(request.method, mandatory, Date.now(), { home: way.receiver.home, target: targetMark(request) }, "callee");
    if (request.method === "BYE" && isKnown && !this.#line.calls.has(mandatory.callId)) this.#line.media.over(mandatory.callId);
    const { sender, receiver, recordRoute, alterations } = way;
    const envelope: RequestEnvelope = {
      kind: "request",
      text: alter(heard, sender.phone === offsetEnd ? combined(alterations, asReferred(request)) : alterations),
      answerTo: this.#returnAddress(),
      transaction: this.#transactionOf(mandatory),
      identity: trunk === undefined ? "" : trunkIdentity(trunk),
      to: { kind: "phone", phone: receiver.phone },
      recordRoute,
    };
    this.#line.post(receiver.home, envelope).then(
      (receipt) => (receipt.kind === "answered" ? this.#line.reply(request, receipt.text) : undefined),
      () => this.#line.reply(request, answerFault(request, fault(500, "the other side cannot be reached now"))),
    );
  }

  /** With a session description that phones understand. */
  async #forPhones(request: SipRequest, mandatory: MandatoryHeaders): Promise<SipRequest | Fault> {
    const text = await this.#line.aside(() => this.#line.media.convert(request, mandatory, "phone"));
    if (isFault(text)) return text;
    return text === request.text ? request : parsed(text);
  }

  #validateAndRoute(request: SipRequest, mandatory: MandatoryHeaders, trunk: Trunk | undefined): RoutingDecision | Fault {
    const owner = {
      ...{ home: this.#line.name, user: "", domain: trunk?.domain ?? "", aliases: [] },
      isTrusted: trunk?.inbound === true,
      standing: standingOfServer(trunk?.trusted === true),
    };
    // The first Route that it sends leads to us, whatever name it has; after that come the names that it knows for us.
    const names = [...this.#line.hosts, ...(trunk === undefined ? [] : [trunk.domain])];
    const isOurs = (host: string, place = 0): boolean => place === 0 || names.includes(host);
    return validateAndRoute(request, mandatory, { keyring: this.#line.keyring, owner, isOurs, endsHere });
  }

  /** RFC 3261 §11.2: the capabilities of this server; it has no registrar and no phone here. */
  #serve(request: SipRequest): void {
    if (request.method !== "OPTIONS") return this.#refuse(request, fault(405, "this server has no phone", [["Allow", "OPTIONS"]]));
    const refusal = inspectRequest(request, { options: [], types: [] });
    if (refusal !== undefined) return this.#refuse(request, refusal);
    this.#line.reply(request, replyTo(request, 200, { toTag: randomText(), headers: capabilities("hop") }));
  }

  /** Registrars send calls to the Contact that we have registered: then To names the called user. */
  #dialled(mandatory: MandatoryHeaders, { address: { user } }: RoutingDecision & { kind: "address" }, trunk: Trunk): string {
    const to = trunk.username !== undefined && user === canonicalUser(accountUser(trunk.username)) ? parseUri(mandatory.to.uri) : undefined;
    return to !== undefined && !isFault(to) && to.kind === "sip" && to.user !== undefined ? canonicalUser(to.user) : user;
  }

  /** A call or a message from a trunk for a user of its domain: by the dialled number, an alias of the user. */
  async #comesIn(
    request: SipRequest,
    mandatory: MandatoryHeaders,
    way: RoutingDecision & { kind: "address" },
    trunk: Trunk,
  ): Promise<void> {
    const { calls } = this.#line;
    const { callId } = mandatory;
    if (request.method === "ACK") return;
    if (request.method !== "INVITE") return this.#callee(request, mandatory, way, trunk);
    if (isFull(trunk, calls) && !calls.has(callId)) return this.#refuse(request, allInUse);
    calls.reserve(mandatory, { home: this.#line.name }, Date.now());
    try {
      await this.#callee(request, mandatory, way, trunk);
    } finally {
      calls.giveBack(callId);
    }
  }

  /** Finds the user, and passes the request on. */
  async #callee(request: SipRequest, mandatory: MandatoryHeaders, way: RoutingDecision & { kind: "address" }, trunk: Trunk): Promise<void> {
    // The certificate of a signature is fetched while the user is looked for.
    const [found, verification] = await Promise.all([
      this.#select(trunk, request.method, mandatory, way),
      this.#verification(request, mandatory, way, trunk),
    ]);
    if (isFault(found)) return this.#refuseCall(request, mandatory, found, trunk, verification);
    const unverified = trunk.verify === "require" && verification !== undefined ? refusalOfUnverified(verification) : undefined;
    if (unverified !== undefined) return this.#refuseCall(request, mandatory, unverified, trunk, verification);
    if (found.kind === "redirect") return this.#line.reply(request, redirect(request, found));
    const { home, to, calleeSubscriber, routed } = found;
    const connection = await this.#line.open();
    if (connection === undefined) return;
    this.#known.remember(request, mandatory);
    const heard = await this.#forPhones(request, mandatory);
    if (isFault(heard)) return this.#withoutMedia(request, mandatory, heard, trunk, verification);
    const at = `${connection.host};transport=${connection.transport.replace("WSS", "WS").toLowerCase()}`;
    const transaction = this.#transactionOf(mandatory);
    const envelope: RequestEnvelope = {
      kind: "request",
      text: verifiedText(alter(heard, way.alterations), verification, trunk),
      answerTo: this.#returnAddress(),
      transaction,
      at: Date.now(),
      identity: trunkIdentity(trunk),
      to,
      recordRoute: undefined,
      caller: { home: this.#line.name, phone: this.#id, at },
      ...(calleeSubscriber === undefined ? {} : { calleeSubscriber }),
      ...(routed === undefined ? {} : { routed }),
      ...(verification === undefined ? {} : { verification }),
    };
    if (request.method === "INVITE") {
      this.#known.rememberInvite(mandatory, { home, transaction });
      this.#line.calls.passed(
        "INVITE",
        mandatory,
        Date.now(),
        { home: this.#line.name, branch: nameOf(mandatory), target: targetMark(request) },
        "caller",
      );
      this.#line.calls.answered(mandatory, Date.now(), { status: 100, branch: nameOf(mandatory), home: this.#line.name });
      this.#line.reply(request, replyTo(request, 100));
    }
    const refuse = (text: string): void => {
      if (request.method === "INVITE")
        this.#line.calls.answered(mandatory, Date.now(), { status: 500, branch: nameOf(mandatory), home: this.#line.name });
      if (request.method === "INVITE" && !this.#line.calls.has(mandatory.callId)) this.#line.media.over(mandatory.callId);
      this.#line.reply(request, text);
    };
    this.#line.post(home, envelope).then(
      (receipt) => (receipt.kind === "answered" ? refuse(receipt.text) : undefined),
      () => refuse(answerFault(request, fault(500, "the user cannot be reached now"))),
    );
  }

  /** A call whose media could not be converted; a service that was too slow may have a session. */
  #withoutMedia(request: SipRequest, mandatory: MandatoryHeaders, refusal: Fault, trunk: Trunk, verification?: Verification): void {
    const { calls, media } = this.#line;
    calls.giveBack(mandatory.callId);
    if (!calls.has(mandatory.callId)) media.over(mandatory.callId);
    this.#refuseCall(request, mandatory, refusal, trunk, verification);
  }

  /** Whether the number of the caller is verified; undefined if the trunk does not want to know. */
  #verification(
    request: SipRequest,
    mandatory: MandatoryHeaders,
    way: RoutingDecision & { kind: "address" },
    trunk: Trunk,
  ): Promise<Verification> | undefined {
    if (trunk.verify === undefined || request.method !== "INVITE") return undefined;
    const number = canonicalNumber(this.#dialled(mandatory, way, trunk));
    const dialled = number === undefined ? undefined : numberFrom(trunk.format, number).replace("+", "");
    return this.#line.verify({ request, dialled, format: trunk.format, isTrusted: trunk.trusted }, Date.now());
  }

  #select(
    trunk: Trunk,
    method: string,
    mandatory: MandatoryHeaders,
    way: RoutingDecision & { kind: "address" },
  ): Promise<HomeTarget | RedirectTarget | Fault> {
    const dialled = this.#dialled(mandatory, way, trunk);
    const callId = method === "INVITE" ? mandatory.callId : undefined;
    return selectTargetForTrunk(this.#line, { trunk, caller: this.#line.hopTrunk, method, dialled, callId });
  }

  /** RFC 3261 §16.10. If it is unknown where the INVITE went, the CANCEL goes where its Request-URI leads, which is the same (§9.1). */
  async #cancelled(
    request: SipRequest,
    mandatory: MandatoryHeaders,
    way: RoutingDecision | Fault,
    trunk: Trunk | undefined,
  ): Promise<void> {
    const known = this.#known.inviteOf(mandatory);
    const answer = (status: number) => this.#line.reply(request, replyTo(request, status, { toTag: randomText() }));
    if (known !== undefined) answer(200);
    const place = known ?? (await this.#whereItWent(mandatory, way, trunk));
    if (place === undefined) return answer(481);
    const { home, transaction } = place;
    this.#line.post(home, { kind: "cancel", transaction, reason: headerValue(request, "reason") }).then(
      ({ kind }) => (known === undefined ? answer(kind === "taken" ? 200 : 481) : undefined),
      (error: unknown) => {
        if (known === undefined) answer(481);
        console.error(JSON.stringify({ note: String(error), hop: this.#line.name }));
      },
    );
  }

  async #whereItWent(
    mandatory: MandatoryHeaders,
    way: RoutingDecision | Fault,
    trunk: Trunk | undefined,
  ): Promise<InviteAtHome | undefined> {
    if (isFault(way) || way.kind !== "address" || trunk?.inbound !== true) return undefined;
    const found = await this.#select(trunk, "INVITE", mandatory, way);
    if (isFault(found) || found.kind !== "home") return undefined;
    return { home: found.home, transaction: this.#transactionOf(mandatory) };
  }

  #transactionOf({ via: { branch = "", sentBy } }: MandatoryHeaders): string {
    return transactionName(this.#line.keyring, this.#line.name, branch, sentBy);
  }

  #refuse(request: SipRequest, refusal: Fault): void {
    this.#line.reply(request, answerFault(request, refusal));
  }

  /** A call for a number that is no user's: no home has its record. */
  #refuseCall(
    request: SipRequest,
    mandatory: MandatoryHeaders,
    refusal: Fault,
    { name: trunk, domain }: Trunk,
    verification?: Verification,
  ): void {
    const final = answerFault(request, refusal);
    this.#line.reply(request, final);
    const now = Date.now();
    const { records } = this.#line;
    if (records === undefined || request.method !== "INVITE" || !this.#recorded.take(now)) return;
    const reason = final.slice("SIP/2.0 404 ".length, final.indexOf("\r\n"));
    const response = { status: refusal.status, reason, why: refusal.fault };
    const parties = { trunk, ...(verification === undefined ? {} : { verification }) };
    const record = recordOfRefused(request, this.#transactionOf(mandatory), response, { parties, domain, started: now, now });
    records.keep(record).catch((error: unknown) => console.error(JSON.stringify({ note: String(error), hop: this.#line.name })));
  }
}

/** The call with the result of its verification, for phones that show it. */
function verifiedText(text: string, verification: Verification | undefined, { format }: Trunk): string {
  if (verification === undefined) return text;
  const request = parsed(text);
  return alter(request, withVerstat(request, verification, format));
}

const notTaken: Fault = fault(403, "calls from this server are not accepted");

/** RFC 3261 §8.3. */
function redirect(request: SipRequest, { status, uri }: RedirectTarget): string {
  return replyTo(request, status, { toTag: randomText(), headers: [["Contact", `<${uri}>`]] });
}
