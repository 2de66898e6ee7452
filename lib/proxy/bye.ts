import { readContacts } from "../syntax/contact.ts";
import { isFault } from "../syntax/fault.ts";
import { type Message, type Request, bodyOf, hasHeader, headerValue } from "../syntax/message.ts";
import { memoised } from "../syntax/memoise.ts";
import { textHash } from "../syntax/text-hash.ts";
import { isSameParty } from "../routing/hop-name.ts";
import { parseUri } from "../syntax/uri.ts";
import type { RequestEnvelope } from "../transport/envelope.ts";
import type { HomeName } from "../transport/identifiers.ts";
import type { DialogIds } from "./call-name.ts";
import { dialledMark } from "./route-token.ts";

/** A BYE, for those who keep account of calls. */
export interface Bye {
  readonly dialog: DialogIds;
  /** The home of the end that is not here: whose it is, or whom it is for. */
  readonly other: HomeName;
  readonly requestUri: string;
  /** It is sent by the user of this home. */
  readonly isOurs: boolean;
  /** The end that it is for has no reason to refuse it. */
  readonly isBinding: boolean;
  /** The home of its sender has compared it with the Contact of the other end. */
  readonly isCompared?: boolean;
  /** As it came for a phone of this home. */
  readonly again?: RequestEnvelope;
}

/** Who has answered a BYE. */
export interface ByeAnswer {
  /** This server has, and the other end has not had it. */
  readonly isOfServer?: boolean;
  /** The home of the phone, or the connection to the server, if that is known. */
  readonly from?: HomeName | undefined;
}

/** Whether an answer to a BYE may be the other end's: of two BYEs with the names of one dialog one may have gone elsewhere. */
export function isAnswerOf(other: HomeName | undefined, { from }: ByeAnswer): boolean {
  return other === undefined || from === undefined || isSameParty(other, from);
}

/** What a refusal of it means. */
export interface ByeTraits {
  /** Its Request-URI is not the Contact of the end that it is for: it may have been written to be refused. */
  readonly isStray?: boolean | undefined;
  readonly isBinding?: boolean | undefined;
  /** The home of the end that it is for. */
  readonly other?: HomeName | undefined;
  /** For a phone of this home: it gets the BYE again if it refuses that. */
  readonly again?: RequestEnvelope | undefined;
}

/** Hops of a BYE that no proxy refuses for having too few. */
const enoughHops = 10;
/** Headers by which a BYE can ask for something that its receiver does not have (RFC 3261 §8.2). */
const demands = ["require", "proxy-require", "content-type", "content-encoding"];

/**
 * Whether the receiver of a BYE has no reason to refuse it: it asks for nothing, has no body, and can pass some proxies.
 * @param hopsBefore those that it has in this server
 */
export function isPlainBye(request: Request, hopsBefore = 0): boolean {
  const hops = Number(headerValue(request, "max-forwards") ?? 70);
  return hops >= enoughHops + hopsBefore && bodyOf(request) === "" && !demands.some((name) => hasHeader(request, name));
}

/**
 * Whether a call is over after this final response to its BYE. Its sender has left it (RFC 3261 §15.1.1): the other end cannot keep it by a
 * refusal, unless there is a reason for one.
 * @param isOfServer whether this server has made the response, and the other end has not had the BYE
 */
export function endsCall(status: number, { isStray, isBinding }: ByeTraits = {}, isOfServer = false): boolean {
  return (isBinding === true && isStray !== true && !isOfServer) || endsDialog(status, isStray);
}

/**
 * Whether a final response to a BYE means that the dialog is over at the end that sends it: it was accepted, or that end knows no such
 * dialog any more, or could not be reached (RFC 3261 §15.1.2, §12.2.1.2). After any other refusal the call goes on there.
 * @param isStray its Request-URI is not the Contact of that end: it may have been written to be refused
 */
export function endsDialog(status: number, isStray = false): boolean {
  return status < 300 || status === 481 || (!isStray && over.includes(status));
}

/** The status of an answer to a BYE that this server has made itself: the other end has not heard the BYE, and the call goes on there. */
export function statusAtEnd(status: number, isOfEnd: boolean): number {
  return isOfEnd || status < 300 ? status : 500;
}

/** Without 482 and 483: those come from a server on the way, and the other end has not heard the BYE. */
const over = [404, 408, 410, 416, 430, 480, 484, 485, 502, 604];

/** The remote target that a message sets for its dialog (RFC 3261 §12.1); undefined if it has no Contact. */
export function targetIn(message: Message): string | undefined {
  const contacts = readContacts(message);
  return isFault(contacts) || contacts === "*" ? undefined : contacts[0]?.uri;
}

/** A mark of it. */
export function targetMark(message: Message): string | undefined {
  const uri = targetIn(message);
  return uri === undefined ? undefined : uriMark(uri);
}

/** Characters of a hash. */
const half = textHash("").length;

/**
 * A mark of a Contact as a request to it has to be written: another scheme, port, transport or parameter may lead elsewhere, or be refused. The
 * second half of it does not tell capitals from small letters, which phones may write in their own way.
 */
export const uriMark: (written: string) => string = memoised((written) => {
  const text = asWritten(written);
  return textHash(text) + textHash(text.toLowerCase());
});

function asWritten(written: string): string {
  const uri = parseUri(written);
  if (isFault(uri) || uri.kind !== "sip") return written;
  const { scheme, user = "", password = "", host, port = "", parameters, headers = "" } = uri;
  const values = parameters.map(([name, value = ""]) => [name.toLowerCase(), value] as const);
  const named = values.map(([name, value]) => `${name}=${name === "transport" ? value.toLowerCase() : value}`);
  return [`${scheme}:${user}:${password}@${host.toLowerCase()}:${port}`, ...named.toSorted(), `?${headers}`].join(";");
}

/** Whether a URI is written as one of these targets. Marks of older builds, and of phones' bindings, are of user and host. */
export function isTarget(written: string, marks: readonly string[]): boolean {
  const mark = uriMark(written).slice(0, half);
  return marks.some((one) => one.slice(0, half) === mark) || marks.includes(dialledMark(written));
}

/** Whether it is one of these targets, perhaps with other capitals. */
export function isLikeTarget(written: string, marks: readonly string[]): boolean {
  const mark = uriMark(written).slice(half);
  return marks.some((one) => one.slice(half) === mark) || marks.includes(dialledMark(written));
}

/** Whether a message may set another remote target for its dialog: INVITE and UPDATE, and their 2xx (RFC 3261 §12.2, RFC 3311 §5.2). */
export function refreshesTarget(method: string, status?: number): boolean {
  return (method === "INVITE" || method === "UPDATE") && (status === undefined || (status >= 200 && status < 300));
}

/** Whether a BYE goes to none of these targets. If none is known, it is not said to. */
export function isStray(requestUri: string, targets: readonly (string | undefined)[]): boolean {
  const known = targets.filter((target) => target !== undefined);
  return known.length > 0 && !isTarget(requestUri, known);
}
