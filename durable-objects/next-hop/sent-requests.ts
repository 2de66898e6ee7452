import { credentialsFor } from "../../lib/authentication/client.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import { shift, offsetBranch, offsetRoutes } from "../../lib/proxy/cseq-offset.ts";
import { alter } from "../../lib/syntax/alter.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import {
  type Request as SipRequest,
  type Response as SipResponse,
  hasHeader,
  headerValue,
  headerValues,
} from "../../lib/syntax/message.ts";
import { parseNameAddress, tagOf } from "../../lib/syntax/name-address.ts";
import { randomText } from "../../platform/crypto/random.ts";
import type { Account } from "./trunk-registration.ts";

/** Requests that have had their final response. */
const maxKept = 500;
/** Requests that have not: the maximum in progress on one connection. */
const maxWaiting = 5000;

/** A request that waits for its final response. */
export interface Unanswered {
  /** The branch of our Via. */
  readonly branch: string;
  readonly request: SipRequest;
  /** Whether a provisional response has come. */
  readonly hasRung: boolean;
  /** It was sent again, on another connection. */
  readonly isRepeated: boolean;
  /** Milliseconds: when it was first sent. */
  readonly at: number;
}

/**
 * Requests as they were sent, by the branch of our Via: for their ACK, for their repetition with credentials, and for a lost connection.
 */
export class SentRequests {
  readonly #requests = new Map<string, SipRequest>();
  /** These are kept, however many other requests pass. */
  readonly #waiting = new Map<string, Unanswered>();

  /** As it was last sent: with credentials, if there was a challenge. */
  latest(branch: string): SipRequest | undefined {
    return this.get(branchWithCredentials(offsetBranch(branch))) ?? this.get(branchWithCredentials(branch)) ?? this.get(branch);
  }

  get(branch: string): SipRequest | undefined {
    return this.#waiting.get(branch)?.request ?? this.#requests.get(branch);
  }

  remember(branch: string, request: SipRequest, at: number): void {
    this.again({ branch, request, hasRung: false, isRepeated: false, at });
  }

  /** A request that waited before waits again. */
  again(one: Unanswered): void {
    this.#waiting.set(one.branch, one);
    limit(this.#waiting, maxWaiting);
  }

  /** A response to it. A refusal of an INVITE may be repeated, and needs its ACK again. */
  answered(branch: string, status: number): void {
    const waiting = this.#waiting.get(branch);
    if (waiting === undefined) return;
    if (status < 200) this.#waiting.set(branch, { ...waiting, hasRung: true });
    else {
      this.#waiting.delete(branch);
      this.#requests.set(branch, waiting.request);
      limit(this.#requests, maxKept);
    }
  }

  forget(branch: string): void {
    this.#requests.delete(branch);
    this.#waiting.delete(branch);
  }

  /** Removes all; returns those that wait. */
  clear(): readonly Unanswered[] {
    const unanswered = [...this.#waiting.values()];
    this.#requests.clear();
    this.#waiting.clear();
    return unanswered;
  }
}

function limit(kept: Map<string, unknown>, most: number): void {
  const oldest = kept.keys().next();
  if (kept.size > most && oldest.done !== true) kept.delete(oldest.value);
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
