import type { Trunk } from "../../lib/routing/trunk.ts";
import { TokenBucket } from "../../platform/token-bucket.ts";

/** How many calls begin in a second over this connection: as many at once as the trunk allows in a second. */
export class CallRate {
  /** The limit that the bucket is for. */
  #maximum = 0;
  #bucket: TokenBucket | undefined;

  /**
   * Counts a call.
   * @returns false if that is one too many
   */
  take({ maximum_calls_per_second: maximum = 0 }: Pick<Trunk, "maximum_calls_per_second">, now: number): boolean {
    if (maximum !== this.#maximum) this.#bucket = maximum > 0 ? new TokenBucket(maximum, maximum) : undefined;
    this.#maximum = maximum;
    return this.#bucket?.take(now) ?? true;
  }
}
