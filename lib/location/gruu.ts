import type { Keyring } from "../authentication/keyring.ts";

const prefix = "tgruu.";

/** What a temporary GRUU hides (RFC 5627 §3.1.2). */
export interface TemporaryGruu {
  readonly user: string;
  readonly instance: string;
  /** Call-ID of the registration in which it was made; a registration with another one ends it. */
  readonly registration: string;
}

/** What a parameter of a SIP URI cannot hold unescaped (RFC 3261 §25.1 paramchar). */
const notInParameter = /[^\w\-.!~*'()[\]/:&+$]/gu;

/** The public GRUU of an instance: the address of record with the instance in `gr` (RFC 5627 §3.1.1). */
export function publicGruu(user: string, domain: string, instance: string): string {
  return `sip:${user}@${domain};gr=${instance.toWellFormed().replace(notInParameter, encodeURIComponent)}`;
}

/**
 * A temporary GRUU, different for each refresh (its CSeq is in it) and meaningless to all but us (RFC 5627 §5.4).
 * It needs no memory: it is the sealed name of what it stands for.
 */
export function temporaryGruu(keyring: Keyring, domain: string, gruu: TemporaryGruu, cseq: number): string {
  const token = keyring.seal("temporary-gruu", JSON.stringify([gruu.user, gruu.instance, gruu.registration, cseq]), domain);
  return `sip:${prefix}${token}@${domain};gr`;
}

/** Opens the user part of a temporary GRUU; undefined if it is none of ours. */
export function openTemporaryGruu(keyring: Keyring, userPart: string, domain: string): TemporaryGruu | undefined {
  if (!userPart.startsWith(prefix)) return undefined;
  const text = keyring.open("temporary-gruu", userPart.slice(prefix.length), domain);
  if (text === undefined) return undefined;
  const [user, instance, registration] = JSON.parse(text) as [string, string, string];
  return { user, instance, registration };
}
