/** A connection that is not authenticated. */
export interface Stranger {
  readonly address: string;
  /** Milliseconds. */
  readonly opened: number;
}

/** The oldest connection of the address that has the most. There must be at least one. */
export function mostCrowded<Someone extends Stranger>(strangers: readonly Someone[]): Someone {
  const counts = new Map<string, number>();
  for (const { address } of strangers) counts.set(address, (counts.get(address) ?? 0) + 1);
  const [first, ...rest] = [...strangers].sort((one, other) => one.opened - other.opened);
  const size = ({ address }: Stranger) => counts.get(address) ?? 0;
  return rest.reduce((worst, one) => (size(one) > size(worst) ? one : worst), first as Someone);
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
