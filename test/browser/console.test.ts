import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { canBrowse, startBrowser } from "../support/browser.ts";
import { patience } from "../support/patience.ts";
import type { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Where pictures are put for somebody who wants to look at them; none by default. */
const pictures = process.env["CONSOLE_PICTURES"];
/** The width of a phone, and that of a desk. */
const widths = [390, 1280];

describe.skipIf(!canBrowse)("the console", () => {
  let serverUnderTest: ServerUnderTest;
  let browser: Browser;
  let [alice, bob]: Phone[] = [];
  beforeAll(async () => {
    [serverUnderTest, browser] = await Promise.all([
      startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } }),
      startBrowser(),
    ]);
    [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await serverUnderTest?.close();
  });

  const people = (): readonly [Phone, Phone] => [alice as Phone, bob as Phone];

  /** The console in a new tab, signed in unless a wrong key is given. */
  async function open(key = serverUnderTest.server.adminToken, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    await page.goto(`${serverUnderTest.server.url}/console/`);
    await page.fill("input[name=key]", key);
    await page.click("text=Sign in");
    return page;
  }

  const click = (page: Page, name: string): Promise<void> => page.getByRole("link", { name, exact: true }).click();
  const reads = (page: Page, selector: string, text: string | RegExp): Promise<void> =>
    expect.poll(() => page.locator(selector).first().textContent(), { message: selector }).toMatch(text);

  /** A home loses its memory, unless it sleeps already. */
  async function forgets(home: string): Promise<void> {
    await serverUnderTest.server.evict(home, "hibernate").catch((error: unknown) => {
      if (!String(error).includes("not currently running")) throw error;
    });
  }

  /** A call that fails, each in its way. @returns its Call-ID */
  const failures: Readonly<
    Record<string, { readonly fails: () => Promise<string>; readonly why: RegExp; readonly steps: readonly RegExp[] }>
  > = {
    "a wrong number": {
      fails: async () => {
        const [caller] = people();
        const sent = caller.request("INVITE", "sip:no-such-user@localhost");
        await caller.finalResponse(sent);
        return sent.callId;
      },
      why: /^It failed: there is no such user \(404\)\.$/,
      steps: [/INVITE/, /404/],
    },
    "a busy phone": {
      fails: async () => {
        const [caller, callee] = people();
        const sent = caller.request("INVITE", callee.aor);
        const invite = await callee.next("INVITE");
        callee.reply(invite, 180);
        await caller.next(180);
        callee.reply(invite, 486, { headers: [["User-Agent", "Desk phone 7"]] });
        caller.ackRefusal(sent, await caller.finalResponse(sent));
        return sent.callId;
      },
      why: /was busy: Desk phone 7 answered 486 \S.* after \d+ s\.$/,
      steps: [/Offhook → Desk phone 7: INVITE/, /Desk phone 7 → Offhook: 180/, /Desk phone 7 → Offhook: 486/],
    },
    "a phone that is off": {
      fails: async () => {
        const [caller] = people();
        const account = await serverUnderTest.newcomer("carol");
        const carol = await serverUnderTest.register(account, "direct");
        await carol.register({ expires: 0 });
        const sent = caller.request("INVITE", carol.aor);
        await caller.finalResponse(sent);
        return sent.callId;
      },
      why: /^No phone of .* was connected\.$/,
      steps: [/INVITE/, /480/],
    },
    "a trunk that is down": {
      fails: async () => {
        const [caller] = people();
        const trunk = { server: "sip:127.0.0.1:9;transport=tcp", prefixes: ["+1"] };
        expect((await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", trunk)).status).toBe(200);
        const sent = caller.request("INVITE", "sip:+1555@localhost");
        await caller.finalResponse(sent);
        return sent.callId;
      },
      why: /^It failed: the other server could not be reached \(500\)\.$/,
      steps: [/Offhook → provider: INVITE/, /50[03]/],
    },
  };

  it.each(Object.entries(failures))(
    "says why a call failed in two clicks, after its home has lost its memory: %s",
    async (_kind, { fails, why, steps }) => {
      const callId = await fails();
      const record = async () => {
        const { calls } = (await (await serverUnderTest.server.api("GET", "/domains/localhost/calls")).json()) as {
          calls: { call_id: string; id: string }[];
        };
        return calls.find((call) => call.call_id === callId)?.id;
      };
      await expect.poll(record).toBeDefined();
      for (const home of await serverUnderTest.server.listHomes()) await forgets(home);
      const page = await open();
      await click(page, "Calls");
      await page.locator(`a[href$="${await record()}"]`).click();
      await reads(page, ".why", why);
      const shown = await page.locator(".steps li").allTextContents();
      for (const step of steps) expect(shown.some((text) => step.test(text))).toBe(true);
    },
  );

  it("shows the call of two phones, and finds it by user, outcome and number", async () => {
    const [caller, callee] = people();
    const call = await establish(caller, callee);
    await hangUp(caller, call.callerSide, callee);
    const page = await open();
    await click(page, "Calls");
    await page.selectOption("select[name=outcome]", "answered");
    await page.fill("input[name=user]", callee.account);
    await page.click("text=Search");
    await reads(page, "ul.calls .outcome", /^answered/);
    await expect.poll(() => page.locator("ul.calls li").count()).toBe(1);
    await page.locator("ul.calls a").click();
    await reads(page, ".why", /^It was answered after \d+ s and lasted \d+ s\. The caller hung up\.$/);
  });

  it("lists the calls of a user, and ends one", async () => {
    const [caller, callee] = people();
    await establish(caller, callee);
    const page = await open();
    await click(page, "Users");
    await click(page, callee.account);
    await reads(page, "h2", callee.account);
    await page.click("text=End");
    for (const phone of [caller, callee]) phone.reply(await phone.next("BYE"), 200);
    await reads(page, "main", "None.");
  });

  it("makes a user, and shows the same as curl", async () => {
    const page = await open();
    await click(page, "Users");
    await page.getByLabel("Name").fill("zoe");
    await page.getByLabel("Password").fill("correct horse");
    await page.click("text=The same with curl");
    await reads(page, "form pre", /curl -X PUT .*\/domains\/localhost\/subscribers\/zoe"$/s);
    expect(await page.locator("form pre").textContent()).not.toContain("correct horse");
    await page.click("text=Create");
    await reads(page, "form [role=status]", "zoe is there");
    expect((await serverUnderTest.server.api("GET", "/domains/localhost/subscribers/zoe")).status).toBe(200);
    await page.getByLabel("Name").fill("a@b");
    await page.click("text=Create");
    await reads(page, "form [role=status]", /characters that no user name has/);
  });

  it("says what would happen to a call", async () => {
    const page = await open();
    await click(page, "Routing");
    await page.getByLabel("Called").fill("sip:no-such-user@localhost");
    await page.click("text=Test");
    await reads(page, ".why", /404/);
  });

  it("takes no wrong key, and forgets the right one when the administrator signs out", async () => {
    const page = await open("wrong");
    await reads(page, "[role=alert]", "This key is wrong");
    await page.fill("input[name=key]", serverUnderTest.server.adminToken);
    await page.click("text=Sign in");
    await reads(page, "h2", "The last day");
    await page.reload();
    await reads(page, "h2", "The last day");
    await page.click("text=Sign out");
    await reads(page, "h1", "Offhook console");
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
  });

  it("makes a key, shows it once, and the change that this was", async () => {
    const page = await open();
    await click(page, "Access");
    await page.getByLabel("What it is for").fill("billing");
    await page.click("text=Make a key");
    await reads(page, "form [role=status] code", /^ofh_/);
    const key = (await page.locator("form [role=status] code").textContent()) ?? "";
    const answer = await fetch(`${serverUnderTest.server.url}/api/v1/domains/localhost`, { headers: { Authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(200);
    await serverUnderTest.server.api("PUT", "/domains/localhost/subscribers/yves", { password: "correct horse" });
    await page.reload();
    await reads(page, "main", /billing read, localhost/);
    await expect.poll(() => page.locator("main").textContent()).toMatch(/putSubscriber.*subscribers\/yves by administrator \(201\)/);
    expect(await page.locator("main").textContent()).not.toContain(key);
  });

  it("makes a web hook, shows what could not be delivered, and sends it again", async () => {
    const page = await open();
    await click(page, "Web hooks");
    await page.getByLabel("Name").fill("app");
    await page.getByLabel("URL").fill("http://127.0.0.1:9/offhook");
    await page.click("text=Make a web hook");
    await reads(page, "form [role=status] code", /^whsec_/);
    await page.click("text=Send a test");
    const listed = async () => {
      await page.click("section >> text=Refresh");
      return page.locator("section").textContent();
    };
    await expect.poll(listed, { interval: 500 }).toMatch(/test of .*, 1 failed attempts/);
    await page.click("text=Send again");
    await reads(page, "section", /Done/);
    page.on("dialog", (dialog) => void dialog.accept());
    await page.locator("section").getByText("Delete").click();
    await reads(page, "main", /None: no application is told/);
  });

  it("takes a key for one domain, and shows what the key may not do", async () => {
    const asked = await serverUnderTest.server.api("POST", "/keys", { name: "reader", domain: "localhost", scope: "read" });
    const { key } = (await asked.json()) as { readonly key: string };
    const page = await open(key);
    await reads(page, "[role=alert]", "This key is for one domain: which?");
    await page.fill("input[name=domain]", "localhost");
    await page.click("text=Sign in");
    await reads(page, "h2", "The last day");
    await click(page, "Users");
    await page.getByLabel("Name").fill("eve");
    await page.getByLabel("Password").fill("correct horse");
    await page.click("text=Create");
    await reads(page, "form [role=status]", /scope/);
  });

  it("asks for nothing while it is idle", async () => {
    const page = await open();
    await reads(page, "h2", "The last day");
    await page.waitForLoadState("networkidle");
    let asked = 0;
    page.on("request", () => (asked += 1));
    await new Promise((resume) => setTimeout(resume, 3000));
    expect(asked).toBe(0);
  });

  it.each(["light", "dark"] as const)("has nothing that keeps people out (axe), and fits a phone: %s", async (colorScheme) => {
    const first = async () =>
      ((await (await serverUnderTest.server.api("GET", "/domains/localhost/calls")).json()) as { calls: { id: string }[] }).calls[0]?.id;
    await failures["a busy phone"]?.fails();
    await expect.poll(first).toBeDefined();
    const faults: string[] = [];
    for (const width of widths) {
      const page = await open(undefined, { colorScheme, viewport: { width, height: 800 } });
      await reads(page, "h2", "The last day");
      for (const path of [
        "",
        "/calls",
        `/calls/${await first()}`,
        "/users",
        `/users/${people()[0].account}`,
        "/routing",
        "/web-hooks",
        "/access",
      ]) {
        await page.goto(`${serverUnderTest.server.url}/console/#/localhost${path}`);
        await expect.poll(() => page.locator("main [role=status]:text('Loading')").count()).toBe(0);
        await page.locator("h2").first().waitFor();
        if (pictures !== undefined)
          await page.screenshot({ path: `${pictures}/${colorScheme}-${width}${path.replaceAll("/", "_")}.png`, fullPage: true });
        await page.evaluate(axe);
        const found = (await page.evaluate("axe.run()")) as { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
        for (const { id, nodes } of found.violations) faults.push(`${path} at ${width}: ${id} ${nodes[0]?.html}`);
        if (((await page.evaluate("document.documentElement.scrollWidth")) as number) > width)
          faults.push(`${path} is wider than ${width}`);
      }
      await page.close();
    }
    expect(faults).toEqual([]);
  });
});

describe.skipIf(!canBrowse)("the reference of the API", () => {
  it("shows each group of operations, and is content with the page's own policies", async () => {
    const [serverUnderTest, browser] = await Promise.all([startServerUnderTest(), startBrowser()]);
    try {
      const page = await (await browser.newContext()).newPage();
      const complaints: string[] = [];
      page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
      await page.goto(`${serverUnderTest.server.url}/api/docs/`);
      await page.locator("text=List or search the calls of a domain that are over").waitFor({ timeout: patience });
      expect(await page.locator(".opblock").count()).toBeGreaterThan(50);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      await serverUnderTest.close();
    }
  });
});
