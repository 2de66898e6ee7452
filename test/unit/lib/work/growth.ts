import { workOf } from "../../../support/work.ts";

const milliseconds = 20;
const tries = 4;

/**
 * Whether work grows much faster than what it is done on: four times as much takes more than ten times as long, each time it is
 * tried. What takes less than 20 ms of a processor's time is not looked at.
 * @param large the work on four times as much as `small`, which is asked for only if it matters
 */
export function growsTooFast(large: () => void, small: () => () => void): boolean {
  if (shortest(large, 1) < milliseconds) return false;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const time = shortest(large, 3);
    if (time < milliseconds || time < 10 * shortest(small(), 3)) return false;
  }
  return true;
}

function shortest(work: () => void, runs: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run += 1) {
    best = Math.min(best, workOf(work));
  }
  return best;
}
