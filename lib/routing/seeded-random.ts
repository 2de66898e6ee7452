import type { Keyring } from "../authentication/keyring.ts";

/**
 * Chance that falls the same way each time for the same seed: a call that is looked up again, after a loss of memory or for its
 * CANCEL, finds the same order of servers.
 */
export function randomFor({ hash }: Pick<Keyring, "hash">, seed: string): (n: number) => number {
  let count = 0;
  return (n) => {
    count += 1;
    return Number.parseInt(hash("sha256", `${seed} ${count}`).slice(0, 8), 16) % n;
  };
}
