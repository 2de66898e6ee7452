import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { canBrowse } from "../support/browser.ts";
import type { ServerUnderTest } from "../support/server-under-test.ts";
import { type ConsoleUnderTest, click, faultsOf, hold, onApi, reads, startConsole } from "./console-page.ts";

describe.skipIf(!canBrowse)("the set-up in the console", () => {
  let consoleUnderTest: ConsoleUnderTest;
  beforeAll(async () => {
    consoleUnderTest = await startConsole();
  });
  afterEach(() => consoleUnderTest.closeTabs());
  afterAll(() => consoleUnderTest?.close());

  const api: ServerUnderTest["server"]["api"] = (...given) => consoleUnderTest.serverUnderTest.server.api(...given);
  const read = async (path: string): Promise<unknown> => (await api("GET", `/domains/localhost/${path}`)).json();
  const open = async (options = {}): Promise<Page> => {
    const page = await consoleUnderTest.open(undefined, options);
    await click(page, "Set-up");
    await page.getByRole("region", { name: "Trunks" }).waitFor();
    return page;
  };
  const summary = (page: Page, text: string) => page.locator("summary", { hasText: text }).first().click();
  const save = (page: Page) => page.locator('details[open] button:has-text("Save")').click();
  const change = async (page: Page, find: string, put: string) => {
    const area = page.locator("details[open] textarea");
    await area.fill((await area.inputValue()).replace(find, put));
  };

  it("makes, edits and deletes a route", async () => {
    const page = await open();
    const routes = page.getByRole("region", { name: "Routes" });
    await routes.getByLabel("New, with the name").fill("premium");
    await routes.getByRole("button", { name: "Add to Routes" }).click();
    await change(page, '"prefix": "00"', '"prefix": "0900"');
    await save(page);
    await reads(page, "details[open] div[role=status]", "Saved");
    expect(await read("routes/premium")).toMatchObject({ match: { user: { prefix: "0900" } }, action: { kind: "reject", status: 403 } });
    const held = hold();
    await onApi(page, /\/routes\/premium$/, (route) => (route.request().method() === "GET" ? held.take(route) : route.continue()));
    await change(page, "403", "480");
    await save(page);
    await held.waiting;
    expect(await read("routes/premium")).toMatchObject({ action: { status: 480 } });
    // What is shown has an old entity tag until it is read again.
    for (const name of ["Save", "Delete"]) expect(await page.locator(`details[open] button:has-text("${name}")`).isDisabled()).toBe(true);
    held.release();
    page.on("dialog", (dialog) => void dialog.accept());
    await page.locator('details[open] button:has-text("Delete")').click();
    await expect.poll(async () => (await api("GET", "/domains/localhost/routes/premium")).status).toBe(404);
  });

  it("replaces nothing that was changed meanwhile, and says what is wrong with a change", async () => {
    await api("PUT", "/domains/localhost/trunks/carrier", {
      server: "sip:127.0.0.1:5999;transport=tcp",
      prefixes: ["+49"],
      password: "secret",
      username: "u",
    });
    const page = await open();
    await summary(page, "carrier");
    await change(page, "+49", "+44");
    await api("PUT", "/domains/localhost/trunks/carrier", { server: "sip:127.0.0.1:5999;transport=tcp", prefixes: ["+1"], username: "u" });
    await save(page);
    await reads(page, "details[open] [role=alert]", /it is not, or no longer, what was read/);
    expect(await read("trunks/carrier")).toMatchObject({ prefixes: ["+1"] });
    await page.click("details[open] >> text=Read again");
    await expect.poll(() => page.locator("details[open] textarea").inputValue()).toContain("+1");
    await change(page, '"+1"', "1");
    await save(page);
    await reads(page, "details[open] [role=alert]", /prefixes/);
    await page.locator("details[open] textarea").fill("{");
    await save(page);
    await reads(page, "details[open] [role=alert]", "This is no JSON.");
  });

  it("changes the settings of the domain, rules of a user, and their password", async () => {
    const page = await open();
    await summary(page, "Settings");
    await change(page, '"calls_out": false', '"calls_out": true');
    await save(page);
    await expect.poll(() => read("settings")).toMatchObject({ calls_out: true });
    await consoleUnderTest.show(page, "/users/alice");
    await summary(page, "Rules");
    await change(page, '"do_not_disturb": false', '"do_not_disturb": true');
    await save(page);
    await expect.poll(() => read("subscribers/alice/rules")).toMatchObject({ do_not_disturb: true });
    await summary(page, "New password");
    await page.getByLabel("Password").fill("another long one");
    await page.click("text=Change the password");
    await reads(page, "details[open]:has(input[type=password]) [role=status]", /password was changed/);
  });

  it("imports users from a file, and says which lines could not be used", async () => {
    const page = await consoleUnderTest.open();
    await click(page, "Users");
    const file = { name: "users.csv", mimeType: "text/csv", buffer: Buffer.from("username,password\nina,correct horse\nbad,short\n") };
    await page.locator("input[type=file]").setInputFiles(file);
    await page.click("text=/^Import$/");
    await reads(page, "form:has(input[type=file])", /1 made, 0 there already, 1 lines.*line 3: password/s);
    expect((await api("GET", "/domains/localhost/subscribers/ina")).status).toBe(200);
  });

  it.each(["light", "dark"] as const)("has no barriers at phone width, %s", async (colorScheme) => {
    const page = await open({ colorScheme, viewport: { width: 390, height: 844 } });
    for (const details of await page.locator("main details").all()) await details.evaluate((one) => one.setAttribute("open", ""));
    await page.locator("textarea").first().waitFor();
    expect(await faultsOf(page, 390)).toEqual([]);
  });
});
