/** A connection that is not authenticated. */
export interface Stranger {
  /** Of IPv6 the first 64 bits. */
  readonly address: string;
  /** Milliseconds. */
  readonly opened: number;
}

/**
 * The oldest connection of the address that has the most, in the network that has the most, since the owner of a network has any number of
 * addresses. There must be at least one.
 */
export function mostCrowded<Someone extends Stranger>(strangers: readonly Someone[]): Someone {
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
function networkOf(address: string): string {
  return address
    .split(address.includes(":") ? ":" : ".")
    .slice(0, 3)
    .join(".");
}

/** Unauthenticated connections to names that no home serves yet: with the same maximum as at a home. */
export class Crowds<Someone extends Stranger> {
  readonly #at = new Map<string, readonly Someone[]>();

  /** If there are too many now, one of them is removed. */
  joins(name: string, stranger: Someone, most: number): void {
    const all = [...(this.#at.get(name) ?? []), stranger];
    this.#at.set(name, all);
    if (all.length > most) this.leaves(name, mostCrowded(all));
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
