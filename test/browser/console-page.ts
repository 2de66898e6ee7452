import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page, Route } from "playwright-core";
import { expect } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { patience } from "../support/patience.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type TabOptions = NonNullable<Parameters<Browser["newContext"]>[0]>;

/** A server, and a browser for its console. */
export interface ConsoleUnderTest {
  readonly serverUnderTest: ServerUnderTest;
  /** The sign-in in a new tab. */
  visit(options?: TabOptions): Promise<Page>;
  /** The console in a new tab, signed in unless a wrong key is given. */
  open(key?: string, options?: TabOptions): Promise<Page>;
  /** A page of the domain `localhost`, by its path. */
  show(page: Page, path: string): Promise<void>;
  closeTabs(): Promise<void>;
  close(): Promise<void>;
}

export async function startConsole(): Promise<ConsoleUnderTest> {
  const [serverUnderTest, browser] = await Promise.all([
    startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } }),
    startBrowser(),
  ]);
  const { url, adminToken } = serverUnderTest.server;
  const visit = async (options: TabOptions = {}): Promise<Page> => {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    await page.goto(`${url}/console/`);
    return page;
  };
  return {
    serverUnderTest,
    visit,
    open: async (key = adminToken, options = {}) => {
      const page = await visit(options);
      await signIn(page, key);
      return page;
    },
    show: async (page, path) => void (await page.goto(`${url}/console/#/localhost${path}`)),
    closeTabs: async () => {
      for (const context of browser.contexts()) await context.close();
    },
    close: async () => {
      await browser.close();
      await serverUnderTest.close();
    },
  };
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.fill("input[name=key]", key);
  await page.click("text=Sign in");
}

export function click(page: Page, name: string): Promise<void> {
  return page.getByRole("link", { name, exact: true }).click();
}

export async function reads(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await expect.poll(() => page.locator(selector).first().textContent(), { message: selector }).toMatch(text);
}

/** Takes the requests of this page whose path and query, behind `/api/v1`, are of this kind. */
export async function onApi(page: Page, path: RegExp, take: (route: Route) => Promise<void>): Promise<void> {
  await page.route(({ pathname, search }) => path.test(pathname.replace(/^\/api\/v1/, "") + search), take);
}

/** Answers as the API does when it refuses a request. */
export function refuse(status: number, detail: string): (route: Route) => Promise<void> {
  return (route) => route.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ status, detail }) });
}

/** Lets requests wait until they are released, and then takes them. */
export function hold(take: (route: Route) => Promise<void> = (route) => route.continue()) {
  const [waiting, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    /** Once a request waits. */
    waiting: waiting.promise,
    take: async (route: Route) => {
      waiting.resolve();
      await released.promise;
      await take(route);
    },
    release: () => released.resolve(),
  };
}

/** What keeps people out of a page, by axe; and whether it is wider than its window. */
export async function faultsOf(page: Page, width: number): Promise<string[]> {
  await page.evaluate(axe);
  const found = (await page.evaluate("axe.run()")) as { violations: { id: string; nodes: { html: string }[] }[] };
  const faults = found.violations.map(({ id, nodes }) => `${page.url()} at ${width}: ${id} ${nodes[0]?.html}`);
  const isWide = ((await page.evaluate("document.documentElement.scrollWidth")) as number) > width;
  return isWide ? [...faults, `${page.url()} is wider than ${width}`] : faults;
}
