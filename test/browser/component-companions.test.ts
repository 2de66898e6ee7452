import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type ComponentPhone, type ComponentUnderTest, startComponent, talk } from "./component-phone.ts";

describe.skipIf(!canBrowse)("messages, contacts and history of the component", () => {
  let component: ComponentUnderTest;
  beforeAll(async () => {
    component = await startComponent();
  });
  afterEach(() => component.closeTabs());
  afterAll(() => component?.close());

  const nameOf = ({ address }: ComponentPhone) => address.split("@")[0] ?? "";
  const writes = async ({ page }: ComponentPhone, to: string, text: string) => {
    await page.fill("offhook-phone [name=to]", to);
    await page.fill("offhook-phone [name=text]", text);
    await page.press("offhook-phone [name=text]", "Enter");
  };
  const fates = ({ page }: ComponentPhone) => page.locator("offhook-phone .messages .fate").allTextContents();
  const adds = async ({ page }: ComponentPhone, contact: string) => {
    await page.fill("offhook-phone [name=contact]", contact);
    await page.press("offhook-phone [name=contact]", "Enter");
  };
  const lamp = (phone: ComponentPhone, address: string) =>
    phone.page.locator(`offhook-phone [data-address="${address}"]`).getAttribute("data-lamp");

  it("a message arrives and is counted until it is read; one that fails says why", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    await alice.shows("messages");
    await writes(alice, nameOf(bob), "<b>Grüße</b> 🎉");
    await expect.poll(() => fates(alice)).toEqual(["delivered"]);
    await expect.poll(() => bob.page.getAttribute("offhook-phone #tab-messages", "aria-label")).toBe("Messages (1 unread)");
    await bob.shows("messages");
    await bob.says(".messages .text", "<b>Grüße</b> 🎉");
    expect(await bob.page.getAttribute("offhook-phone #tab-messages", "aria-label")).toBe("Messages");
    expect(await bob.page.inputValue("offhook-phone [name=to]")).toBe(alice.address);
    await writes(alice, "nobody", "hello");
    await expect.poll(() => fates(alice)).toEqual(["delivered", "not delivered: nobody@localhost does not exist (404)"]);
  });

  it("a message for a user who is away is stored, and is there when they come", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    await bob.page.evaluate('document.querySelector("offhook-phone").remove()');
    await expect
      .poll(async () => {
        const answer = await component.serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${nameOf(bob)}/bindings`);
        return ((await answer.json()) as { readonly bindings: readonly unknown[] }).bindings.length;
      })
      .toBe(0);
    await alice.shows("messages");
    await writes(alice, bob.address, "call me");
    await expect.poll(() => fates(alice)).toEqual(["stored until they are online"]);
    const back = await component.phone("bob", { account: nameOf(bob) });
    await back.shows("messages");
    await back.says(".messages .text", "call me");
  });

  it("a contact's lamp follows; they are called and written to from there, and stay after a reload until they are removed", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    await alice.shows("contacts");
    await adds(alice, "sip:");
    const fault = await alice.page.locator("offhook-phone [name=contact]").evaluate((field: HTMLInputElement) => field.validationMessage);
    expect(fault).toContain("neither an address nor a user name");
    await adds(alice, nameOf(bob));
    await expect.poll(() => lamp(alice, bob.address)).toBe("open");
    await alice.page.click(`offhook-phone button[aria-label="Call ${bob.address}"]`);
    await bob.presses(alice, "answer");
    await expect.poll(() => lamp(alice, bob.address)).toBe("busy");
    await bob.presses(alice, "hang-up");
    await expect.poll(() => lamp(alice, bob.address)).toBe("open");
    await bob.shows("contacts");
    await bob.page.selectOption("offhook-phone .mood", "meeting");
    await alice.says(`[data-address="${bob.address}"] small`, "In a meeting");
    await alice.page.click(`offhook-phone button[aria-label="Write to ${bob.address}"]`);
    expect(await alice.page.inputValue("offhook-phone [name=to]")).toBe(bob.address);
    await alice.page.reload();
    await alice.isRegistered();
    await alice.shows("contacts");
    await expect.poll(() => lamp(alice, bob.address)).toBe("busy");
    await alice.page.click(`offhook-phone button[aria-label="Remove ${bob.address}"]`);
    expect(await alice.page.locator("offhook-phone .contacts li").count()).toBe(0);
  });

  it("who asks to see the user's presence is allowed, by the token and from another origin", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    const { server } = component.serverUnderTest;
    await server.api("PUT", `/domains/localhost/subscribers/${nameOf(bob)}/rules`, { watching: { default: "confirm" } });
    await alice.shows("contacts");
    await adds(alice, bob.address);
    await expect.poll(() => lamp(alice, bob.address)).toBe("waiting");
    await bob.shows("contacts");
    await bob.page.click(`offhook-phone button[aria-label="Allow ${alice.address}"]`);
    await expect.poll(() => lamp(alice, bob.address)).toBe("open");
    await bob.page.waitForSelector("offhook-phone .requests", { state: "hidden" });
  });

  it("the history is that of the server: of each phone of the user, and who called is called back", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    await talk(alice, bob);
    await alice.presses(bob, "hang-up");
    await bob.dials(alice.address);
    await alice.is("is calling you", bob);
    await bob.presses(alice, "hang-up");
    await alice.hasCalls();
    const another = await component.phone("alice", { account: nameOf(alice) });
    const shown = async () => {
      await another.shows("history");
      const lines = another.page.locator("offhook-phone .history li");
      return lines.evaluateAll((items) => items.map((item) => [item.dataset["direction"], item.dataset["outcome"]]));
    };
    await expect.poll(shown, { interval: 300 }).toEqual([
      ["incoming", "missed"],
      ["outgoing", "answered"],
    ]);
    await another.says(".history li .text", new RegExp(`^${bob.address} .*, missed$`));
    await another.page.locator(`offhook-phone button[aria-label="Call ${bob.address}"]`).first().click();
    await bob.presses(another, "answer");
    await another.is("In a call", bob);
  });

  it("a long history comes in pages; one that does not come says so", async () => {
    const alice = await component.phone("alice");
    const call = (id: string) => ({
      id,
      direction: "incoming",
      peer: `${id}@example.com`,
      started: "2026-01-05T12:00:00Z",
      seconds: 65,
      outcome: "answered",
    });
    await alice.page.route(/\/me\/calls/, (route) => {
      const isFirst = !route.request().url().includes("cursor=one");
      const json = isFirst ? { calls: [call("one")], next_cursor: "one" } : { calls: [call("two")], next_cursor: null };
      return route.fulfill({ json, headers: { "Access-Control-Allow-Origin": "*" } });
    });
    await alice.shows("history");
    await alice.page.click("offhook-phone button:text('Show more')");
    await alice.says(".history li:nth-child(2) .text", /^two@example\.com .*answered 1:05$/);
    expect(await alice.page.locator("offhook-phone button:text('Show more')").count()).toBe(0);
    await alice.page.route(/\/me\/calls/, (route) => route.fulfill({ status: 503, headers: { "Access-Control-Allow-Origin": "*" } }));
    await alice.shows("history");
    await alice.says(".empty", "The server gave no history");
  });
});
