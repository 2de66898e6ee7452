import { expect, it } from "vitest";
import { ConcurrencyLimit } from "../../../platform/concurrency-limit.ts";

it("so much work is under way at a time, in order, and so much waits", async () => {
  const limit = new ConcurrencyLimit(2, 3);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (name: number) => limit.run(() => new Promise((end) => (begun.push(name), ends.push(end))));
  const all = [1, 2, 3, 4, 5].map(work);
  expect([begun, limit.isFull()]).toEqual([[1, 2], true]);
  for (let count = 0; count < 5; count += 1) {
    ends[count]?.();
    await all[count];
    await new Promise((resume) => setImmediate(resume));
  }
  expect([begun, limit.isFull()]).toEqual([[1, 2, 3, 4, 5], false]);
});

it("work that fails gives its place away", async () => {
  const limit = new ConcurrencyLimit(1, 1);
  await expect(limit.run(() => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  let isDone = false;
  await limit.run(async () => void (isDone = true));
  expect(isDone).toBe(true);
});
