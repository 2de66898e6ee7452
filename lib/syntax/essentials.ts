import { isDigits } from "./characters.ts";
import { type CSeq, parseCSeq } from "./cseq.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { splitList } from "./list.ts";
import { type HeaderLine, type Message, valueOf } from "./message.ts";
import { type NameAddress, parseNameAddress, tagOf } from "./name-address.ts";
import { parseUri } from "./uri.ts";
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

/** Headers of which there may be only one. */
const single = ["from", "to", "call-id", "cseq", "max-forwards", "content-length"];

export function readEssentials(message: Message): Essentials | Fault {
  const first: Record<string, HeaderLine> = Object.create(null);
  for (const line of message.lines) {
    if (first[line.name] === undefined) first[line.name] = line;
    else if (single.includes(line.name)) return fault(400, `there is more than one ${line.name} header`);
  }
  const value = (name: string) => {
    const line = first[name];
    return line === undefined ? undefined : valueOf(message.text, line);
  };
  const missing = ["via", "from", "to", "call-id", "cseq"].find((name) => first[name] === undefined);
  if (missing !== undefined) return fault(400, `the ${missing} header is missing`);
  const via = parseVia(firstElement(value("via") ?? ""));
  if (isFault(via)) return via;
  const from = readParty(value("from") ?? "");
  if (isFault(from)) return from;
  const to = readParty(value("to") ?? "");
  if (isFault(to)) return to;
  const callId = value("call-id") ?? "";
  if (callId === "" || /[\s,;]/.test(callId)) return fault(400, "the Call-ID is malformed");
  const cseq = parseCSeq(value("cseq") ?? "");
  if (isFault(cseq)) return cseq;
  if (message.kind === "request" && cseq.method !== message.method) return fault(400, "the method of CSeq is not the request's");
  const maxForwards = readMaxForwards(value("max-forwards"));
  if (isFault(maxForwards)) return maxForwards;
  return { via, from, to, fromTag: tagOf(from), toTag: tagOf(to), callId, cseq, maxForwards };
}

function firstElement(value: string): string {
  return value.includes(",") ? (splitList(value)[0] ?? "") : value;
}

function readParty(value: string): NameAddress | Fault {
  const address = parseNameAddress(value);
  if (isFault(address)) return address;
  const uri = parseUri(address.uri);
  return isFault(uri) ? uri : address;
}

function readMaxForwards(value: string | undefined): number | undefined | Fault {
  if (value === undefined) return undefined;
  return isDigits(value) && Number(value) <= 255 ? Number(value) : fault(400, "Max-Forwards is not a number from 0 to 255");
}
