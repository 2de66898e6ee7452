/** A connection that is not authenticated. */
export interface Stranger {
  /** Of IPv6 the first 56 bits. */
  readonly address: string;
  /** Milliseconds. */
  readonly opened: number;
  /** Its credentials are being checked, which may take seconds: perhaps it is the owner. */
  readonly isTrying?: boolean;
}

/**
 * The connections that are closed if there may only be so many: each time the oldest of the address that has the most, in the network that
 * has the most, since the owner of a network has any number of addresses. Of each network one connection is spared whose credentials are
 * being checked. If there are no others but the newest one, none is spared: who has just come must not be the one who goes.
 */
export function crowdedOut<Someone extends Stranger>(strangers: readonly Someone[], most: number): Someone[] {
  const out: Someone[] = [];
  let left = strangers;
  while (left.length > most) {
    const one = mostCrowded(closable(left));
    out.push(one);
    left = left.filter((other) => other !== one);
  }
  return out;
}

function closable<Someone extends Stranger>(strangers: readonly Someone[]): readonly Someone[] {
  const spared = new Map(strangers.filter(({ isTrying }) => isTrying === true).map((one) => [networkOf(one.address), one]));
  const others = strangers.filter((one) => spared.get(networkOf(one.address)) !== one);
  const newest = strangers.reduce((one, other) => (other.opened >= one.opened ? other : one));
  if (others.some((one) => one !== newest)) return others;
  return strangers.filter((one) => one !== newest);
}

/** There must be at least one. */
function mostCrowded<Someone extends Stranger>(strangers: readonly Someone[]): Someone {
  const inOrder = [...strangers].sort((one, other) => one.opened - other.opened);
  return largest(
    largest(inOrder, ({ address }) => networkOf(address)),
    ({ address }) => address,
  )[0] as Someone;
}

/** Those that have this in common with the most others. */
function largest<Someone>(all: readonly Someone[], nameOf: (one: Someone) => string): readonly Someone[] {
  const groups = new Map<string, Someone[]>();
  for (const one of all) groups.set(nameOf(one), [...(groups.get(nameOf(one)) ?? []), one]);
  return [...groups.values()].reduce((worst, group) => (group.length > worst.length ? group : worst), []);
}

/** The first 48 bits of IPv6, 24 of IPv4. */
export function networkOf(address: string): string {
  return address
    .split(address.includes(":") ? ":" : ".")
    .slice(0, 3)
    .join(".");
}

/** Unauthenticated connections to names that no home serves yet: with the same maximum as at a home. */
export class Crowds<Someone extends Stranger> {
  readonly #at = new Map<string, readonly Someone[]>();

  /** If there are too many now, some of them are removed. */
  joins(name: string, stranger: Someone, most: number): void {
    const all = [...(this.#at.get(name) ?? []), stranger];
    this.#at.set(name, all);
    for (const one of crowdedOut(all, most)) this.leaves(name, one);
  }

  has(name: string, stranger: Someone): boolean {
    return this.#at.get(name)?.includes(stranger) === true;
  }

  /** The connection is authenticated, closed, or has to be closed. */
  leaves(name: string, stranger: Someone): void {
    const left = (this.#at.get(name) ?? []).filter((one) => one !== stranger);
    if (left.length === 0) this.#at.delete(name);
    else this.#at.set(name, left);
  }
}
