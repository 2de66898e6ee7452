import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SharedQuestions } from "../../../platform/shared-questions.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("sends a question once for all who ask meanwhile, and again when it is answered", async () => {
  const questions = new SharedQuestions<number>();
  let asked = 0;
  const ask = () => questions.ask("a", Date.now(), async () => (asked += 1));
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
  expect(await ask()).toBe(2);
  await expect(questions.ask("a", Date.now(), () => Promise.reject(new Error("away")))).rejects.toThrow("away");
  expect(await ask()).toBe(3);
});

it("waits a moment only for a question that is never answered, because its event has ended", async () => {
  const questions = new SharedQuestions<string>();
  void questions.ask("a", Date.now(), () => new Promise(() => undefined));
  expect(questions.isAsked("a", Date.now())).toBe(true);
  const joined = questions.ask("a", Date.now(), async () => "own answer");
  await vi.advanceTimersByTimeAsync(2000);
  expect(await joined).toBe("own answer");
  void questions.ask("b", Date.now(), () => new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(2000);
  expect(questions.isAsked("b", Date.now())).toBe(false);
  expect(await questions.ask("b", Date.now(), async () => "at once")).toBe("at once");
});
