import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type ConsoleUnderTest, startConsole } from "./console-page.ts";

const colours = ["--ink", "--paper", "--card", "--line", "--line-strong", "--accent", "--danger", "--on-accent"];

describe.skipIf(!canBrowse)("the palette", () => {
  let consoleUnderTest: ConsoleUnderTest;
  beforeAll(async () => {
    consoleUnderTest = await startConsole();
  });
  afterAll(() => consoleUnderTest?.close());

  it.each(["light", "dark"] as const)("is that of the softphone and of the console: %s", async (colorScheme) => {
    const page = await consoleUnderTest.visit({ colorScheme });
    const palette = async () =>
      (await page.evaluate(`${JSON.stringify(colours)}.map((name) => getComputedStyle(document.body).getPropertyValue(name))`)) as string[];
    const ofConsole = await palette();
    expect(ofConsole.filter((colour) => !/^#[\da-f]{3,6}$/.test(colour))).toEqual([]);
    await page.goto(consoleUnderTest.serverUnderTest.server.url);
    expect(await palette()).toEqual(ofConsole);
  });
});
