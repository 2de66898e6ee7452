/** An element of DER (X.690): its tag, and where its contents are. */
export interface Element {
  readonly tag: number;
  readonly from: number;
  readonly to: number;
}

/** Octets of the length of a length. */
const maxLengthOctets = 3;

/** The element at a place; undefined if it is malformed, or does not end before `end`. */
export function elementAt(octets: Uint8Array, at: number, end: number): Element | undefined {
  const tag = octets[at];
  const first = octets[at + 1];
  // Tags of several octets occur in no certificate.
  if (tag === undefined || first === undefined || at + 2 > end || (tag & 31) === 31) return undefined;
  let from = at + 2;
  let length = first;
  if (first >= 128) {
    const count = first & 127;
    if (count === 0 || count > maxLengthOctets || from + count > end) return undefined;
    length = 0;
    for (let index = 0; index < count; index += 1) length = length * 256 + (octets[from + index] ?? 0);
    from += count;
  }
  return from + length > end ? undefined : { tag, from, to: from + length };
}

/** The elements in an element, at most 1000; undefined if they are malformed. */
export function childrenOf(octets: Uint8Array, { from, to }: Pick<Element, "from" | "to">): readonly Element[] | undefined {
  const children: Element[] = [];
  for (let at = from; at < to;) {
    const child = elementAt(octets, at, to);
    if (child === undefined || children.length === maxChildren) return undefined;
    children.push(child);
    at = child.to;
  }
  return children;
}

const maxChildren = 1000;

/** The characters of an element. */
export function textOf(octets: Uint8Array, { from, to }: Element): string {
  return String.fromCharCode(...octets.subarray(from, Math.min(to, from + maxTextLength)));
}

const maxTextLength = 256;

/** A number that is not negative, of at most six octets. */
export function integerOf(octets: Uint8Array, { tag, from, to }: Element): number | undefined {
  if (tag !== 2 || from === to || to - from > 6 || (octets[from] ?? 0) >= 128) return undefined;
  return octets.subarray(from, to).reduce((value, octet) => value * 256 + octet, 0);
}
