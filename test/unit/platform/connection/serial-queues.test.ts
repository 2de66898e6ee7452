import { expect, it } from "vitest";
import { SerialQueues } from "../../../../platform/connection/serial-queues.ts";

it.each([
  ["messages", 200, 1],
  ["octets", 4, 262_144],
])("a queue has so many %s at most, and is empty when they are done", async (_what, count, octets) => {
  const queues = new SerialQueues();
  let done = 0;
  const last: (void | Promise<void>)[] = [];
  for (let waiting = 0; waiting < count; waiting += 1) {
    expect(queues.isFull("one")).toBe(false);
    last.push(queues.run("one", async () => void (done += 1), octets));
  }
  expect([queues.isFull("one"), queues.isFull("other")]).toEqual([true, false]);
  await Promise.all(last);
  expect([queues.isFull("one"), done]).toEqual([false, count]);
});

it("a task that fails leaves its place to the next", async () => {
  const queues = new SerialQueues();
  const failing = queues.run("one", () => Promise.reject(new Error("no")), 1_048_576);
  await expect(failing).rejects.toThrow("no");
  expect(queues.isFull("one")).toBe(false);
});
