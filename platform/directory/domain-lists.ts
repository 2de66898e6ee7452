import { DirectoryUnavailable } from "./errors.ts";

/** Milliseconds until D1 is tried again after a failure: until then cached answers are returned without waiting. */
export const askAgainAfter = 5_000;

/** What each domain has of one kind: trunks, routes. While D1 is down the last values count. */
export class DomainLists<T> {
  readonly #kept = new Map<string, { readonly list: readonly T[]; readonly until: number }>();
  readonly #lifetime: number;

  /** @param lifetime milliseconds */
  constructor(lifetime: number) {
    this.#lifetime = lifetime;
  }

  async of(domain: string, read: () => Promise<readonly T[]>): Promise<readonly T[]> {
    const kept = this.#kept.get(domain);
    if (kept !== undefined && kept.until > Date.now()) return kept.list;
    try {
      const list = await read();
      this.#kept.set(domain, { list, until: Date.now() + this.#lifetime });
      return list;
    } catch (error) {
      if (kept === undefined || !(error instanceof DirectoryUnavailable)) throw error;
      this.#kept.set(domain, { list: kept.list, until: Date.now() + askAgainAfter });
      return kept.list;
    }
  }

  forget(domain: string): void {
    this.#kept.delete(domain);
  }
}
