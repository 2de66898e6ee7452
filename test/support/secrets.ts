/** What a server's output must never show: what tests tell it that somebody could sign in with, or open a token with. */
export class Secrets {
  readonly #known = new Set<string>();

  /** Shorter ones would be found in anything. */
  learn(...secrets: readonly string[]): void {
    for (const secret of secrets) if (secret.length >= 8) this.#known.add(secret);
  }

  /** Learns the values of all members that are secret by their names, at any depth. */
  learnFrom(value: unknown, name = ""): void {
    if (typeof value === "string") return /password|token|secret|md5|sha256/i.test(name) ? this.learn(value) : undefined;
    if (typeof value !== "object" || value === null) return;
    for (const [key, member] of Object.entries(value)) this.learnFrom(member, Array.isArray(value) ? name : key);
  }

  /** The lines that show one, and those that show a digest response, with which passwords can be guessed. */
  shownIn(lines: readonly string[]): string[] {
    const secrets = [...this.#known];
    const isResponse = (line: string) => /authorization:[^\n]*response=/i.test(line);
    return lines.filter((line) => isResponse(line) || secrets.some((secret) => line.includes(secret)));
  }
}
