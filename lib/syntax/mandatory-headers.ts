import { type CSeq, parseCSeq, fastCSeq } from "./cseq.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { splitList } from "./list.ts";
import { type HeaderLine, type Message, isLong, numberIn, valueEnd, valueOf, valueStart } from "./message.ts";
import type { NameAddress } from "./name-address.ts";
import { type FromToHeader, parseFromTo, fastFromTo } from "./from-to.ts";
import { fits, fastCallId } from "./fast-path.ts";
import { type Via, parseVia, fastVia } from "./via.ts";

/** The headers that every element reads in every message, checked once (RFC 3261 §8.1.1, §16.3 step 1). */
export interface MandatoryHeaders {
  /** The topmost. */
  readonly via: Via;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly fromTag: string | undefined;
  readonly toTag: string | undefined;
  readonly callId: string;
  readonly cseq: CSeq;
  readonly maxForwards: number | undefined;
}

/** Reads and checks them. A header that may occur once and occurs twice is a fault. */
export function readMandatoryHeaders(message: Message): MandatoryHeaders | Fault {
  const { text, first } = message;
  const [repeated, viaLine, fromLine, toLine, callIdLine, cseqLine, maxForwardsLine] = first;
  if (repeated !== undefined) return fault(400, `there is more than one ${repeated.name} header`);
  if (viaLine === undefined || fromLine === undefined || toLine === undefined || callIdLine === undefined || cseqLine === undefined)
    return fault(400, "one of Via, From, To, Call-ID and CSeq is missing");
  const via = readVia(text, viaLine);
  if (isFault(via)) return via;
  const from = readFromTo(text, fromLine);
  if (isFault(from)) return from;
  const to = readFromTo(text, toLine);
  if (isFault(to)) return to;
  const callId = readCallId(text, callIdLine);
  if (isFault(callId)) return callId;
  const cseq = readCSeq(message, cseqLine);
  if (isFault(cseq)) return cseq;
  const maxForwards = maxForwardsLine === undefined ? undefined : readMaxForwards(text, maxForwardsLine);
  if (isFault(maxForwards)) return maxForwards;
  return { via, from: from.address, to: to.address, fromTag: from.tag, toTag: to.tag, callId, cseq, maxForwards };
}

// In the usual spelling each is read in place; otherwise, and from a long message, it is cut out.

function readVia(text: string, line: HeaderLine): Via | Fault {
  if (!isLong(text)) return fastVia(text, valueStart(text, line), valueEnd(text, line)) ?? parseVia(firstElement(valueOf(text, line)));
  const value = valueOf(text, line);
  return fastVia(value, 0, value.length) ?? parseVia(firstElement(value));
}

function readFromTo(text: string, line: HeaderLine): FromToHeader | Fault {
  if (!isLong(text)) return fastFromTo(text, valueStart(text, line), valueEnd(text, line)) ?? parseFromTo(valueOf(text, line));
  const value = valueOf(text, line);
  return fastFromTo(value, 0, value.length) ?? parseFromTo(value);
}

function readCSeq(message: Message, line: HeaderLine): CSeq | Fault {
  const { text } = message;
  const method = message.kind === "request" ? message.method : "INVITE";
  const usual = fastCSeq(text, valueStart(text, line), valueEnd(text, line), method);
  if (usual !== undefined) return usual;
  const cseq = parseCSeq(valueOf(text, line));
  if (isFault(cseq)) return cseq;
  return message.kind === "request" && cseq.method !== method ? fault(400, "the method of CSeq is not the request's") : cseq;
}

function readMaxForwards(text: string, line: HeaderLine): number | Fault {
  const number = numberIn(text, line);
  return number >= 0 && number <= 255 ? number : fault(400, "Max-Forwards is not a number from 0 to 255");
}

/** Names and tokens are made of it. RFC 3261 has no limit; clients use 20 to 60 characters. */
const maxCallId = 1000;

function readCallId(text: string, line: HeaderLine): string | Fault {
  const callId = valueOf(text, line);
  if (callId.length > maxCallId) return fault(400, `the Call-ID is longer than ${maxCallId} characters`);
  return fits(fastCallId, callId, 0, callId.length) ? callId : fault(400, "the Call-ID is malformed");
}

function firstElement(value: string): string {
  return value.includes(",") ? (splitList(value)[0] ?? "") : value;
}
