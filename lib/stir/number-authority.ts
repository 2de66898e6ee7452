import { type Element, childrenOf, integerOf, textOf } from "./der.ts";

/** The numbers that the holder of a certificate may sign for (RFC 8226 §9). */
export interface NumberAuthority {
  /** Codes of service providers: who has one signs for the numbers of its customers, which the certificate does not list. */
  readonly providers: readonly string[];
  readonly ranges: readonly { readonly start: string; readonly count: number }[];
}

/** The value of the extension TNAuthList; undefined if it is malformed. */
export function readNumberAuthority(octets: Uint8Array, extension: Element): NumberAuthority | undefined {
  const [list, ...more] = childrenOf(octets, extension) ?? [];
  const entries = list?.tag === sequence && more.length === 0 ? childrenOf(octets, list) : undefined;
  if (entries === undefined || entries.length === 0) return undefined;
  const providers: string[] = [];
  const ranges: { readonly start: string; readonly count: number }[] = [];
  for (const entry of entries) {
    const [value, ...others] = childrenOf(octets, entry) ?? [];
    if (value === undefined || others.length > 0) return undefined;
    if (entry.tag === spc && value.tag === ia5) providers.push(textOf(octets, value));
    else if (entry.tag === one && value.tag === ia5) ranges.push({ start: textOf(octets, value), count: 1 });
    else {
      const range = entry.tag === severalNumbers && value.tag === sequence ? readRange(octets, value) : undefined;
      if (range === undefined) return undefined;
      ranges.push(range);
    }
  }
  return { providers, ranges };
}

/** RFC 8226 §9: the tags of TNEntry are explicit. */
const [spc, severalNumbers, one, sequence, ia5] = [0xa0, 0xa1, 0xa2, 0x30, 0x16] as const;

function readRange(octets: Uint8Array, element: Element): { readonly start: string; readonly count: number } | undefined {
  const [start, length, ...more] = childrenOf(octets, element) ?? [];
  const count = length === undefined ? undefined : integerOf(octets, length);
  if (start?.tag !== ia5 || count === undefined || more.length > 0) return undefined;
  return { start: textOf(octets, start), count };
}

/** Whether the holder may sign for a number: as a service provider for any. */
export function coversNumber({ providers, ranges }: NumberAuthority, number: string): boolean {
  return providers.length > 0 || ranges.some((range) => isWithin(range, number));
}

/** Whether an issuer may let the holder of a certificate sign for all that this one names (RFC 9060). */
export function encompasses(issuer: NumberAuthority, { providers, ranges }: NumberAuthority): boolean {
  const last = ({ start, count }: NumberAuthority["ranges"][number]) =>
    String(BigInt(start) + BigInt(count - 1)).padStart(start.length, "0");
  const isCovered = (range: NumberAuthority["ranges"][number]) =>
    issuer.providers.length > 0 ||
    issuer.ranges.some(
      (one) => isWithin(one, range.start) && (range.count === 1 || (/^\d+$/.test(range.start) && isWithin(one, last(range)))),
    );
  return providers.every((provider) => issuer.providers.includes(provider)) && ranges.every(isCovered);
}

function isWithin({ start, count }: NumberAuthority["ranges"][number], number: string): boolean {
  if (start === number) return true;
  if (start.length !== number.length || !/^\d+$/.test(start) || !/^\d+$/.test(number)) return false;
  const offset = BigInt(number) - BigInt(start);
  return offset >= 0n && offset < BigInt(count);
}
