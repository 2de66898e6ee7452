import { transactionName } from "../../lib/proxy/branch.ts";
import { retargetedRequest } from "../../lib/proxy/outgoing-request.ts";
import type { ForkedBranch } from "../../lib/proxy/response-context.ts";
import { type Address, addressOf } from "../../lib/location/address.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import type { CancelEnvelope, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";
import { randomText } from "../room/random.ts";
import type { Room } from "../room/room.ts";
import { branchName, type OpenContext } from "./contexts.ts";
import { homeOf } from "./resolve.ts";

/** Milliseconds after which a request that has not surely arrived is sent on once more. */
const retryAfter = 2000;

/** Branches that lead to another address: the home there gets the request as if it came from the caller's, and answers to this one. */
export class Retargeting {
  readonly #room: Room;
  readonly #passOn: (home: string, envelope: RequestEnvelope | CancelEnvelope) => Promise<Receipt>;
  readonly #answered: (envelope: ResponseEnvelope) => void;
  /** Branches that have been sent on since the object woke up. */
  readonly #sent = new Set<string>();

  constructor(
    room: Room,
    passOn: (home: string, envelope: RequestEnvelope | CancelEnvelope) => Promise<Receipt>,
    answered: (envelope: ResponseEnvelope) => void,
  ) {
    this.#room = room;
    this.#passOn = passOn;
    this.#answered = answered;
  }

  /** Sends the branch on, if that may not have been done yet: a home that has had it drops it. */
  ensure(open: OpenContext, branch: ForkedBranch, now: number): void {
    const name = branchName(open.context.transaction, branch.index);
    if (this.#sent.has(name)) return;
    this.#sent.add(name);
    // Should the object lose its memory before the other home has the request.
    this.#room.alarm.noLaterThan(now + retryAfter);
    void this.#send(open, branch).then((refusal) => (refusal === undefined ? undefined : this.#answer(open, branch, refusal)));
  }

  /** RFC 3261 §9.1: CANCEL goes where the request went. */
  cancel(open: OpenContext, branch: ForkedBranch, reason: string | undefined, now: number): void {
    this.#room.alarm.noLaterThan(now + retryAfter);
    const envelope: CancelEnvelope = { kind: "cancel", transaction: this.#transactionOf(open, branch), reason };
    void this.#find(branch)
      .then((found) => (isFault(found) ? undefined : this.#passOn(found.home, envelope)))
      .catch((error: unknown) => this.#room.log.note(Date.now(), "-", String(error)));
  }

  /** Resolves with a refusal if the request has not come through. */
  async #send(open: OpenContext, branch: ForkedBranch): Promise<Refusal | undefined> {
    const found = await this.#find(branch);
    if (isFault(found)) return found;
    const { user, domain } = this.#room.home;
    const text = retargetedRequest(`sip:${user}@${domain}`, open.request, open.context, branch);
    if (isFault(text)) return text;
    const envelope = this.#envelope(open, branch, found.address, text);
    const { introduces } = found;
    try {
      const receipt = await this.#passOn(found.home, introduces === undefined ? envelope : { ...envelope, introduces });
      return receipt.kind === "taken" ? undefined : receipt;
    } catch (error) {
      this.#room.log.note(Date.now(), "-", String(error));
      return fault(503, "the other side cannot be reached now");
    }
  }

  async #find(branch: ForkedBranch) {
    const uri = parseUri(branch.contact);
    if (isFault(uri)) return uri;
    const { domain } = this.#room.home;
    const unnamed = { instance: undefined, registration: undefined };
    const address: Address | undefined =
      uri.kind === "sip" ? addressOf(this.#room.keyring, uri) : uri.kind === "tel" ? { user: uri.number, domain, ...unnamed } : undefined;
    if (address === undefined) return fault(416, "nobody can be found by this URI");
    const resolved = await homeOf(this.#room, address);
    return isFault(resolved) ? resolved : { ...resolved, address };
  }

  #envelope({ context, request }: OpenContext, branch: ForkedBranch, address: Address, text: string): RequestEnvelope {
    const { search, answerTo } = context;
    const { name: home } = this.#room.home;
    const open = { context, request };
    return {
      kind: "request",
      text,
      binary: request.binary,
      answerTo: { home, flow: "", phone: "", branch: branchName(context.transaction, branch.index) },
      transaction: this.#transactionOf(open, branch),
      identity: search?.identity ?? "",
      to: { kind: "address", instance: address.instance, registration: address.registration },
      recordRoute: undefined,
      caller: search?.caller ?? { home: answerTo.home, phone: answerTo.phone },
      trail: [...(search?.trail ?? []), `${home} ${request.requestUri}`],
      breadth: Math.max(1, Math.floor((search?.breadth ?? 1) / Math.max(1, context.branches.length))),
    };
  }

  #transactionOf({ context }: OpenContext, branch: ForkedBranch): string {
    const { keyring, home } = this.#room;
    return transactionName(keyring, home.name, branchName(context.transaction, branch.index), "sent on");
  }

  #answer({ context, request }: OpenContext, branch: ForkedBranch, refusal: Refusal): void {
    const status = isFault(refusal) ? refusal.status : refusal.status;
    const text = isFault(refusal) ? replyTo(request, status, { toTag: randomText() }) : refusal.text;
    const to = { home: "", flow: "", phone: "", branch: branchName(context.transaction, branch.index) };
    this.#answered({ kind: "response", text, binary: request.binary, status, to, transaction: undefined });
  }
}

type Refusal = Fault | (Receipt & { readonly kind: "answered" });
