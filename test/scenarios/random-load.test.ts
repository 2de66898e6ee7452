import { expect, it } from "vitest";
import { Load } from "./world/load.ts";

/** As many as are the same each time, and as many as are new. */
const fixed = 60;
const fresh = Number(process.env["LOAD_COUNT"] ?? 20);
const seed = Number(process.env["LOAD_SEED"] ?? 1000 + (Date.now() % 1_000_000_000));

it("whatever users, networks and crashes do, calls end at both ends and leave nothing behind", async () => {
  const faults: string[] = [];
  const seeds = [...Array.from({ length: fixed }, (_, index) => index), ...Array.from({ length: fresh }, (_, index) => seed + index)];
  let calls = 0;
  for (const one of seeds) {
    const load = new Load(one);
    for (const fault of await load.run()) faults.push(`LOAD_SEED=${one}: ${fault}`);
    calls += load.calls;
  }
  console.log(`${calls} calls`);
  expect(faults).toEqual([]);
});
