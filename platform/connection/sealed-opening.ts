import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { Keyring } from "../../lib/authentication/keyring.ts";
import type { Members } from "../../lib/transport/older-shapes.ts";
import { type Opening, readOpening } from "../../lib/transport/opening.ts";

/**
 * The header in which the edge proxy describes a socket to a home: sealed, because a runtime may log headers, and the row has HA1 values.
 */
export const openingHeader = "offhook-opening";

/** For one home: another one cannot open it. */
export function sealOpening(keyring: Keyring, home: HomeName, opening: Opening): string {
  return keyring.seal("opening", JSON.stringify(opening), home);
}

/** @throws Error if it was not sealed for this home with a key of ours: only our own edge proxy connects here */
export function openOpening(keyring: Keyring, home: HomeName, sealed: string | null): Opening {
  const text = keyring.open("opening", sealed ?? "", home);
  if (text === undefined) throw new Error("a socket came without a sealed opening: are the SEAL_KEYS of Worker and homes the same?");
  return readOpening(JSON.parse(text) as Members);
}
