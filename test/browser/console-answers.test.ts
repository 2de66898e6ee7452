import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import type { ServerUnderTest } from "../support/server-under-test.ts";
import { type ConsoleUnderTest, click, faultsOf, hold, onApi, reads, refuse, signIn, startConsole } from "./console-page.ts";
import { call } from "./console-records.ts";

describe.skipIf(!canBrowse)("the answers that the console shows", () => {
  let consoleUnderTest: ConsoleUnderTest;
  let serverUnderTest: ServerUnderTest;
  beforeAll(async () => {
    consoleUnderTest = await startConsole();
    ({ serverUnderTest } = consoleUnderTest);
    const { api } = serverUnderTest.server;
    await api("PUT", "/domains/localhost/trunks/provider", { server: "sip:127.0.0.1:9;transport=tcp", prefixes: ["+1"] });
    await api("PUT", "/domains/localhost/web-hooks/app", { url: "http://127.0.0.1:9/offhook", events: ["call.ended"] });
  });
  afterEach(() => consoleUnderTest.closeTabs());
  afterAll(() => consoleUnderTest?.close());

  /** The console in a new tab, once requests are taken as a test wants it. */
  async function open(path: string, prepare: (page: Page) => Promise<unknown>, options = {}): Promise<Page> {
    const page = await consoleUnderTest.visit(options);
    await prepare(page);
    await consoleUnderTest.show(page, path);
    await signIn(page, serverUnderTest.server.adminToken);
    return page;
  }

  const loading = (page: Page) => expect.poll(() => page.getByText("Loading…").count());

  it.each<[what: string, path: string, asked: RegExp]>([
    ["the domains", "", /^\/domains\?limit=1000/],
    ["the calls of a day", "", /\/calls\?limit=1000/],
    ["the trunks", "", /\/trunks$/],
    ["the state of a trunk", "", /\/trunks\/provider\/status$/],
    ["the calls", "/calls", /\/calls\?limit=50/],
    ["a call", "/calls/some-id", /\/calls\/some-id$/],
    ["the users", "/users", /\/subscribers\?/],
    ["a user", "/users/alice", /\/subscribers\/alice$/],
    ["the calls of a user at present", "/users/alice", /\/subscribers\/alice\/calls$/],
    ["the phones of a user", "/users/alice", /\/subscribers\/alice\/bindings$/],
    ["the calls of a user that are over", "/users/alice", /\/calls\?limit=20/],
    ["the routes", "/routing", /\/routes$/],
    ["the web hooks", "/web-hooks", /\/web-hooks$/],
    ["the deliveries of a web hook", "/web-hooks", /\/deliveries$/],
    ["the keys", "/access", /^\/keys$/],
    ["the changes", "/access", /\/audit/],
  ])("are awaited, and why there are none is said: %s", async (_what, path, asked) => {
    const held = hold(refuse(503, "the database cannot be reached"));
    let pending = 0;
    const page = await open(path, async (tab) => {
      tab.on("request", () => (pending += 1));
      tab.on("requestfinished", () => (pending -= 1));
      await onApi(tab, asked, held.take);
    });
    await held.waiting;
    await expect.poll(() => pending).toBe(1);
    await loading(page).toBe(1);
    expect(await page.getByRole("alert").count()).toBe(0);
    held.release();
    await reads(page, "[role=alert]", "the database cannot be reached");
    await loading(page).toBe(0);
  });

  /** Pages of a thousand calls each, and whether others follow. */
  const callPages = (sizes: readonly number[], hasMore: boolean) => (page: Page) =>
    onApi(page, /\/calls\?limit=1000/, async (route) => {
      const at = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
      const outcome = (index: number) => (index % 4 === 0 ? "answered" : "missed");
      const calls = Array.from({ length: sizes[at] ?? 0 }, (_, index) => ({
        ...call({ id: `${at}-${index}`, started: new Date().toISOString(), outcome: outcome(index), seconds: index % 4 === 0 ? 60 : 0 }),
      }));
      const next_cursor = hasMore || at + 1 < sizes.length ? String(at + 1) : null;
      await route.fulfill({ json: { calls, next_cursor } });
    });
  const counts = (page: Page) => expect.poll(() => page.locator(".counts div").allTextContents());

  it("count the calls of a day that has more than a thousand", async () => {
    const page = await open("", callPages([1000, 1000, 400], false));
    await counts(page).toEqual(["calls2,400", "answered600", "not answered or failed1,800", "minutes600"]);
    expect(await page.locator("main").textContent()).not.toMatch(/more calls than/);
  });

  it("say which calls are counted if a day has too many", async () => {
    const page = await open("", callPages([1000, 1000, 1000, 1000, 1000], true));
    await counts(page).toEqual(["calls5,000", "answered1,250", "not answered or failed3,750", "minutes1,250"]);
    await reads(page, "main", /There were more calls than are counted here: these are the last 5,000, since /);
    expect(await page.getByRole("img", { name: "The last 5,000 calls of the last day, by hour" }).count()).toBe(1);
  });

  it("have each trunk with its own failure, and all if they are wanted", async () => {
    const page = await open("", async (tab) => {
      const trunks = Array.from({ length: 60 }, (_, index) => ({ name: `trunk-${index}` }));
      const servers = [{ host: "sip.example.com", connected: true, well: true, calls: 2 }];
      await onApi(tab, /\/trunks$/, (route) => route.fulfill({ json: { trunks } }));
      await onApi(tab, /\/trunks\/.*\/status$/, (route) => route.fulfill({ json: { servers } }));
      await onApi(tab, /\/trunks\/trunk-3\/status$/, refuse(503, "trunk-3 cannot be asked now"));
    });
    const trunk = (index: number) => page.locator("li", { has: page.locator(`strong:text-is("trunk-${index}")`) });
    await expect.poll(() => trunk(3).textContent()).toBe("trunk-3 trunk-3 cannot be asked now");
    await expect.poll(() => trunk(4).textContent()).toBe("trunk-4 sip.example.com: connected, 2 calls");
    await reads(page, "main", "These are 50 of 60 trunks.");
    await page.click("text=Show all");
    await expect.poll(() => trunk(59).textContent()).toBe("trunk-59 sip.example.com: connected, 2 calls");
  });

  it("are those to the last question: a test of routing that is answered late", async () => {
    const first = hold((route) => route.fulfill({ json: { outcome: "the first", trace: [] } }));
    const page = await open("/routing", (tab) =>
      onApi(tab, /^\/routes\/test$/, (route) =>
        route.request().postData()?.includes("first") ? first.take(route) : route.fulfill({ json: { outcome: "the second", trace: [] } }),
      ),
    );
    for (const name of ["first", "second"]) {
      await page.getByLabel("Called").fill(`sip:${name}@localhost`);
      await page.click("text=Test");
    }
    await reads(page, ".why", "the second");
    const late = page.waitForResponse(async (response) => response.url().endsWith("/test") && (await response.text()).includes("first"));
    first.release();
    await (await late).finished();
    await page.evaluate("new Promise((resume) => setTimeout(resume, 100))");
    expect(await page.locator(".why").allTextContents()).toEqual(["the second"]);
  });

  it("are those to the last question: none while a search is awaited", async () => {
    const held = hold();
    const page = await open("/users", (tab) => onApi(tab, /search=zzz/, held.take));
    await page.locator("main li").first().waitFor();
    await page.getByLabel("Search").fill("zzz");
    await page.getByLabel("Search").press("Enter");
    await loading(page).toBe(1);
    expect(await page.locator("main li").count()).toBe(0);
    held.release();
    await reads(page, "main", "None.");
  });

  it("leave the focus on the page whose link was followed by keyboard", async () => {
    const page = await open("/users", async () => undefined);
    await page.getByRole("link", { name: "alice", exact: true }).press("Enter");
    await reads(page, "h2", "alice");
    await expect.poll(() => page.evaluate("document.activeElement.tagName")).toBe("MAIN");
    await click(page, "Routing");
    await expect.poll(() => page.evaluate("document.activeElement.textContent")).toBe("Routing");
  });

  it.each(["light", "dark"] as const)(
    "say that there are more domains than the list has, and open one by name: %s",
    async (colorScheme) => {
      const domains = Array.from({ length: 1000 }, (_, index) => ({ domain: `domain-${index}.example` }));
      const prepare = (tab: Page) =>
        onApi(tab, /^\/domains\?limit=1000/, (route) => route.fulfill({ json: { domains, next_cursor: "domain-999.example" } }));
      const page = await open("/calls", prepare, { colorScheme, viewport: { width: 390, height: 800 } });
      expect(await page.getByLabel("Domain").inputValue()).toBe("localhost");
      await page.getByLabel(/the list has the first 1000/).fill("other.example");
      await page.getByRole("button", { name: "Open" }).click();
      await reads(page, "[role=alert]", "there is no domain other.example");
      expect(await page.getByLabel("Domain").inputValue()).toBe("other.example");
      expect(await faultsOf(page, 390)).toEqual([]);
    },
  );
});
