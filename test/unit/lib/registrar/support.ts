import type { Binding } from "../../../../lib/location/binding.ts";
import { type RegisterInput, type RegisterOutcome, register } from "../../../../lib/registrar/register.ts";
import type { RegistrarSettings } from "../../../../lib/registrar/settings.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { keyring, receive } from "../support/sip.ts";

export const now = 1_700_000_000_000;
export const settings: RegistrarSettings = {
  minimumExpires: 60,
  defaultExpires: 600,
  maximumExpires: 7200,
  pushExpires: 604_800,
  spread: 0,
  maximumContacts: 3,
  leaseFactor: 10,
  flowTimer: 120,
};

/** What a registration is decided from, where nothing else is said: no bindings, no chance. */
export function inputOf(lines: readonly string[], more: Partial<RegisterInput> = {}): RegisterInput {
  const { request, mandatory } = receive("REGISTER sip:example.com", "To: <sip:alice@example.com>", ...lines);
  return { request, mandatory, bindings: [], away: new Set(), now, random: 0, settings, keyring, pushServices: [], ...more };
}

export function decide(lines: readonly string[], more: Partial<RegisterInput> = {}) {
  return register(inputOf(lines, more));
}

/** The outcome of a registration that should be taken. */
export function accepted(lines: readonly string[], more: Partial<RegisterInput> = {}): RegisterOutcome {
  const outcome = decide(lines, more);
  if (isFault(outcome)) throw new Error(`refused with ${outcome.status}: ${outcome.fault}`);
  return outcome;
}

/** The bindings that a registration leaves. */
export function after(lines: readonly string[], more: Partial<RegisterInput> = {}): readonly Binding[] {
  return accepted(lines, more).bindings;
}

export const contactsOf = (bindings: readonly Binding[]): string[] => bindings.map(({ contact }) => contact);

/** The lines of an outbound registration (RFC 5626 §4.2.1). */
export function outbound(contact: string, regId: number | string, instance = "urn:uuid:1"): string {
  return `Contact: <${contact}>;reg-id=${regId};+sip.instance="<${instance}>"`;
}
