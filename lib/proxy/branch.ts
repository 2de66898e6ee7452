import type { BranchId, HomeName, TransactionId } from "../transport/identifiers.ts";
import type { Keyring } from "../authentication/keyring.ts";
import type { MandatoryHeaders } from "../syntax/mandatory-headers.ts";
import type { RequestEnvelope } from "../transport/envelope.ts";
import { type ReturnAddress, readReturnAddress, writeReturnAddress } from "../transport/return-address.ts";

/**
 * Our branch parameters: `z9hG4bK`; eight characters that hint at the home that sends the message (its responses come back there); then the
 * branch of a response context, or a sealed return address if no state is kept; last, the loop mark (RFC 3261 §16.6 step 8).
 */
export type Branch =
  | { readonly kind: "stateful"; readonly context: string; readonly index: number }
  | StatelessBranch
  | { readonly kind: "stored"; readonly number: number }
  | { readonly kind: "probe"; readonly token: string };

export interface StatelessBranch {
  readonly kind: "stateless";
  readonly answerTo: ReturnAddress;
  /** Whether the request was within a dialog; undefined if an older build has made the branch. */
  readonly isWithin: boolean | undefined;
}

const cookie = "z9hG4bK";
const hintLength = 8;
const contextLength = 16;

/** The hint for a home's name: short and keyed. Other servers see no more of the home than this. */
export function homeHint(keyring: Keyring, home: HomeName): string {
  return keyring.mac("hint", home).slice(0, hintLength);
}

/** The hints of a home, that of the present key first. Requests that were sent before a key change carry the hint of an older key. */
export function homeHints(keyring: Keyring, home: HomeName): readonly string[] {
  return keyring.macs("hint", home).map((mac) => mac.slice(0, hintLength));
}

/** The home hint in a branch parameter; undefined if it cannot be one of ours. */
export function hintIn(branch: string | undefined): string | undefined {
  if (branch === undefined || !branch.startsWith(cookie) || branch.length < cookie.length + hintLength + 2) return undefined;
  return branch.slice(cookie.length, cookie.length + hintLength);
}

export function statefulBranch(hint: string, context: string, index: number, loop: string): string {
  return `${cookie}${hint}.${context}.${index}.${loop}`;
}

/**
 * The branch of a request that is forwarded without state: computed from the branch that it was received with, so that a CANCEL or an ACK
 * of the same transaction gets the same one (RFC 3261 §16.11).
 */
export function statelessBranch(
  keyring: Keyring,
  hint: string,
  { answerTo, transaction }: Pick<RequestEnvelope, "answerTo" | "transaction">,
  of: Transaction,
  loop: string,
): string {
  const kind = of.toTag === undefined ? "outside" : "within";
  const sealed = keyring.seal("return-address", writeReturnAddress(answerTo, transaction), responsesTo[kind](of, loop));
  return `${cookie}${hint}${marks[kind]}${sealed}.${loop}`;
}

/** The branch of a stored message: equal each time it is sent. Only who has been sent the message knows it. */
export function storedBranch(keyring: Keyring, hint: string, number: number, of: Transaction, loop: string): string {
  return `${cookie}${hint}!${number}-${keyring.mac("context", storedName(hint, number, of)).slice(0, contextLength)}.${loop}`;
}

/** No name of a transaction begins like it. */
function storedName(hint: string, number: number, of: Transaction): string {
  return `stored ${hint} ${number} ${contextOf(of)}`;
}

/** The branch of a probe that tests whether a client reads its socket. */
export function probeBranch(hint: string, token: string): string {
  return `${cookie}${hint}*${token}`;
}

/**
 * The transaction that a return address is for. A response with another Call-ID, CSeq number, method or From tag is not accepted, nor one to a
 * request within a dialog with another To tag (RFC 3261 §8.2.6.2, §17.1.3): it would look like the answer of another call.
 */
export interface Transaction {
  readonly callId: string;
  /** The CSeq number of our request. */
  readonly cseq: number;
  readonly method: string;
  readonly fromTag?: string | undefined;
  readonly toTag?: string | undefined;
}

/** The transaction of a request; or of a response, as it says. @param offset by which the number of the request is lower */
export function transactionIn({ callId, cseq, fromTag, toTag }: MandatoryHeaders, offset = 0): Transaction {
  return { callId, cseq: cseq.number - offset, method: cseq.method, fromTag, toTag };
}

