import type { Members } from "../lib/transport/older-shapes.ts";

/** Converts the data of one build to the shape of the next. */
export type Upgrade = (older: Members) => Members;

/** Values of one kind as stored in rows: JSON, with the number of their shape. The first one has no number. */
export interface StoredShape<T> {
  write(value: T): string;
  /** Reads the data of this build, or of an older one. */
  read(text: string): T;
}

/** @param upgrades from each shape to the next: the first one from that of the first release */
export function storedShape<T extends object>(...upgrades: readonly Upgrade[]): StoredShape<T> {
  const shape = upgrades.length + 1;
  return {
    write: (value) => {
      const text = JSON.stringify(value);
      if (shape === 1) return text;
      // A copy of the value with its shape would take longer.
      return text === "{}" ? `{"shape":${shape}}` : `{"shape":${shape},${text.slice(1)}`;
    },
    read: (text) => {
      const { shape: written = 1, ...members } = JSON.parse(text) as Members & { readonly shape?: number };
      return upgrades.slice(written - 1).reduce((older, upgrade) => upgrade(older), members) as unknown as T;
    },
  };
}
