import type { Keyring } from "../authentication/keyring.ts";

/**
 * Random numbers that are the same for the same seed: if a call is looked up again, after an eviction or for its CANCEL, the servers are in
 * the same order.
 */
export function randomFor({ hash }: Pick<Keyring, "hash">, seed: string): (n: number) => number {
  let count = 0;
  return (n) => {
    count += 1;
    return Number.parseInt(hash("sha256", `${seed} ${count}`).slice(0, 8), 16) % n;
  };
}
