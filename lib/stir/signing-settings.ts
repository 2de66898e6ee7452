import type { Keyring } from "../authentication/keyring.ts";
import type { AttestationPolicy } from "./attestation.ts";

/** How the calls of a domain are signed. */
export interface SigningSettings {
  /** The URL of the certificate, which everybody who is called has to be able to read. */
  readonly x5u: string;
  /** The private key as a JSON Web Key in JSON (RFC 7517), on the curve P-256. */
  readonly key: string;
  readonly policy: AttestationPolicy;
  /** Prefixes of the domain's numbers, without a plus, besides those that its users have. */
  readonly numbers: readonly string[];
}

/** Settings as they were read: if no key that we have opens the private key, that is empty. */
export interface ReadSigningSettings {
  readonly settings: SigningSettings;
  readonly isLost: boolean;
}

interface StoredSigningSettings {
  readonly open: Omit<SigningSettings, "key">;
  readonly sealed: string;
}

/** Settings as they are stored: the private key sealed with the first key, bound to the domain. */
export function writeSigningSettings({ key, ...open }: SigningSettings, domain: string, keyring: Keyring): string {
  return JSON.stringify({ open, sealed: keyring.seal("signing-key", key, domain) } satisfies StoredSigningSettings);
}

/** @param keyring undefined if there is no key, so that the private key cannot be opened */
export function readSigningSettings(stored: string, domain: string, keyring: Keyring | undefined): ReadSigningSettings {
  const { open, sealed } = JSON.parse(stored) as StoredSigningSettings;
  const key = keyring?.open("signing-key", sealed, domain);
  return { settings: { ...open, key: key ?? "" }, isLost: key === undefined };
}
