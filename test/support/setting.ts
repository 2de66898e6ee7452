import { describe, it } from "vitest";
import type { numberSettings } from "../../platform/configuration.ts";

/**
 * A setting of docs/settings.md does what it says at a value that is smaller than its default and at one that is larger;
 * test/house/settings.test.ts finds those that have no such test.
 * @param says what it means, as a sentence about the server
 */
export function setting(
  name: keyof typeof numberSettings,
  small: number,
  large: number,
  says: string,
  check: (value: number) => Promise<void>,
): void {
  describe(`${name}`, () => {
    it.each([small, large])(`${says}: %d`, (value) => check(value), 20_000);
  });
}
