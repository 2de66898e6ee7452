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

it("work that only waits leaves its place to others, and takes it again before those that have not begun", async () => {
  const limit = new ConcurrencyLimit(1, 10, 1);
  const said: string[] = [];
  let answer = () => {};
  const waits = limit.run(async () => {
    await limit.aside(() => new Promise<void>((resolve) => (answer = resolve)));
    said.push("waited");
  });
  let end = () => {};
  const second = limit.run(() => new Promise<void>((resolve) => (said.push("second"), (end = resolve))));
  const third = limit.run(async () => void said.push("third"));
  await new Promise((resume) => setImmediate(resume));
  expect(said).toEqual(["second"]);
  answer();
  await new Promise((resume) => setImmediate(resume));
  end();
  await Promise.all([waits, second, third]);
  expect(said).toEqual(["second", "waited", "third"]);
});

it("no more than so many wait beside their places, and a wait that fails is over", async () => {
  const limit = new ConcurrencyLimit(1, 10, 1);
  const said: string[] = [];
  let answer = () => {};
  const first = limit.run(() => limit.aside(() => new Promise<void>((resolve) => (answer = resolve))));
  const second = limit.run(async () => {
    await expect(limit.aside(() => Promise.reject(new Error("no answer")))).rejects.toThrow("no answer");
    said.push("second");
  });
  const third = limit.run(async () => void said.push("third"));
  await Promise.all([second, third]);
  answer();
  await first;
  expect(said).toEqual(["second", "third"]);
});
