import { type Hop, locate, type LocateOptions } from "../../../../lib/routing/locate.ts";
import type { Answer, Ask, Known, Question, QuestionType, ResourceRecord } from "../../../../lib/routing/question.ts";
import { type Fault, isFault } from "../../../../lib/syntax/fault.ts";
import { parseUri, type SipUri } from "../../../../lib/syntax/uri.ts";

/** Lines like those of a zone file: `name type data`; the data FAILED is a server that does not answer. Names without records have none. */
export type Zone = readonly string[];

export function knownFrom(zone: Zone): (question: Question) => Answer {
  return ({ name, type }) => {
    const lines = zone.map((line) => line.split(" ")).filter(([owner, kind]) => owner === name && kind === type);
    if (lines.some(([, , first]) => first === "FAILED")) return { kind: "failed" };
    if (lines.length === 0) return { kind: "none", ttl: 60 };
    return { kind: "records", ttl: 300, records: lines.map(([, , ...fields]) => recordOf(type, fields)) };
  };
}

function recordOf(type: QuestionType, fields: readonly string[]): ResourceRecord {
  const [one = "", two = "", three = "", four = "", five = "", six = ""] = fields;
  if (type === "NAPTR")
    return {
      type,
      order: Number(one),
      preference: Number(two),
      flags: unquoted(three),
      services: unquoted(four),
      regexp: unquoted(five),
      replacement: six,
    };
  if (type === "SRV") return { type, priority: Number(one), weight: Number(two), port: Number(three), target: four };
  return { type, address: one };
}

/** An empty field is written as "-". */
function unquoted(field: string): string {
  return field === "-" ? "" : field;
}

/** Asks round by round until there is a result; tells what was asked in each. */
export function settle<T>(
  zone: Zone,
  attempt: (known: Known) => T | Ask,
): { readonly result: T; readonly rounds: readonly (readonly string[])[] } {
  const learned = new Map<string, Answer>();
  const rounds: string[][] = [];
  const keyOf = ({ name, type }: Question): string => `${name} ${type}`;
  for (;;) {
    const result = attempt((question) => learned.get(keyOf(question)));
    if (!isAsk(result)) return { result, rounds };
    if (result.questions.length === 0 || rounds.length > 10) throw new Error("an endless search");
    rounds.push(result.questions.map(keyOf));
    for (const question of result.questions) learned.set(keyOf(question), knownFrom(zone)(question));
  }
}

function isAsk(result: unknown): result is Ask {
  return typeof result === "object" && result !== null && "kind" in result && result.kind === "ask";
}

export function sipUri(text: string): SipUri {
  const uri = parseUri(text);
  if (isFault(uri) || uri.kind !== "sip") throw new Error(`no SIP URI: ${text}`);
  return uri;
}

export function locateIn(
  zone: Zone,
  uri: string,
  options: Partial<LocateOptions> = {},
): ReturnType<typeof settle<Fault | { readonly hops: readonly Hop[] }>> {
  const all: LocateOptions = { transports: ["tls", "tcp", "wss"], random: () => 0, ...options };
  return settle(zone, (known) => locate(sipUri(uri), known, all));
}

/** The hops, `transport address:port`, or the status of the fault. */
export function shown(result: Fault | { readonly hops: readonly Hop[] }): string {
  if (isFault(result)) return String(result.status);
  return result.hops
    .map(({ transport, address, port }) => `${transport} ${address.includes(":") ? `[${address}]` : address}:${port}`)
    .join(", ");
}
