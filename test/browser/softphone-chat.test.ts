import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { header } from "../support/received-message.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";
import type { Page } from "playwright-core";
import { open, patience, reads } from "./softphone-page.ts";

describe.skipIf(!canBrowse)("messages in the softphone (RFC 3428)", () => {
  let parlour: Parlour;
  beforeAll(async () => {
    parlour = await openParlour();
  });
  afterEach(() => parlour.clear());
  afterAll(() => parlour?.close());

  const newcomers = async () => [await parlour.serverUnderTest.newcomer("alice"), await parlour.serverUnderTest.newcomer("bob")] as const;
  const writes = async (page: Page, to: string, text: string) => {
    await page.fill("#to", to);
    await page.fill("#text", text);
    await page.press("#text", "Enter");
  };
  /** The messages, each with what became of it. */
  const shows = (page: Page, ...lines: readonly string[]) =>
    expect.poll(() => page.locator("#messages li").allTextContents(), patience).toEqual(lines);

  it("come and go, whatever is in them, and show what became of them", async () => {
    const [alice, bob] = await newcomers();
    const [one, other] = [await open(parlour, alice), await open(parlour, bob)];
    const text = `<b>"Grüße"</b> & 你好 🎉`;
    await writes(one, bob, text);
    await shows(other, `${alice}@localhost: ${text}`);
    await shows(one, `To ${bob}@localhost: ${text}delivered`);
    expect([await one.inputValue("#text"), await other.inputValue("#to")]).toEqual(["", `${alice}@localhost`]);
    await other.fill("#text", "hello");
    await other.press("#text", "Enter");
    await shows(one, `To ${bob}@localhost: ${text}delivered`, `${bob}@localhost: hello`);
  });

  it("wait for a user without a phone, and are there when they come", async () => {
    const [alice, bob] = await newcomers();
    const one = await open(parlour, alice);
    const away = await open(parlour, bob);
    await away.click("#unregister");
    await expect
      .poll(async () => {
        const answer = await parlour.serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${bob}/bindings`);
        return ((await answer.json()) as { readonly bindings: readonly unknown[] }).bindings.length;
      }, patience)
      .toBe(0);
    await writes(one, bob, "call me");
    await shows(one, `To ${bob}@localhost: call mestored until they are online`);
    await shows(await open(parlour, bob), `${alice}@localhost: call me`);
  });

  it("say why they are not delivered, and stay after a reload until the user signs out", async () => {
    const alice = await parlour.serverUnderTest.newcomer("alice");
    const page = await open(parlour, alice);
    await writes(page, "nobody", "hello");
    const failed = "To nobody@localhost: hellonot delivered: nobody@localhost does not exist (404)";
    await shows(page, failed);
    expect(await page.getAttribute("#messages li", "data-failed")).toBe("true");
    await page.reload();
    await reads(page, "#status", `Registered as ${alice}@localhost`);
    await shows(page, failed);
    await page.click("#unregister");
    await shows(page);
    await page.fill("#address", alice);
    await page.fill("#password", "offhook");
    await page.click("#register");
    await reads(page, "#status", `Registered as ${alice}@localhost`);
    await shows(page);
  });

  it.each(["sip:", "50%"])("go to nobody who is no address: %s", async (target) => {
    const page = await open(parlour, await parlour.serverUnderTest.newcomer("alice"));
    await writes(page, target, "hello");
    expect(await page.evaluate('document.querySelector("#to").validationMessage')).toContain("neither an address nor a user name");
    expect(await page.inputValue("#text")).toBe("hello");
  });

  it("of another type than text are refused with what is taken (415), text is answered 200", async () => {
    const [alice, bob] = await newcomers();
    const page = await open(parlour, bob);
    const phone = await parlour.serverUnderTest.register(alice, "direct");
    const send = async (type: string) =>
      phone.finalResponse(phone.request("MESSAGE", `sip:${bob}@localhost`, { headers: [["Content-Type", type]], body: "hello" }));
    const refusal = await send("application/im-iscomposing+xml");
    expect([refusal.status, header(refusal, "Accept")]).toEqual([415, "text/plain"]);
    expect((await send("text/plain")).status).toBe(200);
    await shows(page, `${alice}@localhost: hello`);
  });
});
