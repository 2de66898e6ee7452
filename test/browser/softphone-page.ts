import type { Page } from "playwright-core";
import { expect } from "vitest";
import { patience as milliseconds } from "../support/patience.ts";
import type { Parlour } from "./browser-phone.ts";

/** For what waits by Playwright. */
export const patience = { timeout: milliseconds };

/** A tab of the softphone that has registered. */
export async function open(parlour: Parlour, account: string, more: Record<string, string> = {}, script?: string): Promise<Page> {
  const page = await parlour.softphone({ account: `${account}@localhost`, password: "offhook", autoregister: "1", ...more }, script);
  await reads(page, "#status", `Registered as ${account}@localhost`);
  return page;
}

/** The id of the element that has the focus. */
export function focused(page: Page): Promise<unknown> {
  return page.evaluate("document.activeElement?.id");
}

export async function dial(page: Page, target: string): Promise<void> {
  await page.fill("#target", target);
  await page.click("#call");
}

export async function talk(caller: Page, callee: Page, name: string): Promise<void> {
  await dial(caller, name);
  await callee.click("#answer");
  await Promise.all([reads(caller, "#progress", "In a call"), reads(callee, "#progress", "In a call")]);
  await Promise.all([hears(caller), hears(callee)]);
}

export async function reads(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await expect.poll(() => page.textContent(selector), { message: selector }).toMatch(text);
}

export async function watches(page: Page, account: string): Promise<void> {
  await page.fill("#buddy", account);
  await page.click("#watch button");
}

export async function isShown(page: Page, account: string, lamp: string, text: string): Promise<void> {
  const shown = async () => {
    const item = page.locator(`#buddies li[data-address="${account}@localhost"]`);
    return [await item.getAttribute("data-lamp"), await item.locator("span").textContent()];
  };
  await expect.poll(shown, { message: `${account} as his lamp has it` }).toEqual([lamp, `${account}@localhost: ${text}`]);
}

/** More audio packets come than have come until now. */
export async function hears(page: Page): Promise<void> {
  const packets = async () => Number(await page.getAttribute("#packets", "data-packets"));
  const before = await packets();
  await expect.poll(packets, patience).toBeGreaterThan(before + 10);
}
