import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import { legible } from "../../lib/syntax/octets.ts";
import { SharedQuestions } from "../shared-questions.ts";
import { type Certificate, maxChain, readCertificates } from "./certificate.ts";
import { type TrustedSigner, findTrustedSigner } from "./chain.ts";

/** Chains in memory, and fetches at a time. */
const [maxKept, maxFetches] = [500, 50] as const;
/** Milliseconds that a failure is remembered, so that calls do not make this server ask again and again. */
const failureAge = 10_000;

/** A chain of certificates in PEM, as it was fetched. */
export interface FetchedChain {
  readonly pem: string;
  /** Seconds that it may be kept. */
  readonly age: number;
}

interface Kept {
  readonly signer: TrustedSigner | Fault;
  /** Milliseconds. */
  readonly until: number;
}

/** Who signs, by the URLs of their certificates: fetched and checked once, and kept in memory of the isolate. */
export class Signers {
  readonly #roots: readonly Certificate[];
  readonly #fetch: (url: string) => Promise<FetchedChain | Fault>;
  readonly #kept = new Map<string, Kept>();
  /** Apart, so that URLs which lead nowhere do not displace known signers. */
  readonly #failed = new Map<string, Kept>();
  readonly #asked = new SharedQuestions<TrustedSigner | Fault>();
  #fetching = 0;

  constructor(roots: readonly Certificate[], fetchPem: (url: string) => Promise<FetchedChain | Fault>) {
    this.#roots = roots;
    this.#fetch = fetchPem;
  }

  /**
   * The signer whose certificate is at a URL, valid now.
   * @param now milliseconds
   * @returns a fault with status 436 if the certificate cannot be had, 437 if it is not trusted
   */
  async of(url: string, now: number): Promise<TrustedSigner | Fault> {
    if (this.#roots.length === 0) return fault(437, "this server trusts no authority: the setting STIR_ROOTS has no certificate");
    if (URL.parse(url)?.protocol !== "https:") return fault(436, "the URL of the certificate is not an https URL");
    const kept = this.#kept.get(url) ?? this.#failed.get(url);
    const signer = kept !== undefined && kept.until > now ? kept.signer : await this.#asked.ask(url, now, () => this.#ask(url, now));
    if (isFault(signer)) return signer;
    if (now < signer.from) return fault(437, "the certificate of the caller's signature is not valid yet");
    return now > signer.until ? fault(437, "the certificate of the caller's signature has expired") : signer;
  }

  async #ask(url: string, now: number): Promise<TrustedSigner | Fault> {
    if (this.#fetching >= maxFetches) return fault(436, "too many certificates are fetched at present");
    this.#fetching += 1;
    try {
      const chain = await this.#fetch(url);
      const signer = isFault(chain) ? chain : this.#check(chain.pem);
      this.#keep(url, { signer, until: now + (isFault(chain) ? failureAge : chain.age * 1000) });
      return signer;
    } finally {
      this.#fetching -= 1;
    }
  }

  #check(pem: string): TrustedSigner | Fault {
    const chain = readCertificates(pem, maxChain);
    if (chain === undefined) return fault(437, `the URL of the certificate has none in PEM, or more than ${maxChain}`);
    try {
      return findTrustedSigner(chain, this.#roots);
    } catch (error) {
      // The platform does not know this kind of key. The failure is remembered like others.
      return fault(437, legible(`the certificate of the caller's signature cannot be used: ${String(error)}`, 200));
    }
  }

  #keep(url: string, kept: Kept): void {
    for (const map of [this.#kept, this.#failed]) map.delete(url);
    const map = isFault(kept.signer) ? this.#failed : this.#kept;
    map.set(url, kept);
    const [oldest] = map.keys();
    if (map.size > maxKept && oldest !== undefined) map.delete(oldest);
  }
}
