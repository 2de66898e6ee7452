import { mkdirSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type ComponentPhone, type ComponentUnderTest, startComponent } from "./component-phone.ts";
import { faultsOf } from "./console-page.ts";

/** Where pictures are put; none are made without it. */
const pictures = process.env["PICTURES"];

const themes = ["light", "dark"] as const;
const width = 390;

describe.skipIf(!canBrowse)("the component for all who use it", () => {
  let component: ComponentUnderTest;
  beforeAll(async () => {
    component = await startComponent();
    if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  });
  afterEach(() => component.closeTabs());
  afterAll(() => component?.close());

  /** Faults of what a phone shows now. */
  const look = async (phone: ComponentPhone, state: string, theme: string): Promise<string[]> => {
    if (pictures !== undefined) await phone.page.screenshot({ path: `${pictures}/${state}-${theme}.png`, fullPage: true });
    const faults = await faultsOf(phone.page, width);
    await phone.page.setViewportSize({ width: 320, height: 844 });
    const least = (await phone.page.evaluate("document.documentElement.scrollWidth")) as number;
    await phone.page.setViewportSize({ width, height: 844 });
    return [...faults, ...(least > 320 ? ["is wider than 320"] : [])].map((fault) => `${state}, ${theme}: ${fault}`);
  };

  it.each(themes)("axe finds nothing, and nothing is wider than 390 px, or 320: %s", async (theme) => {
    const tab = { colorScheme: theme, viewport: { width, height: 844 } } as const;
    const [alice, bob, carol] = [
      await component.phone("alice", { tab }),
      await component.phone("a-colleague-with-a-long-name-who-never-tires-of-it"),
      await component.phone("carol"),
    ];
    const faults: string[] = [];
    const see = async (state: string) => faults.push(...(await look(alice, state, theme)));
    await see("registered");
    await bob.dials(alice.address);
    await alice.is("is calling you", bob);
    await see("offered");
    await alice.presses(bob, "answer");
    await alice.hears(bob);
    await see("talking");
    await alice.presses(bob, "keys");
    await see("keys");
    await alice.presses(bob, "transfer");
    await see("transfer");
    await alice.card(bob).locator("[name=target]").fill(carol.address);
    await alice.presses(bob, "ask-first");
    await carol.presses(alice, "answer");
    await alice.hears(carol);
    await see("two-lines");
    await alice.presses(carol, "camera");
    await alice.page.waitForSelector("offhook-phone .own-video");
    await see("camera");
    await component.serverUnderTest.server.evict(`sip:${alice.address}#1`, "close");
    await alice.says("[part=status]", /^Reconnecting/);
    await see("reconnecting");
    await alice.isRegistered();
    await alice.presses(carol, "hang-up");
    await alice.presses(bob, "hang-up");
    await alice.hasCalls();
    await alice.shows("messages");
    await see("no-messages");
    for (const [to, text] of [
      [bob.address, "Are you there?"],
      ["nobody", "This goes nowhere"],
    ] as const) {
      await alice.page.fill("offhook-phone [name=to]", to);
      await alice.page.fill("offhook-phone [name=text]", text);
      await alice.page.press("offhook-phone [name=text]", "Enter");
    }
    await bob.shows("messages");
    await bob.page.fill("offhook-phone [name=text]", "Yes, at my desk until four. Then I have to go.");
    await bob.page.press("offhook-phone [name=text]", "Enter");
    await alice.says(".messages li:nth-child(3) .text", /^Yes/);
    await see("messages");
    await alice.shows("contacts");
    for (const contact of [bob.address, carol.address, "nobody"]) {
      await alice.page.fill("offhook-phone [name=contact]", contact);
      await alice.page.press("offhook-phone [name=contact]", "Enter");
    }
    await alice.says(`[data-address="${carol.address}"]`, /Available/);
    await see("contacts");
    await alice.shows("history");
    await alice.says(".history li", new RegExp(`answered`));
    await see("history");
    await alice.shows("settings");
    await see("settings");
    expect(faults).toEqual([]);
  });

  it.each(themes)("the same for a phone that does not sign in: %s", async (theme) => {
    const script = `<script src="${component.serverUnderTest.server.url}/offhook-phone.js"></script><offhook-phone token="x"></offhook-phone>`;
    const page = await component.visit(script, { tab: { colorScheme: theme, viewport: { width, height: 844 } } });
    await page.waitForSelector("offhook-phone [data-state=failed]");
    if (pictures !== undefined) await page.screenshot({ path: `${pictures}/failed-${theme}.png` });
    expect(await faultsOf(page, width)).toEqual([]);
  });

  it("the keyboard alone makes and takes a call, presses keys, goes through the tabs, and hangs up", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    const { keyboard } = alice.page;
    const focused = (phone: ComponentPhone) =>
      phone.page.evaluate("document.querySelector('offhook-phone').shadowRoot.activeElement?.className") as Promise<string>;
    await keyboard.press("Tab");
    await keyboard.press("ArrowRight");
    await keyboard.press("End");
    expect(await alice.page.textContent("offhook-phone [aria-selected=true] .name")).toBe("Settings");
    await keyboard.press("ArrowRight");
    await keyboard.press("Tab");
    await keyboard.type(bob.address);
    await keyboard.press("Enter");
    // A call that comes has the focus at its answer, if nothing else is in use.
    await expect.poll(() => focused(bob)).toContain("answer");
    await bob.page.keyboard.press("Enter");
    await bob.is("In a call", alice);
    // The button that was pressed is gone: the focus is at what has taken its place, and presses nothing.
    await expect.poll(() => focused(bob)).toBe("call");
    await bob.page.keyboard.press("5");
    await bob.page.keyboard.press("#");
    await bob.presses(alice, "keys");
    expect(await bob.card(alice).locator("output").textContent()).toBe("5#");
    await bob.page.keyboard.press("Shift+Tab");
    await bob.page.keyboard.press("Shift+Tab");
    await bob.page.keyboard.press("Shift+Tab");
    expect(await focused(bob)).toContain("hang-up");
    await bob.page.keyboard.press("Enter");
    await alice.tells(`${bob.address} hung up`);
  });

  it("a call that comes takes no focus from who writes", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    await bob.shows("messages");
    await bob.page.focus("offhook-phone [name=to]");
    await bob.page.keyboard.type("al");
    await alice.dials(bob.address);
    await bob.is("is calling you", alice);
    await bob.page.keyboard.type("5ice");
    await bob.page.keyboard.press("Enter");
    expect(await bob.page.inputValue("offhook-phone [name=to]")).toBe("al5ice");
    await bob.is("is calling you", alice);
  });

  it("takes the theme that the page wants, and its colours", async () => {
    const phone = await component.phone("alice", { attributes: 'theme="dark"', tab: { colorScheme: "light" } });
    await phone.page.locator("offhook-phone").evaluate((element) => element.style.setProperty("--offhook-accent", "rgb(1, 2, 3)"));
    const colours = await phone.page.evaluate(`(() => {
      const root = document.querySelector("offhook-phone").shadowRoot;
      return [".phone", ".call-button"].map((part) => getComputedStyle(root.querySelector(part)).backgroundColor);
    })()`);
    expect(colours).toEqual(["rgb(20, 25, 31)", "rgb(1, 2, 3)"]);
  });
});
