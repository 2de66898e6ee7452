const maxKept = 200;

/** Tokens for push notification services, until they expire. */
export class KnownTokens {
  readonly #kept = new Map<string, { readonly token: string; readonly until: number }>();

  /** @param name all that the token was made from, secrets included */
  find(name: string, now: number): string | undefined {
    const kept = this.#kept.get(name);
    return kept !== undefined && now < kept.until ? kept.token : undefined;
  }

  /** @param until milliseconds */
  keep(name: string, token: string, until: number): string {
    this.#kept.delete(name);
    this.#kept.set(name, { token, until });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > maxKept && oldest !== undefined) this.#kept.delete(oldest);
    return token;
  }
}
