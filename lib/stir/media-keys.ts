import type { MediaKey } from "./passport.ts";

/** The certificate fingerprints of a session description as a PASSporT has them (RFC 8224 §4.1), each once and in the order of RFC 8225 §5.2.2. */
export function mediaKeysOf(description: string | undefined): readonly MediaKey[] {
  const lines = (description ?? "").match(/^a=fingerprint:[^\r\n]{1,300}/gim) ?? [];
  const keys = new Map<string, MediaKey>();
  for (const line of lines) {
    const [, alg = "", digest = ""] = /^a=fingerprint:([\w-]+) ([0-9A-Fa-f:]+)\s*$/i.exec(line) ?? [];
    const key = { alg: alg.toLowerCase(), dig: digest.replaceAll(":", "").toUpperCase() };
    keys.set(nameOf(key), key);
  }
  return [...keys.values()].sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}

/** Whether a PASSporT names the same fingerprints, in any order. */
export function areSameMediaKeys(ones: readonly MediaKey[], others: readonly MediaKey[]): boolean {
  const names = (keys: readonly MediaKey[]) => [...new Set(keys.map(nameOf))].sort().join("\n");
  return names(ones) === names(others);
}

function nameOf({ alg, dig }: MediaKey): string {
  return `${alg} ${dig}`;
}
