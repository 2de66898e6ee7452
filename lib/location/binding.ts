import type { PhoneId } from "../transport/identifiers.ts";
import type { Keyring } from "../authentication/keyring.ts";
import type { PushDevice } from "../push/push-device.ts";
import { plainHash } from "../syntax/plain-hash.ts";

/** A binding of the address of record to a phone (RFC 3261 §10), as stored in its row. */
export interface Binding {
  /** What identifies the binding: instance and reg-id (RFC 5626 §6), or else the contact URI. */
  readonly key: string;
  /** The phone it leads to: equal for all flows of one instance. */
  readonly phone: PhoneId;
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
  /** Milliseconds; the end that the row knows. The flow that carries the binding may know a later one. */
  readonly expires: number;
  /** Milliseconds; the row's lease, at or after `expires`: until then a refresh need not write. */
  readonly lease: number;
  /** The phone has asked for a GRUU (RFC 5627 §5.1). */
  readonly wantsGruu?: boolean;
  /** Milliseconds; until when the server waits for the phone, whose flow is gone. */
  readonly awayUntil?: number | undefined;
  /** Where push notifications wake the phone, after its flow has gone too (RFC 8599). */
  readonly push?: PushDevice | undefined;
  /** It can be woken, and was registered with a token. */
  readonly isByToken?: true;
  /** Made by an administrator for an address without a phone (RFC 3261 §10.2). */
  readonly isStatic?: boolean;
}

/** The identity of a phone, eight characters: from its instance, or from its contact if it has none. */
export function phoneOf(keyring: Keyring, instance: string | undefined, contact: string): PhoneId {
  return keyring.mac("phone", instance ?? contact).slice(0, 8);
}

/** A phone that only a token is known of, and its Contact: no phone that is registered has this name. */
export function phoneOfToken(keyring: Keyring, token: string, contact: string): PhoneId {
  return keyring.mac("phone", `token ${token} ${contact}`).slice(0, 8);
}

/** Characters. For a longer contact the key has its beginning and a hash, because flows keep keys in their attachments. */
const maxInKey = 400;

/** RFC 5626 §6: instance and reg-id together replace; without both, the contact URI decides (RFC 3261 §10.3 step 7). */
export function bindingKey(instance: string | undefined, regId: number | undefined, contact: string): PhoneId {
  if (instance !== undefined && regId !== undefined) return `instance ${instance} ${regId}`;
  return `contact ${contact.length > maxInKey ? `${contact.slice(0, 100)} ${plainHash(contact)}` : contact}`;
}
