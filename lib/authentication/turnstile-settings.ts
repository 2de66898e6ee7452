import type { Keyring } from "./keyring.ts";

/** Guests of a domain get tokens on its pages if Turnstile takes them for people. */
export interface TurnstileSettings {
  /** Of the widget, by which its responses are verified. "" if no key that we have opens it. */
  readonly secret: string;
  /** Whom the guests may call: canonical user parts. */
  readonly users: readonly string[];
  /** The hosts of the pages with the widget; absent: those that the widget's own settings allow. */
  readonly hostnames?: readonly string[];
  /** How long a token is valid. */
  readonly seconds: number;
  /** Limits of each token. */
  readonly maximumCalls?: number;
  readonly maximumSeconds?: number;
}

/** As they are stored. */
interface StoredTurnstile {
  readonly open: Omit<TurnstileSettings, "secret">;
  readonly sealed: string;
}

/** Settings as they are stored: the secret sealed with the first key, bound to the domain. */
export function writeTurnstile({ secret, ...open }: TurnstileSettings, domain: string, keyring: Keyring): string {
  return JSON.stringify({ open, sealed: keyring.seal("turnstile-secret", secret, domain) } satisfies StoredTurnstile);
}

export function readTurnstile(stored: string, domain: string, keyring: Keyring | undefined): TurnstileSettings {
  const { open, sealed } = JSON.parse(stored) as StoredTurnstile;
  return { ...open, secret: keyring?.open("turnstile-secret", sealed, domain) ?? "" };
}
