import type { JSONWebKeySet } from "jose";
import type { TokenIssuer } from "../../lib/authentication/token-issuer.ts";
import { type FetchedKeys, IssuerStore, type KnownIssuer } from "../directory/issuer-store.ts";
import type { Environment } from "../environment.ts";
import { SharedQuestions } from "../shared-questions.ts";
import { KeySetFault, fetchKeySet, readKeySet } from "./key-set-fetch.ts";

/** Milliseconds: a key set is fetched again after this time; it counts for so long while it cannot be fetched; pause between attempts. */
const [fresh, lastResort, pause] = [600_000, 86_400_000, 30_000] as const;
const maxKept = 1000;

interface Kept extends FetchedKeys {
  /** When it was last tried to fetch it. */
  readonly tried: number;
}

/** The key sets of issuers, in memory of the isolate, and the last good ones in the directory. */
export class KeySets {
  readonly #environment: Environment;
  /** By their URL: several domains may have one issuer. */
  readonly #kept = new Map<string, Kept>();
  readonly #asked = new SharedQuestions<Kept>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The keys of an issuer; undefined if they are not to be had. @param keyId that has to be among them, if the token says so */
  async of(known: KnownIssuer, keyId: string | undefined, now: number): Promise<JSONWebKeySet | undefined> {
    const { keys, keysUrl } = known.issuer;
    if (keysUrl === undefined) return keys === undefined ? undefined : readKeySet(keys);
    const kept = this.#newest(known);
    const isUsable = now - kept.at < fresh && (keyId === undefined || hasKey(kept.text, keyId));
    const newest = isUsable || now - kept.tried < pause ? kept : await this.#fetch(known.issuer, kept, now);
    return newest.text === "" || now - newest.at >= lastResort ? undefined : readKeySet(newest.text);
  }

  #newest({ issuer, fetched = { text: "", at: 0 } }: KnownIssuer): Kept {
    const kept = this.#kept.get(issuer.keysUrl ?? "") ?? { ...fetched, tried: 0 };
    return fetched.at > kept.at ? { ...fetched, tried: kept.tried } : kept;
  }

  /** Once for all who ask meanwhile. */
  #fetch(issuer: TokenIssuer, kept: Kept, now: number): Promise<Kept> {
    return this.#asked.ask(issuer.keysUrl ?? "", now, () => this.#fetchOnce(issuer, kept, now));
  }

  async #fetchOnce(issuer: TokenIssuer, kept: Kept, now: number): Promise<Kept> {
    const { keysUrl = "" } = issuer;
    const newest: Kept = await fetchKeySet(this.#environment, keysUrl).then(
      (text) => ({ text, at: now, tried: now }),
      (error: unknown) => {
        if (!(error instanceof KeySetFault)) throw error;
        console.error(JSON.stringify({ note: "the keys of an issuer are not to be had", issuer: issuer.issuer, why: error.message }));
        return { ...kept, tried: now };
      },
    );
    this.#keep(keysUrl, newest);
    if (newest.at === now) await this.#store(issuer, newest);
    return newest;
  }

  /** For other isolates, and for the time in which the issuer cannot be reached. */
  async #store(issuer: TokenIssuer, keys: FetchedKeys): Promise<void> {
    try {
      await new IssuerStore(this.#environment.DIRECTORY).keep(issuer, keys);
    } catch (error) {
      console.error(JSON.stringify({ note: "the keys of an issuer could not be stored", issuer: issuer.issuer, error: String(error) }));
    }
  }

  #keep(keysUrl: string, kept: Kept): void {
    this.#kept.delete(keysUrl);
    this.#kept.set(keysUrl, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > maxKept && oldest !== undefined) this.#kept.delete(oldest);
  }
}

function hasKey(text: string, keyId: string): boolean {
  return readKeySet(text).keys.some(({ kid }) => kid === keyId);
}
