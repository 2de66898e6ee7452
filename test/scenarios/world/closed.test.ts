import { afterEach, expect, it, vi } from "vitest";
import { conversations } from "./conversations.ts";
import { startScenario } from "./scenario.ts";
import { World } from "./world.ts";

/** Before any module is loaded, so that one which keeps a clock for later keeps one of these. */
const outside = vi.hoisted(() => {
  const guard = { isClosed: false };
  const guarded = <F extends (...values: never[]) => unknown>(name: string, real: F): F =>
    ((...values) => {
      if (guard.isClosed) throw new Error(`${name} of the real clock was asked`);
      return real(...values);
    }) as F;
  const { Date: RealDate, setTimeout, setInterval, fetch } = globalThis;
  globalThis.Date = new Proxy(RealDate, {
    construct: (real, values: []) => {
      if (guard.isClosed && values.length === 0) throw new Error("Date of the real clock was asked");
      return new real(...values);
    },
    get: (real, name) => (name === "now" ? guarded("Date.now", real.now) : (Reflect.get(real, name) as unknown)),
  });
  globalThis.setTimeout = Object.assign(guarded("setTimeout", setTimeout), setTimeout);
  globalThis.setInterval = guarded("setInterval", setInterval);
  performance.now = guarded("performance.now", performance.now.bind(performance));
  AbortSignal.timeout = guarded("AbortSignal.timeout", AbortSignal.timeout.bind(AbortSignal));
  globalThis.fetch = guarded("fetch", fetch);
  return { guard };
});

afterEach(() => {
  outside.guard.isClosed = false;
  new World().end();
});

it("whoever asks the real clock is found", () => {
  const pause = () => setTimeout(() => undefined, 1);
  outside.guard.isClosed = true;
  for (const ask of [() => Date.now(), () => new Date(), pause, () => performance.now(), () => AbortSignal.timeout(1)])
    expect(ask).toThrow("of the real clock was asked");
});

it.each(conversations)("the simulated world does not see the real clock: $name", async ({ play, outcome, options }) => {
  const scenario = await startScenario(options);
  outside.guard.isClosed = true;
  expect(await play(scenario)).toEqual(outcome);
  expect(scenario.world.faults).toEqual([]);
});
