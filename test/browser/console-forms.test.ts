import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import type { ServerUnderTest } from "../support/server-under-test.ts";
import { type ConsoleUnderTest, click, hold, onApi, reads, refuse, signIn, startConsole } from "./console-page.ts";

describe.skipIf(!canBrowse)("the forms of the console", () => {
  let consoleUnderTest: ConsoleUnderTest;
  let serverUnderTest: ServerUnderTest;
  beforeAll(async () => {
    consoleUnderTest = await startConsole();
    ({ serverUnderTest } = consoleUnderTest);
  });
  afterEach(() => consoleUnderTest.closeTabs());
  afterAll(() => consoleUnderTest?.close());

  const open: ConsoleUnderTest["open"] = (...given) => consoleUnderTest.open(...given);
  const api: ServerUnderTest["server"]["api"] = (...given) => serverUnderTest.server.api(...given);

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
    await reads(page, "form [role=alert]", /characters that no user name has/);
  });

  it("takes no wrong key, and forgets the right one when the administrator signs out", async () => {
    const page = await open("wrong");
    await reads(page, "[role=alert]", "This key is wrong");
    await signIn(page, serverUnderTest.server.adminToken);
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
    await reads(page, "h2", "The last day");
    await click(page, "Users");
    await page.getByLabel("Name").fill("eve");
    await page.getByLabel("Password").fill("correct horse");
    await page.click("text=Create");
    await reads(page, "form [role=alert]", /scope/);
  });

  it("says what the server says of a key that it refuses, and does not ask for a domain", async () => {
    const page = await consoleUnderTest.visit();
    await onApi(page, /^\/domains/, refuse(403, "keys are accepted over TLS only"));
    await signIn(page, "some-key");
    await reads(page, "[role=alert]", "keys are accepted over TLS only");
    expect(await page.locator("input").count()).toBe(1);
  });

  it("does not change a user that exists, and leads to it", async () => {
    const path = "/domains/localhost/subscribers/yara";
    await api("PUT", path, { password: "correct horse", displayName: "Yara Y" });
    const page = await open();
    await click(page, "Users");
    await page.getByLabel("Name").fill("yara");
    await page.getByLabel("Password").fill("another password");
    await page.click("text=Create");
    await reads(page, "form [role=status]", "yara exists already");
    expect(await (await api("GET", path)).json()).toMatchObject({ displayName: "Yara Y" });
    await page.locator("form [role=status]").getByRole("link").click();
    await reads(page, "h2", "yara Yara Y");
  });

  it("does not change a web hook that exists, and leads to it", async () => {
    const [path, url] = ["/domains/localhost/web-hooks/taken", "http://127.0.0.1:9/first"];
    const page = await open();
    await click(page, "Web hooks");
    await page.getByLabel("URL").waitFor();
    await api("PUT", path, { url, events: ["registered"] });
    await page.getByLabel("Name").fill("taken");
    await page.getByLabel("URL").fill("http://127.0.0.1:9/second");
    await page.click("text=Make a web hook");
    await reads(page, "form [role=status]", "taken exists already");
    expect(await (await api("GET", path)).json()).toMatchObject({ url, events: ["registered"] });
    await reads(page, "section", url);
    await page.locator("form [role=status]").getByRole("link").click();
    expect(await page.locator("section:focus h3").textContent()).toBe("taken");
    await api("DELETE", path);
  });

  it("enables a web hook again whose receiver answered 410", async () => {
    const gone: Server = createServer((_request, response) => void response.writeHead(410).end()).listen(0, "127.0.0.1");
    await new Promise((resume) => gone.once("listening", resume));
    const path = "/domains/localhost/web-hooks/gone";
    const isDisabled = async () => ((await (await api("GET", path)).json()) as { disabled: string | null }).disabled !== null;
    await api("PUT", path, { url: `http://127.0.0.1:${(gone.address() as AddressInfo).port}/`, events: ["registered"] });
    await api("POST", `${path}/test`);
    await expect.poll(isDisabled).toBe(true);
    const page = await open();
    await click(page, "Web hooks");
    await reads(page, "section", /disabled since/);
    await page.click("text=Enable again");
    await expect.poll(() => page.locator("section").textContent()).not.toMatch(/disabled since/);
    expect(await isDisabled()).toBe(false);
    await api("DELETE", path);
    gone.close();
  });

  it("makes one key, however often the button is pressed, and shows it even if the list of keys fails then", async () => {
    const page = await open();
    await click(page, "Access");
    await page.getByLabel("What it is for").waitFor();
    const held = hold();
    let made = 0;
    await onApi(page, /^\/keys$/, async (route) => {
      if (route.request().method() === "GET") return refuse(503, "the database cannot be reached")(route);
      made += 1;
      return held.take(route);
    });
    await page.getByLabel("What it is for").fill("once");
    await page.click("text=Make a key");
    await page.click("text=Make a key");
    held.release();
    await reads(page, "[role=alert]", "the database cannot be reached");
    await reads(page, "form [role=status] code", /^ofh_/);
    expect(made).toBe(1);
  });

  it.each(["50%", "a b", "josé", "9901#1", "a/b?c"])("shows the user %s, also after a reload", async (name) => {
    expect((await api("PUT", `/domains/localhost/subscribers/${encodeURIComponent(name)}`, { password: "correct horse" })).ok).toBe(true);
    const page = await open();
    await click(page, "Users");
    await click(page, name);
    await reads(page, "h2", name);
    await reads(page, "main", "None is registered.");
    await page.reload();
    await reads(page, "h2", name);
    expect(await page.locator("nav [aria-current]").textContent()).toBe("Users");
  });

  it("shows the page of an address that was typed with a % of its own", async () => {
    const page = await open();
    await reads(page, "h2", "The last day");
    await consoleUnderTest.show(page, "/users/100%");
    await reads(page, "[role=alert]", "100%");
  });
});
