import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse, startBrowser } from "../support/browser.ts";
import { establish, hangUp, sdpType } from "../support/call.ts";
import { shortSdp } from "../support/compose.ts";
import { patience } from "../support/patience.ts";
import type { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type ConsoleUnderTest, click, faultsOf, reads, startConsole } from "./console-page.ts";

/** Where pictures are put for somebody who wants to look at them; none by default. */
const pictures = process.env["CONSOLE_PICTURES"];
/** The width of a phone, and that of a desk. */
const widths = [390, 1280];

describe.skipIf(!canBrowse)("the console", () => {
  let consoleUnderTest: ConsoleUnderTest;
  let serverUnderTest: ServerUnderTest;
  let [alice, bob]: Phone[] = [];
  beforeAll(async () => {
    consoleUnderTest = await startConsole();
    ({ serverUnderTest } = consoleUnderTest);
    [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
  });
  afterEach(() => consoleUnderTest.closeTabs());
  afterAll(() => consoleUnderTest?.close());

  const people = (): readonly [Phone, Phone] => [alice as Phone, bob as Phone];
  const open: ConsoleUnderTest["open"] = (...given) => consoleUnderTest.open(...given);

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
      why: /^It failed: 127\.0\.0\.1 cannot be reached \(500\)\.$/,
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

  it("connects a user with another one, and says why it cannot", async () => {
    const [user, other] = people();
    const page = await open();
    await click(page, "Users");
    await click(page, user.account);
    await page.click(`text=Connect ${user.account} with another one`);
    const form = page.locator("form", { hasText: "A user, a number or an address" });
    await form.getByLabel("A user, a number or an address").fill("no-such-user");
    await form.getByRole("button", { name: "Call" }).click();
    await expect.poll(() => form.locator("[role=alert]").textContent()).toContain("refused with 404");
    await form.getByLabel("A user, a number or an address").fill(other.account);
    await form.getByRole("button", { name: "Call" }).click();
    const withSdp = { headers: [sdpType], body: shortSdp };
    user.reply(await user.next("INVITE"), 200, withSdp);
    await expect.poll(() => form.locator("[role=status]").textContent()).toContain("ring. When one is answered");
    other.reply(await other.next("INVITE"), 200, withSdp);
    expect((await user.next("ACK")).body).toBe(shortSdp);
    await other.next("ACK");
    await reads(page, "main", /answered incoming sip:/);
    await page.click("text=End");
    for (const phone of [user, other]) phone.reply(await phone.next("BYE"), 200);
  });

  it("says what would happen to a call", async () => {
    const page = await open();
    await click(page, "Routing");
    await page.getByLabel("Called").fill("sip:no-such-user@localhost");
    await page.click("text=Test");
    await reads(page, ".why", /404/);
  });

  it("asks for nothing while it is idle", async () => {
    const page = await open();
    await reads(page, "h2", "The last day");
    // All answers of the page are there.
    await expect.poll(() => page.locator("main").textContent(), { timeout: patience }).not.toContain("Loading…");
    await page.waitForLoadState("networkidle");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await new Promise((resume) => setTimeout(resume, 3000));
    expect(asked).toEqual([]);
  });

  const recordsOf = async () =>
    ((await (await serverUnderTest.server.api("GET", "/domains/localhost/calls")).json()) as { calls: { id: string }[] }).calls;

  /** The pages, each with something that only this page has, and only when its answers are there. */
  async function pagesWithContent(): Promise<[path: string, selectors: readonly string[]][]> {
    const { api } = serverUnderTest.server;
    const domain = "/domains/localhost";
    const made = await Promise.all([
      api("PUT", `${domain}/trunks/provider`, { server: "sip:127.0.0.1:9;transport=tcp", prefixes: ["+1"] }),
      api("PUT", `${domain}/routes/germany`, { match: { user: { prefix: "+49" } }, action: { kind: "reject", status: 403 } }),
      api("PUT", `${domain}/web-hooks/axe`, { url: "http://127.0.0.1:9/offhook", events: ["message.stored"] }),
      api("POST", "/keys", { name: "axe", domain: "localhost", scope: "read" }),
    ]);
    expect(made.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect((await api("POST", `${domain}/web-hooks/axe/test`)).status).toBe(202);
    const deliveries = async () => (await api("GET", `${domain}/web-hooks/axe/deliveries`)).text();
    await expect.poll(deliveries).toMatch(/"attempts":[1-9]/);
    await failures["a busy phone"]?.fails();
    await expect.poll(recordsOf).not.toEqual([]);
    const [{ id } = { id: "" }] = await recordsOf();
    const { account } = people()[0];
    return [
      ["", [".counts", ".plot canvas", "li:has-text('provider'):has-text('127.0.0.1')"]],
      ["/calls", [".filters [name=outcome]", "ul.calls li"]],
      [`/calls/${id}`, [".steps li", ".message", ".record"]],
      ["/users", [`li a:text-is('${account}')`]],
      [`/users/${account}`, [`h2:has-text('${account}')`, "li code", "ul.calls li"]],
      ["/routing", ["summary:text-is('germany')"]],
      ["/web-hooks", ["section:has-text('axe') li:has-text('failed attempts')"]],
      ["/access", ["li strong:text-is('axe')", "li:has-text('putWebHook')"]],
    ];
  }

  it.each(["light", "dark"] as const)("has nothing that keeps people out (axe), and fits a phone: %s", async (colorScheme) => {
    const pages = await pagesWithContent();
    const faults: string[] = [];
    for (const width of widths) {
      const page = await open(undefined, { colorScheme, viewport: { width, height: 800 } });
      await reads(page, "h2", "The last day");
      for (const [path, selectors] of pages) {
        await consoleUnderTest.show(page, path);
        for (const selector of selectors) await page.locator(selector).first().waitFor({ state: "attached" });
        await expect.poll(() => page.getByText("Loading…").count()).toBe(0);
        await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
        if (pictures !== undefined)
          await page.screenshot({ path: `${pictures}/${colorScheme}-${width}${path.replaceAll("/", "_")}.png`, fullPage: true });
        faults.push(...(await faultsOf(page, width)));
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
