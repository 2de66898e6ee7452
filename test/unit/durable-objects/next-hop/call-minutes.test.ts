import { describe, expect, it } from "vitest";
import { CallMinutes } from "../../../../durable-objects/next-hop/call-minutes.ts";
import type { Trunk } from "../../../../lib/routing/trunk.ts";

const [day, minute] = [86_400_000, 60_000];
const limited = { maximum_minutes_per_day: 10 } as Trunk;

function stored() {
  const rows = new Map<string, unknown>();
  const storage = {
    get: async <T>(key: string) => rows.get(key) as T,
    put: async (key: string, value: unknown) => void rows.set(key, value),
  };
  return { rows, minutes: () => new CallMinutes(storage) };
}

describe("the minutes of a trunk in a day", () => {
  it("are used up by calls that are over and by those that last, also after the memory was lost", async () => {
    const { minutes } = stored();
    await minutes().add(limited, 4 * minute, day + 1);
    await minutes().add(limited, 5 * minute, day + 2);
    expect(await minutes().areUsedUp(limited, minute - 1, day + 3)).toBe(false);
    expect(await minutes().areUsedUp(limited, minute, day + 3)).toBe(true);
  });

  it("begin anew at midnight (UTC), in an object that has slept and in one that has not", async () => {
    const { minutes } = stored();
    const awake = minutes();
    await awake.add(limited, 10 * minute, 2 * day - 1);
    expect(await awake.areUsedUp(limited, 0, 2 * day - 1)).toBe(true);
    for (const one of [awake, minutes()]) expect(await one.areUsedUp(limited, 0, 2 * day)).toBe(false);
    await awake.add(limited, minute, 2 * day);
    expect(await minutes().areUsedUp(limited, 9 * minute - 1, 2 * day)).toBe(false);
  });

  it("cost no row, and stop nothing, for a trunk without the limit", async () => {
    const { rows, minutes } = stored();
    await minutes().add({} as Trunk, day, day);
    expect(await minutes().areUsedUp({} as Trunk, day, day)).toBe(false);
    expect(rows.size).toBe(0);
  });
});
