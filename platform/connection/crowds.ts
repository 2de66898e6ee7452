/** Somebody on a connection who has not authenticated. */
export interface Stranger {
  readonly address: string;
  /** Milliseconds. */
  readonly opened: number;
}

/** The oldest connection of the address that has the most; of at least one. */
export function mostCrowded<Someone extends Stranger>(strangers: readonly Someone[]): Someone {
  const counts = new Map<string, number>();
  for (const { address } of strangers) counts.set(address, (counts.get(address) ?? 0) + 1);
  const [first, ...rest] = [...strangers].sort((one, other) => one.opened - other.opened);
  const size = ({ address }: Stranger) => counts.get(address) ?? 0;
  return rest.reduce((worst, one) => (size(one) > size(worst) ? one : worst), first as Someone);
}

/** The strangers who have connected to names that no home serves yet: there are no more of them than a home would take. */
export class Crowds<Someone extends Stranger> {
  readonly #at = new Map<string, readonly Someone[]>();

  /** If they are too many now, somebody is not among them any more. */
  joins(name: string, stranger: Someone, most: number): void {
    const all = [...(this.#at.get(name) ?? []), stranger];
    this.#at.set(name, all);
    if (all.length > most) this.leaves(name, mostCrowded(all));
  }

  has(name: string, stranger: Someone): boolean {
    return this.#at.get(name)?.includes(stranger) === true;
  }

  /** They have authenticated, are gone, or have to go. */
  leaves(name: string, stranger: Someone): void {
    const left = (this.#at.get(name) ?? []).filter((one) => one !== stranger);
    if (left.length === 0) this.#at.delete(name);
    else this.#at.set(name, left);
  }
}
