/** Another server that a domain's calls go to and come from: a company's exchange, a provider of telephone numbers. */
export interface Trunk {
  readonly domain: string;
  readonly name: string;
  /** Where it is: a SIP or SIPS URI without a user. */
  readonly server: string;
  /** How we answer its challenges. */
  readonly username?: string;
  readonly password?: string;
  /** We register there, and hold the connection: else nobody could call us by it. */
  readonly register: boolean;
  /** Calls that come from it are taken. */
  readonly inbound: boolean;
  /** Beginnings of user parts that go there if they are nobody's here: `+49`, `0`; "" for all. */
  readonly prefixes: readonly string[];
  /** It is told who calls (P-Asserted-Identity, RFC 3325), and believed. */
  readonly trusted: boolean;
}

/** The trunk for a user part: of the longest prefix that fits, the first. */
export function chooseTrunk(trunks: readonly Trunk[], user: string): Trunk | undefined {
  let chosen: Trunk | undefined;
  let longest = -1;
  for (const trunk of trunks) {
    for (const prefix of trunk.prefixes) {
      if (!user.startsWith(prefix) || prefix.length <= longest) continue;
      chosen = trunk;
      longest = prefix.length;
    }
  }
  return chosen;
}

/** The Request-URI of a user at a trunk's server. */
export function uriAtTrunk({ server }: Trunk, user: string): string {
  return server.replace(/^(sips?:)/i, `$1${user}@`);
}
