import { credentialsFor } from "../../lib/authentication/client.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { withoutAdditions } from "../../lib/proxy/branch.ts";
import { shift, offsetBranch, offsetRoutes } from "../../lib/proxy/cseq-offset.ts";
import { missingIn, recordRoutesOf } from "../../lib/proxy/dialog-forming.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { type Fault, isFault, limitReached } from "../../lib/syntax/fault.ts";
import type { HomeName } from "../../lib/transport/identifiers.ts";
import {
  type Request as SipRequest,
  type Response as SipResponse,
  hasHeader,
  headerValue,
  headerValues,
} from "../../lib/syntax/message.ts";
import { parseNameAddress, tagOf } from "../../lib/syntax/name-address.ts";
import { randomText } from "../../platform/crypto/random.ts";
import { parsedResponse } from "../shared/reparse.ts";
import type { CallTimeout } from "./active-calls.ts";
import type { Account } from "./trunk-registration.ts";

/** INVITEs that have had their final response: how many, and their characters. */
const maxKept = { count: 500, octets: 4_194_304 };
/** Requests that have not: of one home, and of all. */
const maxOfHome = { count: 1000, octets: 1_048_576 };
const maxWaiting = { count: 5000, octets: 33_554_432 };

/** Characters of a BYE that is as usual. */
const maxBye = 16_384;

/** A request that waits for its final response. */
export interface Unanswered {
  /** The branch of our Via. */
  readonly branch: string;
  readonly request: SipRequest;
  /** Whose it is. */
  readonly home: HomeName;
  /** Whether a provisional response has come. */
  readonly hasRung: boolean;
  /** It was sent again, on another connection. */
  readonly isRepeated: boolean;
  /** Milliseconds: when it was first sent, or when its last provisional response came. */
  readonly at: number;
}

/**
 * Requests as they were sent, by the branch of our Via: for their ACK, for their repetition with credentials, and for a lost connection. They
 * are kept whole, so their number and their size have limits.
 */
export class SentRequests {
  /** Until no response is expected any more. */
  readonly #patience: CallTimeout;
  readonly #answered = new Map<string, Unanswered>();
  readonly #waiting = new Map<string, Unanswered>();
  readonly #reserved = new Set<Pick<Unanswered, "home" | "request">>();

  /** Milliseconds: when those were forgotten last to which no response comes any more. */
  #cleared = 0;

  constructor(patience: CallTimeout) {
    this.#patience = patience;
  }

  /** As it was last sent: with credentials, if there was a challenge. */
  latest(branch: string): SipRequest | undefined {
    return this.get(branchWithCredentials(offsetBranch(branch))) ?? this.get(branchWithCredentials(branch)) ?? this.get(branch);
  }

  /** Whether the branch of a response is not as it was sent, but one of ours without what this object adds, or with it. */
  hasOtherName(branch: string): boolean {
    return this.get(branch) === undefined && this.latest(withoutAdditions(branch)) !== undefined;
  }

  get(branch: string): SipRequest | undefined {
    return this.#find(branch)?.request;
  }

  /** Refuses a request if too many of its home, or of all, wait. */
  refusalOf(home: HomeName, { method, text }: SipRequest, now: number): Fault | undefined {
    // What ends a call always passes; nothing is kept of an ACK.
    if (method === "ACK" || (method === "BYE" && text.length < maxBye)) return undefined;
    return this.#hasRoomFor(home, text, now) ? undefined : tooMany;
  }

  /** One that is on its way to be sent counts already. Returns how to end that. */
  reserve(home: HomeName, request: SipRequest): () => void {
    const one = { home, request };
    if (request.method !== "ACK" && request.method !== "BYE") this.#reserved.add(one);
    return () => void this.#reserved.delete(one);
  }

