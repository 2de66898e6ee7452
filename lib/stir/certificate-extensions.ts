import { type Element, childrenOf, elementAt, integerOf } from "./der.ts";
import { type NumberAuthority, readNumberAuthority } from "./number-authority.ts";

/** What the extensions of a certificate allow (RFC 5280 §4.2). */
export interface CertificateExtensions {
  readonly isAuthority: boolean;
  /** How many authorities may be below it; undefined: any number. */
  readonly pathLength: number | undefined;
  /** Its key may sign certificates, or messages. */
  readonly maySignCertificates: boolean;
  readonly maySignMessages: boolean;
  /** The numbers of its holder; undefined: it names none. */
  readonly numbers: NumberAuthority | undefined;
  /** It has a critical extension that this server does not know, or that is malformed: it may not be used. */
  readonly isUnknown: boolean;
}

const [sequence, bitString, octetString, boolean, identifier, extensionsTag] = [0x30, 3, 4, 1, 6, 0xa3] as const;

/** The contents of object identifiers as hexadecimal digits. */
const [basicConstraints, keyUsage, tnAuthList] = ["551d13", "551d0f", "2b0601050507011a"] as const;
/** They bind what is signed, critical or not: the names and the claims that are allowed (RFC 5280 §4.2.1.10, RFC 8226 §8, and its successor). */
const binding = ["551d1e", "2b0601050507011b", "2b06010505070121"];
/** Subject key, subject's other names, policies, authority key, extended key usage, CRL, access to the authority. */
const harmless = ["551d0e", "551d11", "551d20", "551d23", "551d25", "551d1f", "2b06010505070101"];

/** Reads the extensions of a certificate. @param octets in DER @returns undefined if it is malformed */
export function readExtensions(octets: Uint8Array): CertificateExtensions | undefined {
  const certificate = elementAt(octets, 0, octets.length);
  const [signed] = certificate?.tag === sequence ? (childrenOf(octets, certificate) ?? []) : [];
  const fields = signed?.tag === sequence ? childrenOf(octets, signed) : undefined;
  if (fields === undefined) return undefined;
  const wrapper = fields.find(({ tag }) => tag === extensionsTag);
  const [list] = wrapper === undefined ? [] : (childrenOf(octets, wrapper) ?? []);
  const extensions = list === undefined ? [] : childrenOf(octets, list);
  if (extensions === undefined || (wrapper !== undefined && list?.tag !== sequence)) return undefined;
  let found: CertificateExtensions = nothing;
  for (const extension of extensions) found = withExtension(octets, extension, found);
  return found;
}

const nothing: CertificateExtensions = {
  ...{ isAuthority: false, pathLength: undefined, numbers: undefined, isUnknown: false },
  // RFC 5280 §4.2.1.3: without the extension the key is for any use.
  ...{ maySignCertificates: true, maySignMessages: true },
};

function withExtension(octets: Uint8Array, extension: Element, found: CertificateExtensions): CertificateExtensions {
  const unknown = { ...found, isUnknown: true };
  const [name, ...rest] = childrenOf(octets, extension) ?? [];
  const value = rest.at(-1);
  if (name?.tag !== identifier || value?.tag !== octetString) return unknown;
  const isCritical = rest.length > 1 && rest[0]?.tag === boolean && octets[rest[0].from] !== 0;
  const oid = Array.from(octets.subarray(name.from, name.to), (octet) => octet.toString(16).padStart(2, "0")).join("");
  if (oid === basicConstraints) return withConstraints(octets, value, found) ?? unknown;
  if (oid === keyUsage) return withUsage(octets, value, found) ?? unknown;
  if (oid === tnAuthList) {
    const numbers = readNumberAuthority(octets, value);
    return numbers === undefined ? unknown : { ...found, numbers };
  }
  if (binding.includes(oid)) return unknown;
  return isCritical && !harmless.includes(oid) ? unknown : found;
}

/** RFC 5280 §4.2.1.9. */
function withConstraints(octets: Uint8Array, value: Element, found: CertificateExtensions): CertificateExtensions | undefined {
  const inner = elementAt(octets, value.from, value.to);
  const fields = inner?.tag === sequence ? childrenOf(octets, inner) : undefined;
  if (fields === undefined) return undefined;
  const isAuthority = fields[0]?.tag === boolean && octets[fields[0].from] !== 0;
  const length = fields.find(({ tag }) => tag === 2);
  const pathLength = length === undefined ? undefined : integerOf(octets, length);
  return length !== undefined && pathLength === undefined ? undefined : { ...found, isAuthority, pathLength };
}

/** RFC 5280 §4.2.1.3: the bits digitalSignature and keyCertSign. */
function withUsage(octets: Uint8Array, value: Element, found: CertificateExtensions): CertificateExtensions | undefined {
  const bits = elementAt(octets, value.from, value.to);
  if (bits?.tag !== bitString || bits.to - bits.from < 2) return undefined;
  const first = octets[bits.from + 1] ?? 0;
  return { ...found, maySignMessages: (first & 0x80) !== 0, maySignCertificates: (first & 0x04) !== 0 };
}
