import type { PhoneId } from "../transport/identifiers.ts";
import type { Keyring } from "../authentication/keyring.ts";
import { plainHash } from "../syntax/plain-hash.ts";
import { memoised } from "../syntax/memoise.ts";
import { isFault } from "../syntax/fault.ts";
import { parameter } from "../syntax/parameters.ts";
import { parseUri } from "../syntax/uri.ts";
import type { Binding } from "./binding.ts";

const prefix = "tgruu.";

/** The content of a temporary GRUU (RFC 5627 §3.1.2). */
export interface TemporaryGruu {
  readonly user: string;
  /** The phone, as its bindings name it. */
  readonly phone: PhoneId;
  /** The registration in which it was made, by `registrationMark`; a new registration of the phone ends it. */
  readonly registration: string;
}

/** Identifies a registration: its Call-ID, shortened. */
export const registrationMark: (callId: string) => string = memoised(plainHash);

/** Characters that a parameter of a SIP URI must escape (RFC 3261 §25.1 paramchar). */
const notInParameter = /[^\w\-.!~*'()[\]/:&+$]/gu;

/** The public GRUU of an instance: the address of record with the instance in `gr` (RFC 5627 §3.1.1). */
export function publicGruu(user: string, domain: string, instance: string): string {
  return `sip:${user}@${domain};gr=${escaped(instance)}`;
}

const escaped = memoised((instance) => instance.toWellFormed().replace(notInParameter, encodeURIComponent));

/**
 * A temporary GRUU, different for each refresh (it contains the CSeq) and opaque to all others (RFC 5627 §5.4). It needs no stored state:
 * its content is sealed in it.
 */
export function temporaryGruu(keyring: Keyring, domain: string, { user, phone, registration }: TemporaryGruu, cseq: number): string {
  const token = keyring.seal("temporary-gruu", `${phone}\n${registration}\n${cseq}\n${user}`, domain);
  return `sip:${prefix}${token}@${domain};gr`;
}

/** Opens the user part of a temporary GRUU; undefined if it is not one of ours. */
export function openTemporaryGruu(keyring: Keyring, userPart: string, domain: string): TemporaryGruu | undefined {
  if (!userPart.startsWith(prefix)) return undefined;
  const text = keyring.open("temporary-gruu", userPart.slice(prefix.length), domain);
  if (text === undefined) return undefined;
  const [phone, registration, , user] = text.split("\n") as [string, string, string, string];
  return { user, phone, registration };
}

/**
 * Outside a dialog a GRUU is for one phone, whose bindings become the targets: by the instance of a public GRUU, or by the phone and
 * registration of a temporary one (RFC 5627 §5.1). Any binding fits an address of record.
 */
export function isNamedByGruu(
  binding: Pick<Binding, "instance" | "phone" | "callId">,
  { instance, registration }: { readonly instance: string | undefined; readonly registration: string | undefined },
): boolean {
  if (instance === undefined) return true;
  if (registration === undefined) return binding.instance?.toLowerCase() === instance.toLowerCase();
  return binding.phone === instance && registrationMark(binding.callId) === registration;
}

/**
 * Within a dialog the route has led to the phone already: a GRUU in the Request-URI becomes its contact (RFC 5627 §6.1).
 * @returns undefined for any other URI, which stays
 */
export function contactForGruu(
  requestUri: string,
  bound: readonly { readonly phone: PhoneId; readonly contact: string }[],
  phone: PhoneId,
): string | undefined {
  const uri = parseUri(requestUri);
  if (isFault(uri) || uri.kind !== "sip" || parameter(uri.parameters, "gr") === undefined) return undefined;
  return bound.find((one) => one.phone === phone)?.contact;
}
