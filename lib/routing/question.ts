export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly services: string;
  readonly regexp: string;
  readonly replacement: string;
}

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** What each type of question is answered with; A and AAAA with numeric addresses, without brackets. */
export interface RecordTypes {
  readonly NAPTR: NaptrRecord;
  readonly SRV: SrvRecord;
  readonly A: string;
  readonly AAAA: string;
}

export type QuestionType = keyof RecordTypes;

export interface Question {
  /** In lower case, without the dot of the root. */
  readonly name: string;
  readonly type: QuestionType;
}

/** How the records of a question are kept: the answer to a question of type T holds records of type T. */
export type Answer<T extends QuestionType = QuestionType> =
  | { readonly kind: "records"; readonly records: readonly RecordTypes[T][]; readonly ttl: number }
  /** No such name, or nothing of this type under it; the time to live of that knowledge in seconds (RFC 2308 §5). */
  | { readonly kind: "none"; readonly ttl: number }
  | { readonly kind: "failed" };

/** The answers that there are so far; undefined for a question that was not asked yet. */
export type Known = <T extends QuestionType>(question: Question & { readonly type: T }) => Answer<T> | undefined;

/** Says what is to be asked before the same function can be called again and go on. */
export interface Ask {
  readonly kind: "ask";
  readonly questions: readonly Question[];
}

/** One walk through what is known: it gathers what is missing and remembers whether a lookup has failed. */
export interface Inquiry {
  readonly known: Known;
  readonly missing: Question[];
  hasFailed: boolean;
}

export function openInquiry(known: Known): Inquiry {
  return { known, missing: [], hasFailed: false };
}

/** The records under a name; none while they are still to be asked for. A text that cannot be a name has none. */
export function look<T extends QuestionType>(inquiry: Inquiry, written: string, type: T): readonly RecordTypes[T][] {
  const name = canonicalName(written);
  if (!isName(name)) return [];
  const question = { name, type };
  const answer = inquiry.known(question);
  if (answer === undefined) inquiry.missing.push(question);
  else if (answer.kind === "records") return answer.records;
  else if (answer.kind === "failed") inquiry.hasFailed = true;
  return [];
}

export function canonicalName(written: string): string {
  const name = written.toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** RFC 1035 §2.3.4: labels of at most 63 octets, names of at most 255 octets on the wire. */
function isName(name: string): boolean {
  return name.length <= 253 && name.split(".").every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
}
