import type { Keyring } from "../authentication/keyring.ts";
import { plainHash } from "../syntax/plain-hash.ts";

/** A binding of the address of record to a phone (RFC 3261 §10), as its row holds it. */
export interface Binding {
  /** What makes it the same binding: instance and reg-id (RFC 5626 §6), or else the contact URI. */
  readonly key: string;
  /** The phone it leads to: equal for all flows of one instance. */
  readonly phone: string;
  /** The Contact URI as registered. */
  readonly contact: string;
  /** The Contact's other parameters as registered, with their semicolons, without `expires`. */
  readonly parameters: string;
  readonly instance: string | undefined;
  readonly regId: number | undefined;
  /** Thousandths, 0 to 1000. */
  readonly q: number;
  readonly path: readonly string[];
  readonly callId: string;
  readonly cseq: number;
  /** Milliseconds; the exact end, as far as the row knows. A flow that carries the binding may know a later one. */
  readonly expires: number;
  /** Milliseconds; the row's lease, at or after `expires`: until then a refresh need not write. */
  readonly lease: number;
  /** The phone has asked for a GRUU (RFC 5627 §5.1). */
  readonly wantsGruu?: boolean;
  /** Milliseconds; until when its phone is waited for, whose flow is gone. */
  readonly awayUntil?: number | undefined;
  /** Made by an administrator for an address, where no phone is (RFC 3261 §10.2). */
  readonly isStatic?: boolean;
}

/** The identity of a phone: of its instance, if it told one, else of its contact. Eight characters. */
export function phoneOf(keyring: Keyring, instance: string | undefined, contact: string): string {
  return keyring.mac("phone", instance ?? contact).slice(0, 8);
}

/** Characters: of a longer contact the key has the beginning and a hash, since flows carry keys in their attachments. */
const maxInKey = 400;

/** RFC 5626 §6: instance and reg-id together replace; without both, the contact URI decides (RFC 3261 §10.3 step 7). */
export function bindingKey(instance: string | undefined, regId: number | undefined, contact: string): string {
  if (instance !== undefined && regId !== undefined) return `instance ${instance} ${regId}`;
  return `contact ${contact.length > maxInKey ? `${contact.slice(0, 100)} ${plainHash(contact)}` : contact}`;
}
