import { all, isDigits } from "./characters.ts";
import { type CSeq, parseCSeq } from "./cseq.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { splitList } from "./list.ts";
import { type HeaderLine, type Message, valueOf } from "./message.ts";
import type { NameAddress } from "./name-address.ts";
import { readParty } from "./party.ts";
import { type Via, parseVia } from "./via.ts";

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
  const via = parseVia(firstElement(valueOf(message.text, found.via)));
  if (isFault(via)) return via;
  const from = readParty(valueOf(message.text, found.from));
  if (isFault(from)) return from;
  const to = readParty(valueOf(message.text, found.to));
  if (isFault(to)) return to;
  const callId = valueOf(message.text, found.callId);
  if (callId === "" || !all(callId, isCallIdCode)) return fault(400, "the Call-ID is malformed");
  const cseq = parseCSeq(valueOf(message.text, found.cseq));
  if (isFault(cseq)) return cseq;
  if (message.kind === "request" && cseq.method !== message.method) return fault(400, "the method of CSeq is not the request's");
  const maxForwards = found.maxForwards === undefined ? undefined : readMaxForwards(valueOf(message.text, found.maxForwards));
  if (isFault(maxForwards)) return maxForwards;
  return { via, from: from.address, to: to.address, fromTag: from.tag, toTag: to.tag, callId, cseq, maxForwards };
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
function isCallIdCode(code: number): boolean {
  return code > 32 && code !== 44 && code !== 59;
}

function firstElement(value: string): string {
  return value.includes(",") ? (splitList(value)[0] ?? "") : value;
}

function readMaxForwards(value: string | undefined): number | undefined | Fault {
  if (value === undefined) return undefined;
  return isDigits(value) && Number(value) <= 255 ? Number(value) : fault(400, "Max-Forwards is not a number from 0 to 255");
}
