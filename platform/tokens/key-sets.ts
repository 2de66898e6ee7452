import { type CompactVerifyGetKey, createLocalJWKSet } from "jose";
import type { TokenIssuer } from "../../lib/authentication/token-issuer.ts";
import { type FetchedKeys, IssuerStore, type KnownIssuer } from "../directory/issuer-store.ts";
import type { Environment } from "../environment.ts";
import { SharedQuestions } from "../shared-questions.ts";
import { KeySetFault, fetchKeySet, readKeySet } from "./key-set-fetch.ts";

/** Milliseconds: a key set is fetched again after this time; it counts for so long while it cannot be fetched; pause between attempts. */
const [fresh, lastResort, pause] = [600_000, 86_400_000, 30_000] as const;
/** Milliseconds that the keys which an issuer has for good are known. */
const freshOwn = 10_000;
/** Characters of all key sets in memory. */
const maxKept = 4_194_304;

/** Keys as they verify: made once from their text, because an imported key belongs to it. */
export interface KeySet {
  /** The same for all issuers that have these keys. */
  readonly name: string;
  readonly find: CompactVerifyGetKey;
}

interface Kept extends FetchedKeys {
  /** When it was last tried to fetch it. */
  readonly tried: number;
  /** Absent: there are no keys. */
  readonly keySet?: KeySet;
  readonly ids: ReadonlySet<unknown>;
}

const nothing: Kept = { text: "", at: 0, tried: 0, ids: new Set() };

/** The key sets of issuers, in memory of the isolate, and the last good ones in the directory. */
export class KeySets {
  readonly #environment: Environment;
  /** By their URL, because several domains may have one issuer; or by the domain and name of the issuer. */
  readonly #kept = new Map<string, Kept>();
  readonly #asked = new SharedQuestions<Kept>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The keys of an issuer; undefined if they are not to be had. @param keyId that has to be among them, if the token says so */
  async of({ issuer, fetchedAt = 0 }: KnownIssuer, keyId: string | undefined, now: number): Promise<KeySet | undefined> {
    const { keysUrl } = issuer;
    if (keysUrl === undefined) return this.#own(issuer, now);
    const kept = this.#kept.get(keysUrl) ?? nothing;
    const isCurrent = fetchedAt <= kept.at && (isFresh(kept, keyId, now) || now - kept.tried < pause);
    const newest = isCurrent ? kept : await this.#asked.ask(keysUrl, now, () => this.#renew(issuer, keysUrl, keyId, now));
    return now - newest.at >= lastResort ? undefined : newest.keySet;
  }

  /** The administrators have changed issuers: keys that they have for good may be others. */
  forget(): void {
    for (const name of this.#kept.keys()) if (!isUrl(name)) this.#kept.delete(name);
  }

  /** Another isolate may have fetched them. */
  async #renew(issuer: TokenIssuer, keysUrl: string, keyId: string | undefined, now: number): Promise<Kept> {
    const kept = this.#kept.get(keysUrl) ?? nothing;
    const stored = await new IssuerStore(this.#environment.DIRECTORY).fetchedKeys(issuer);
    const known = stored !== undefined && stored.at > kept.at ? keptOf(keysUrl, stored, kept.tried) : kept;
    if (isFresh(known, keyId, now) || now - known.tried < pause) return this.#keep(keysUrl, known);
    const newest: Kept = await fetchKeySet(this.#environment, keysUrl).then(
      (text) => keptOf(keysUrl, { text, at: now }, now),
      (error: unknown) => {
        if (!(error instanceof KeySetFault)) throw error;
        console.error(JSON.stringify({ note: "the keys of an issuer are not to be had", issuer: issuer.issuer, why: error.message }));
        return { ...known, tried: now };
      },
    );
    this.#keep(keysUrl, newest);
    if (newest.at === now) await this.#store(issuer, newest);
    return newest;
  }

  async #own(issuer: TokenIssuer, now: number): Promise<KeySet | undefined> {
    const name = JSON.stringify([issuer.domain, issuer.name]);
    const kept = this.#kept.get(name);
    if (kept !== undefined && now - kept.at < freshOwn) return kept.keySet;
    const text = await new IssuerStore(this.#environment.DIRECTORY).ownKeys(issuer);
    if (text === undefined) return undefined;
    const isSame = kept?.text === text;
    return this.#keep(name, isSame ? { ...kept, at: now } : keptOf(name, { text, at: now }, now)).keySet;
  }

  /** For other isolates, and for the time in which the issuer cannot be reached. */
  async #store(issuer: TokenIssuer, keys: FetchedKeys): Promise<void> {
    try {
      await new IssuerStore(this.#environment.DIRECTORY).keep(issuer, keys);
    } catch (error) {
      console.error(JSON.stringify({ note: "the keys of an issuer could not be stored", issuer: issuer.issuer, error: String(error) }));
    }
  }

  #keep(name: string, kept: Kept): Kept {
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    let characters = 0;
    for (const { text } of this.#kept.values()) characters += text.length;
    for (const [oldest, { text }] of this.#kept) {
      if (characters <= maxKept || oldest === name) break;
      this.#kept.delete(oldest);
      characters -= text.length;
    }
    return kept;
  }
}

/** Names of issuers are written as lists. */
function isUrl(name: string): boolean {
  return !name.startsWith("[");
}

function isFresh({ at, ids }: Kept, keyId: string | undefined, now: number): boolean {
  return now - at < fresh && (keyId === undefined || ids.has(keyId));
}

function keptOf(name: string, { text, at }: FetchedKeys, tried: number): Kept {
  const keys = readKeySet(text);
  return { text, at, tried, keySet: { name, find: createLocalJWKSet(keys) }, ids: new Set(keys.keys.map(({ kid }) => kid)) };
}
