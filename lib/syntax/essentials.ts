import { numberBetween } from "./characters.ts";
import { type CSeq, parseCSeq, usualCSeq } from "./cseq.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { splitList } from "./list.ts";
import { type HeaderLine, type Message, valueEnd, valueOf, valueStart } from "./message.ts";
import type { NameAddress } from "./name-address.ts";
import { type Party, parseParty, usualParty } from "./party.ts";
import { type Via, parseVia, usualVia } from "./via.ts";

/** What every element reads of every message, checked once (RFC 3261 §8.1.1, §16.3 step 1). */
export interface Essentials {
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

/** Reads and checks them. A header that may stand once and stands twice is a fault. */
export function readEssentials(message: Message): Essentials | Fault {
  const found = findFirst(message);
  if (isFault(found)) return found;
  const via = readVia(message.text, found.via);
  if (isFault(via)) return via;
  const from = readParty(message.text, found.from);
  if (isFault(from)) return from;
  const to = readParty(message.text, found.to);
  if (isFault(to)) return to;
  const callId = valueOf(message.text, found.callId);
  if (!isCallId(callId)) return fault(400, "the Call-ID is malformed");
  const cseq = readCSeq(message, found.cseq);
  if (isFault(cseq)) return cseq;
  const maxForwards = found.maxForwards === undefined ? undefined : readMaxForwards(message.text, found.maxForwards);
  if (isFault(maxForwards)) return maxForwards;
  return { via, from: from.address, to: to.address, fromTag: from.tag, toTag: to.tag, callId, cseq, maxForwards };
}

// Each is read where it stands in the text if it is written as nearly all phones do, and otherwise cut out for the general reader.

function readVia(text: string, line: HeaderLine): Via | Fault {
  return usualVia(text, valueStart(text, line), valueEnd(text, line)) ?? parseVia(firstElement(valueOf(text, line)));
}

function readParty(text: string, line: HeaderLine): Party | Fault {
  return usualParty(text, valueStart(text, line), valueEnd(text, line)) ?? parseParty(valueOf(text, line));
}

function readCSeq(message: Message, line: HeaderLine): CSeq | Fault {
  const { text } = message;
  const method = message.kind === "request" ? message.method : "INVITE";
  const usual = usualCSeq(text, valueStart(text, line), valueEnd(text, line), method);
  if (usual !== undefined) return usual;
  const cseq = parseCSeq(valueOf(text, line));
  if (isFault(cseq)) return cseq;
  return message.kind === "request" && cseq.method !== method ? fault(400, "the method of CSeq is not the request's") : cseq;
}

function readMaxForwards(text: string, line: HeaderLine): number | Fault {
  const value = valueOf(text, line);
  const number = numberBetween(value, 0, value.length);
  return number >= 0 && number <= 255 ? number : fault(400, "Max-Forwards is not a number from 0 to 255");
}

interface FirstLines {
  readonly via: HeaderLine;
  readonly from: HeaderLine;
  readonly to: HeaderLine;
  readonly callId: HeaderLine;
  readonly cseq: HeaderLine;
  readonly maxForwards: HeaderLine | undefined;
}

function findFirst(message: Message): FirstLines | Fault {
  let via: HeaderLine | undefined;
  let from: HeaderLine | undefined;
  let to: HeaderLine | undefined;
  let callId: HeaderLine | undefined;
  let cseq: HeaderLine | undefined;
  let maxForwards: HeaderLine | undefined;
  let hasLength = false;
  let twice: string | undefined;
  for (const line of message.lines) {
    switch (line.name) {
      case "via":
        via ??= line;
        break;
      case "from":
        if (from === undefined) from = line;
        else twice = line.name;
        break;
      case "to":
        if (to === undefined) to = line;
        else twice = line.name;
        break;
      case "call-id":
        if (callId === undefined) callId = line;
        else twice = line.name;
        break;
      case "cseq":
        if (cseq === undefined) cseq = line;
        else twice = line.name;
        break;
      case "max-forwards":
        if (maxForwards === undefined) maxForwards = line;
        else twice = line.name;
        break;
      case "content-length":
        if (!hasLength) hasLength = true;
        else twice = line.name;
        break;
      default:
    }
  }
  if (twice !== undefined) return fault(400, `there is more than one ${twice} header`);
  if (via === undefined || from === undefined || to === undefined || callId === undefined || cseq === undefined) {
    return fault(400, "one of Via, From, To, Call-ID and CSeq is missing");
  }
  return { via, from, to, callId, cseq, maxForwards };
}

/** Anything visible but what would end it in a list or a parameter (RFC 3261 §25.1 callid, generously). */
function isCallId(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= 32 || code === 44 || code === 59) return false;
  }
  return text !== "";
}

function firstElement(value: string): string {
  return value.includes(",") ? (splitList(value)[0] ?? "") : value;
}
