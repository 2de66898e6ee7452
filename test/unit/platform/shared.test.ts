import { expect, it } from "vitest";
import { Shared } from "../../../platform/shared.ts";

const asked = (results: readonly Promise<string>[]) => {
  const times: number[] = [];
  const shared = new Shared(1000, (now) => {
    times.push(now);
    return results[times.length - 1] ?? Promise.resolve("later");
  });
  return { shared, times };
};

it("asks once for all who ask meanwhile, and again when the time is over", async () => {
  const { shared, times } = asked([Promise.resolve("first")]);
  expect(await Promise.all([shared.at(0), shared.at(1), shared.at(999)])).toEqual(["first", "first", "first"]);
  expect(await shared.at(1000)).toBe("later");
  expect(times).toEqual([0, 1000]);
});

it("keeps no failure", async () => {
  const { shared, times } = asked([Promise.reject(new Error("away"))]);
  await expect(Promise.all([shared.at(0), shared.at(1)])).rejects.toThrow("away");
  expect(await shared.at(2)).toBe("later");
  expect(times).toEqual([0, 2]);
});
