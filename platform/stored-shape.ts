import type { Members } from "../lib/transport/older-shapes.ts";

/** Makes of what one build has written what the next one writes. */
export type Upgrade = (older: Members) => Members;

/** How values of one kind stand in rows: as JSON, with the number of their shape. The first one has no number. */
export interface StoredShape<T> {
  write(value: T): string;
  /** Reads what this build has written, or an older one. */
  read(text: string): T;
}

/** @param upgrades from each shape to the next: the first one from what the first release has written */
export function storedShape<T extends object>(...upgrades: readonly Upgrade[]): StoredShape<T> {
  const shape = upgrades.length + 1;
  return {
    write: (value) => JSON.stringify(shape === 1 ? value : { shape, ...value }),
    read: (text) => {
      const { shape: written = 1, ...members } = JSON.parse(text) as Members & { readonly shape?: number };
      return upgrades.slice(written - 1).reduce((older, upgrade) => upgrade(older), members) as unknown as T;
    },
  };
}