  /** A BYE passes also if there is no room for it: then it is not sent again, with credentials or on another connection. */
  remember(branch: string, request: SipRequest, at: number, home: HomeName): void {
    if (at - this.#cleared > this.#patience.transaction) this.#clear(at);
    if (request.method === "BYE" && !this.#hasRoomFor(home, request.text, at)) return;
    this.again({ branch, request, home, hasRung: false, isRepeated: false, at });
  }

  #hasRoomFor(home: HomeName, { length }: string, now: number): boolean {
    const hasRoom = () => {
      const all = [...this.#waiting.values(), ...this.#reserved];
      const own = all.filter((one) => one.home === home);
      return fits(own, length, maxOfHome) && fits(all, length, maxWaiting);
    };
    if (hasRoom()) return true;
    this.#clear(now);
    return hasRoom();
  }

  /** Forgets those to which no response comes any more: the home that has sent them has given them up. */
  #clear(now: number): void {
    this.#cleared = now;
    const { transaction, ringing } = this.#patience;
    for (const [branch, { request, at, hasRung }] of this.#waiting) {
      // After Timer C the answer to the CANCEL is waited for (RFC 3261 §9.1).
      const end = at + transaction + (request.method === "INVITE" && hasRung ? ringing : 0);
      if (now > end) this.#waiting.delete(branch);
    }
  }

  /** A 2xx to an INVITE has all that the requests of its dialog need, also if the server has left that out. */
  completed(branch: string, response: SipResponse): SipResponse {
    const sent = this.get(branch);
    const isAnswer = sent?.method === "INVITE" && response.status >= 200 && response.status < 300;
    const missing = isAnswer ? missingIn(response, recordRoutesOf(sent), sent.requestUri) : undefined;
    return missing === undefined ? response : parsedResponse(alter(response, missing));
  }

  homeOf(branch: string): HomeName | undefined {
    return this.#find(branch)?.home;
  }

  /** A request that waited before waits again. */
  again(one: Unanswered): void {
    this.#waiting.set(one.branch, one);
  }

  /** A response to it. A refusal of an INVITE may be repeated, and needs its ACK again. */
  answered(branch: string, status: number, now: number): void {
    const waiting = this.#waiting.get(branch);
    if (waiting === undefined) return;
    if (status < 200) return void this.#waiting.set(branch, { ...waiting, hasRung: true, at: now });
    this.#waiting.delete(branch);
    if (waiting.request.method !== "INVITE") return;
    this.#answered.set(branch, waiting);
    for (const oldest of this.#answered.keys()) {
      if (oldest === branch || fits([...this.#answered.values()], 0, maxKept)) return;
      this.#answered.delete(oldest);
    }
  }

  forget(branch: string): void {
    this.#answered.delete(branch);
    this.#waiting.delete(branch);
  }

  /** Removes all; returns those that wait. */
  clear(): readonly Unanswered[] {
    const unanswered = [...this.#waiting.values()];
    this.#answered.clear();
    this.#waiting.clear();
    return unanswered;
  }

  #find(branch: string): Unanswered | undefined {
    return this.#waiting.get(branch) ?? this.#answered.get(branch);
  }
}

export const tooMany = limitReached(480, "too many requests to this server wait for an answer", [["Retry-After", "5"]]);

/** Whether there is room for one more of this length. */
function fits(
  all: readonly Pick<Unanswered, "request">[],
  length: number,
  most: { readonly count: number; readonly octets: number },
): boolean {
  return all.length < most.count && all.reduce((sum, { request }) => sum + request.text.length, length) <= most.octets;
}

/** Our branches end in letters and digits before this mark. */
const mark = "-a";

function branchWithCredentials(branch: string): string {
  return `${branch}${mark}`;
}

export function isBranchWithCredentials(branch: string): boolean {
  return branch.endsWith(mark);
}

/** Our CANCEL for the transaction with credentials. */
export function withCredentialsCancelled(cancel: SipRequest, branch: string): string {
  const { remove = [], append = [] } = shift(cancel, 1);
  const via = headerValues(cancel, "via").map((value): [string, string] => ["Via", inBranch(value, branch, branchAgain(branch, true))]);
  return alter(cancel, { remove: ["via", ...remove], push: via, append });
}

/**
 * A request with credentials for a 401 or 407 (RFC 3261 §22), in a new transaction, and with a new CSeq if it creates a dialog or is
 * outside one; undefined if it already had some, or we cannot answer the challenge.
 * @param branch of our Via on the request as it was sent
 */
export function withCredentials(
  keyring: Keyring,
  account: Account,
  { sent, branch }: { readonly sent: SipRequest; readonly branch: string },
  response: SipResponse,
): { readonly text: string; readonly branch: string } | undefined {
  const [asked, answered] =
    response.status === 401 ? (["www-authenticate", "Authorization"] as const) : (["proxy-authenticate", "Proxy-Authorization"] as const);
  if (isBranchWithCredentials(branch)) return undefined;
  const request = { method: sent.method, uri: sent.requestUri };
  const credentials = credentialsFor(keyring, headerValues(response, asked), request, account, randomText());
  if (credentials === undefined) return undefined;
  const to = parseNameAddress(headerValue(sent, "to") ?? "");
  // Within a dialog the next number may already be used.
  const isFirst = isFault(to) || tagOf(to) === undefined;
  const again = branchAgain(branch, isFirst);
  const [own = "", ...others] = headerValues(sent, "via");
  const routes = isFirst && hasHeader(sent, "record-route") ? offsetRoutes(keyring, sent) : [];
  const { remove = [], append = [] } = isFirst ? shift(sent, 1) : {};
  const lines: (readonly [string, string])[] = [
    ...[inBranch(own, branch, again), ...others].map((value): [string, string] => ["Via", value]),
    ...routes.map((value): [string, string] => ["Record-Route", value]),
  ];
  const gone = ["via", ...(routes.length > 0 ? ["record-route"] : []), ...remove];
  return { text: alter(sent, { remove: gone, push: lines, append: [...append, [answered, credentials]] }), branch: again };
}

function branchAgain(branch: string, isFirst: boolean): string {
  return branchWithCredentials(isFirst ? offsetBranch(branch) : branch);
}

function inBranch(via: string, branch: string, other: string): string {
  return via.replace(`branch=${branch}`, `branch=${other}`);
}
