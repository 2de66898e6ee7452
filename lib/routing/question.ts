export interface NaptrRecord {
  readonly type: "NAPTR";
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly services: string;
  readonly regexp: string;
  readonly replacement: string;
}

export interface SrvRecord {
  readonly type: "SRV";
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** "." if the service is decidedly not available (RFC 2782). */
  readonly target: string;
}

export interface AddressRecord {
  readonly type: "A" | "AAAA";
  /** Numeric, without brackets. */
  readonly address: string;
}

export type ResourceRecord = NaptrRecord | SrvRecord | AddressRecord;
export type QuestionType = ResourceRecord["type"];

export interface Question {
  /** In lower case, without the dot of the root. */
  readonly name: string;
  readonly type: QuestionType;
}

/** The answer of the DNS; times to live are seconds. */
export type Answer =
  | { readonly kind: "records"; readonly records: readonly ResourceRecord[]; readonly ttl: number }
  /** No such name, or no record of this type under it (RFC 2308 §2). */
  | { readonly kind: "none"; readonly ttl: number }
  | { readonly kind: "failed" };

/** The answers so far; undefined for a question that was not sent yet. */
export type Known = (question: Question) => Answer | undefined;

/** Questions that must be answered before the same function is called again. */
export interface Ask {
  readonly kind: "ask";
  readonly questions: readonly Question[];
}

/** One walk through the answers: collects the missing questions, and whether a lookup has failed. */
export interface Inquiry {
  readonly known: Known;
  readonly missing: Question[];
  hasFailed: boolean;
}

export function openInquiry(known: Known): Inquiry {
  return { known, missing: [], hasFailed: false };
}

/** The records under a name; none until the answer is there. A text that cannot be a name has none. */
export function look<T extends QuestionType>(
  inquiry: Inquiry,
  written: string,
  type: T,
): readonly (ResourceRecord & { readonly type: T })[] {
  const name = canonicalName(written);
  if (!isName(name)) return [];
  const answer = inquiry.known({ name, type });
  if (answer?.kind === "records")
    return answer.records.filter((record): record is ResourceRecord & { readonly type: T } => record.type === type);
  if (answer?.kind === "failed") inquiry.hasFailed = true;
  const isMissing = answer === undefined && !inquiry.missing.some((other) => other.name === name && other.type === type);
  if (isMissing) inquiry.missing.push({ name, type });
  return [];
}

/** A name as questions contain it; the root is the empty text. */
export function canonicalName(written: string): string {
  const name = written.toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/**
 * RFC 1035 §2.3.4: labels of at most 63 octets, names of at most 255 octets on the wire. A last label that is a number, also hexadecimal,
 * is not allowed: no top-level domain is one (RFC 3696 §2), and others read it as an address.
 */
function isName(name: string): boolean {
  const labels = name.split(".");
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) return false;
  return name.length <= 253 && labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
}
