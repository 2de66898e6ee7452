import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";
import { dial, isShown, open, patience, reads, talk, watches } from "./softphone-page.ts";

describe.skipIf(!canBrowse)("a page of the softphone that goes, and one that comes back", () => {
  let parlour: Parlour;
  beforeAll(async () => {
    parlour = await openParlour();
  });
  afterEach(() => parlour.clear());
  afterAll(() => parlour?.close());

  const newcomers = async () => [await parlour.serverUnderTest.newcomer("alice"), await parlour.serverUnderTest.newcomer("bob")] as const;
  const bindings = async (account: string) => {
    const answer = await parlour.serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${account}/bindings`);
    return ((await answer.json()) as { readonly bindings: readonly unknown[] }).bindings.length;
  };
  const trace = async (account: string) =>
    (await parlour.serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${account}/trace?format=text`)).text();
  const registered = (page: Page, account: string) => reads(page, "#status", `Registered as ${account}@localhost`);

  it("stays signed in, with no password in the address bar; signed out, or refused, it stays so", async () => {
    const alice = await parlour.serverUnderTest.newcomer("alice");
    const page = await open(parlour, alice);
    expect(await page.evaluate("location.search")).toBe("");
    await page.reload();
    await registered(page, alice);
    await page.click("#unregister");
    await reads(page, "#status", "Not connected");
    await page.reload();
    await reads(page, "#status", "Not connected");
    expect(await page.evaluate("JSON.stringify({ ...sessionStorage })")).not.toContain(alice);
    await page.fill("#address", alice);
    await page.fill("#password", "wrong");
    await page.press("#password", "Enter");
    await reads(page, "#status", /password is wrong/);
    expect([await page.getAttribute("#status", "role"), await page.evaluate("sessionStorage.getItem('offhook-account')")]).toEqual([
      "alert",
      null,
    ]);
  });

  it("is gone at once when it is closed: its binding is taken back, and who calls hears so within five seconds", async () => {
    const [alice, bob] = await newcomers();
    const [caller, closed] = [await open(parlour, alice), await open(parlour, bob)];
    await closed.close();
    await expect.poll(() => bindings(bob), patience).toBe(0);
    await dial(caller, bob);
    await expect.poll(() => caller.textContent("#notice")).toBe(`${bob}@localhost is not reachable (480)`);
    // Nobody was waited for.
    const log = await caller.textContent("#log");
    expect([/SIP\/2\.0 480/, /SIP\/2\.0 18\d/].map((line) => line.test(log ?? ""))).toEqual([true, false]);
  });

  it("keeps its binding while it rings, and when it is known to reload", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(parlour, alice), await open(parlour, bob)];
    await callee.evaluate("location.reload()");
    await callee.waitForLoadState();
    await registered(callee, bob);
    await dial(caller, bob);
    await callee.waitForSelector("#answer:visible", patience);
    await callee.close();
    await caller.click("#hangup");
    await reads(caller, "#notice", "You gave up");
    expect(await trace(bob)).not.toMatch(/expires=0/i);
  });

  it("says what became of the call that there was", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(parlour, alice), await open(parlour, bob)];
    await talk(caller, callee, bob);
    await callee.reload();
    await reads(caller, "#notice", `${bob}@localhost hung up`);
    await reads(callee, "#notice", `Your call with ${alice}@localhost ended when this page was left or reloaded`);
    await registered(callee, bob);
    await dial(caller, bob);
    await callee.waitForSelector("#answer:visible", patience);
    await caller.reload();
    await reads(callee, "#notice", `${alice}@localhost gave up`);
    await reads(caller, "#notice", `Your call to ${bob}@localhost was given up when this page was left or reloaded`);
    await registered(caller, alice);
    await dial(caller, bob);
    await callee.waitForSelector("#answer:visible", patience);
    await callee.reload();
    await callee.waitForSelector("#answer:visible", patience);
    await reads(callee, "#notice", /^$/);
    await caller.click("#hangup");
    await reads(callee, "#notice", `${alice}@localhost gave up`);
    await callee.reload();
    await registered(callee, bob);
    expect(await callee.textContent("#notice")).toBe("");
  });

  it("shows the state that others see, which is that of before; closed or signed out, it takes back what it said", async () => {
    const [alice, bob] = await newcomers();
    const [watcher, page] = [await open(parlour, alice), await open(parlour, bob)];
    await watches(watcher, bob);
    await reads(page, "#seen", "Others see: Available");
    await page.selectOption("#mood", "meeting");
    await isShown(watcher, bob, "busy", "In a meeting");
    await reads(page, "#seen", "Others see: In a meeting");
    await page.reload();
    await registered(page, bob);
    await reads(page, "#seen", "Others see: In a meeting");
    expect(await page.inputValue("#mood")).toBe("meeting");
    await isShown(watcher, bob, "busy", "In a meeting");
    await page.click("#unregister");
    await isShown(watcher, bob, "closed", "Offline");
    const next = await open(parlour, bob);
    await isShown(watcher, bob, "open", "Available");
    await reads(next, "#seen", "Others see: Available");
    await next.selectOption("#mood", "away");
    await isShown(watcher, bob, "busy", "Away");
    await next.close();
    await isShown(watcher, bob, "closed", "Offline");
    await reads(await open(parlour, bob), "#seen", "Others see: Available");
  });

  it("publishes one state, however fast it changes", async () => {
    const bob = await parlour.serverUnderTest.newcomer("bob");
    const page = await open(parlour, bob);
    await page.evaluate(`for (const mood of ["away", "busy", "meeting"]) {
      document.querySelector("#mood").value = mood;
      document.querySelector("#mood").dispatchEvent(new Event("change"));
    }`);
    await reads(page, "#seen", "Others see: In a meeting");
    await page.selectOption("#mood", "");
    await reads(page, "#seen", "Others see: Available");
  });

  it("is another phone when its tab was duplicated", async () => {
    const bob = await parlour.serverUnderTest.newcomer("bob");
    const page = await open(parlour, bob);
    const [copy] = await Promise.all([page.context().waitForEvent("page"), page.evaluate("void window.open(location.href)")]);
    await registered(copy, bob);
    expect(await bindings(bob)).toBe(2);
  });

  it("asks for a buddy who cannot be watched after two minutes, then after four, and not with each refresh of its registration", async () => {
    const alice = await parlour.serverUnderTest.newcomer("alice");
    const page = await open(parlour, alice);
    const wire = frames(page);
    // The registration is refreshed by the same clock.
    await page.clock.install();
    await page.reload();
    await registered(page, alice);
    await page.clock.pauseAt(Date.now() + 1000);
    const before = wire.sent("REGISTER ");
    await watches(page, "nobody");
    for (const [minutes, times] of [
      [0, 1],
      [1.8, 1],
      [0.4, 2],
      [3.6, 2],
      [0.6, 3],
      [7.4, 3],
      [0.8, 4],
    ] as const) {
      // In steps, so that the server answers before the page's clock says that it did not.
      for (let passed = 0; passed < minutes * 60; passed += 6) {
        await page.clock.runFor(6000);
        await expect.poll(wire.unanswered, patience).toBe(0);
      }
      await expect.poll(() => wire.sent("SUBSCRIBE sip:nobody@"), patience).toBe(times);
      await isShown(page, "nobody", "refused", "There is no such user");
    }
    expect(wire.sent("REGISTER ")).toBeGreaterThan(before);
  });
});

/** What a page has sent on its last WebSocket, and how many requests the server has still to answer. */
function frames(page: Page) {
  const sent: string[] = [];
  let finalResponses = 0;
  page.on("websocket", (socket) => {
    sent.length = 0;
    finalResponses = 0;
    socket.on("framesent", ({ payload }) => sent.push(payload.toString()));
    socket.on("framereceived", ({ payload }) => {
      if (/^SIP\/2\.0 [2-6]/.test(payload.toString())) finalResponses += 1;
    });
  });
  return {
    sent: (start: string) => sent.filter((frame) => frame.startsWith(start)).length,
    unanswered: () => sent.filter((frame) => /^[A-Z]+ /.test(frame) && !frame.startsWith("ACK ")).length - finalResponses,
  };
}