function contextOf({ callId, cseq }: Transaction): string {
  return `${cseq} ${callId}`;
}

/** CANCEL and ACK have the branch of their INVITE. */
function methodOf({ method }: Transaction): string {
  return method === "CANCEL" || method === "ACK" ? "INVITE" : method;
}

/** What stands before a sealed return address: of requests outside of dialogs, and within one; and what it was in older builds. */
const marks = { outside: "o", within: "w", unmarkedOutside: "+", unmarkedWithin: "_", oldest: "~" } as const;

type Mark = keyof typeof marks;

/** What the responses to a request have in common with it. The loop mark is sealed, too: so a branch is ours as a whole, or not at all. */
const responsesTo: Readonly<Record<Mark, (of: Transaction, loop: string) => string>> = {
  outside: (of, loop) => [...outsideOf(of), loop].join("\n"),
  within: (of, loop) => [...outsideOf(of), of.toTag, loop].join("\n"),
  unmarkedOutside: (of) => outsideOf(of).join("\n"),
  unmarkedWithin: (of) => [...outsideOf(of), of.toTag].join("\n"),
  oldest: contextOf,
};

function outsideOf(of: Transaction): readonly unknown[] {
  return [of.cseq, methodOf(of), of.callId, of.fromTag];
}

/** Whether the request was within a dialog; in the oldest branches it is not written. */
const isWithin: Readonly<Partial<Record<Mark, boolean>>> = {
  outside: false,
  within: true,
  unmarkedOutside: false,
  unmarkedWithin: true,
};

/** Reads a branch that carries this home's hint; undefined if we did not mint it, or minted it for another transaction. */
export function readBranch(keyring: Keyring, branch: string, of: Transaction): Branch | undefined {
  const rest = branch.slice(cookie.length + hintLength);
  for (const kind of Object.keys(marks) as Mark[]) if (rest.startsWith(marks[kind])) return readStateless(keyring, kind, rest.slice(1), of);
  if (rest.startsWith("*")) return { kind: "probe", token: rest.slice(1) };
  if (rest.startsWith("!")) return readStored(keyring, branch.slice(cookie.length, cookie.length + hintLength), rest.slice(1), of);
  const [empty, context, index] = rest.split(".");
  if (empty !== "" || context?.length !== contextLength || index === undefined) return undefined;
  return { kind: "stateful", context, index: Number.parseInt(index, 10) };
}

function readStored(keyring: Keyring, hint: string, rest: string, of: Transaction): Branch | undefined {
  const [, number = "", mac = ""] = /^(\d{1,15})-([^.]+)\./.exec(rest) ?? [];
  const isOurs = mac.length === contextLength && keyring.verify("context", storedName(hint, Number(number), of), mac);
  return isOurs ? { kind: "stored", number: Number(number) } : undefined;
}

function readStateless(keyring: Keyring, kind: Mark, rest: string, of: Transaction): Branch | undefined {
  const dot = rest.lastIndexOf(".");
  const loop = withoutAdditions(rest.slice(dot + 1));
  const address = keyring.open("return-address", rest.slice(0, dot), responsesTo[kind](of, loop));
  return address === undefined ? undefined : { kind: "stateless", answerTo: readReturnAddress(address), isWithin: isWithin[kind] };
}

/** A branch without what a next hop adds to it for another CSeq (`cseq-offset.ts`) or credentials: it ends in a letter or digit. */
export function withoutAdditions(branch: string): string {
  return branch.replace(/(?:-1)?(?:-a)?$/, "");
}

/** The name of the transaction of a request at the home that received it, and of the response context at the next (RFC 3261 §17.2.3). */
export function transactionName(keyring: Keyring, home: HomeName, branch: string, sentBy: string): TransactionId {
  return keyring.mac("context", `${home} ${sentBy} ${branch}`).slice(0, contextLength);
}

/** The name that it has now, then the names that it had under older keys. */
export function transactionNames(keyring: Keyring, home: HomeName, branch: string, sentBy: string): readonly TransactionId[] {
  return keyring.macs("context", `${home} ${sentBy} ${branch}`).map((mac) => mac.slice(0, contextLength));
}

/** The name of the transaction by which a branch of a response context reaches another home. It does not depend on the keys. */
export function onwardTransactionName(keyring: Keyring, home: HomeName, branch: BranchId): TransactionId {
  return keyring.hash("sha256", `${home} ${branch}`).slice(0, contextLength);
}
