import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { establish, hangUp } from "../support/call.ts";
import { type ConsoleUnderTest, reads, signIn, startConsole } from "./console-page.ts";

describe.skipIf(!canBrowse)("the console, while it is open,", () => {
  let consoleUnderTest: ConsoleUnderTest;
  beforeAll(async () => {
    consoleUnderTest = await startConsole();
  });
  afterEach(() => consoleUnderTest.closeTabs());
  afterAll(() => consoleUnderTest?.close());

  async function openLive(path = "") {
    const page = await consoleUnderTest.open();
    await consoleUnderTest.show(page, path);
    return page;
  }
  const newPhones = () => consoleUnderTest.serverUnderTest.phones("direct", "alice", "bob");
  const live = /^Live:/;

  it("shows a call as it begins, rings, is answered and ends, and counts it", async () => {
    const page = await openLive();
    await reads(page, ".live", live);
    const [caller, callee] = await newPhones();
    const text = () => page.locator(`main ul.plain li:has-text("${caller.account}")`).allTextContents();
    const sent = caller.request("INVITE", callee.aor);
    const invite = await callee.next("INVITE");
    await expect.poll(text).toEqual([expect.stringMatching(/calling$/)]);
    callee.reply(invite, 180);
    await expect.poll(text).toEqual([expect.stringMatching(/ringing$/)]);
    callee.reply(invite, 486);
    caller.ackRefusal(sent, await caller.finalResponse(sent));
    await expect.poll(text).toEqual([]);
    await expect.poll(() => page.locator("ul.calls li").allTextContents()).toContainEqual(expect.stringContaining(caller.account));
  });

  it("follows the phones and the calls of a user", async () => {
    const [caller, callee] = await newPhones();
    const page = await openLive(`/users/${callee.account}`);
    await reads(page, "main", "None.");
    const call = await establish(caller, callee);
    await expect.poll(() => page.locator("main").textContent()).toContain("answered");
    await hangUp(caller, call.callerSide, callee);
    await expect.poll(() => page.locator("ul.calls li").count()).toBe(1);
    await callee.register({ expires: 0 });
    await expect.poll(() => page.locator("li code").count()).toBe(0);
  });

  it("catches up with what it has missed while there was no connection", async () => {
    const page = await consoleUnderTest.visit();
    const sockets: { close(): Promise<void> }[] = [];
    await page.routeWebSocket(/\/events$/, (socket) => {
      socket.connectToServer();
      sockets.push(socket);
    });
    await signIn(page, consoleUnderTest.serverUnderTest.server.adminToken);
    await reads(page, ".live", live);
    await Promise.all(sockets.map((socket) => socket.close()));
    await reads(page, ".live", /^Not live/);
    const [caller, callee] = await newPhones();
    const sent = caller.request("INVITE", callee.aor);
    callee.reply(await callee.next("INVITE"), 486);
    caller.ackRefusal(sent, await caller.finalResponse(sent));
    await reads(page, ".live", live);
    await expect.poll(() => page.locator("ul.calls li").allTextContents()).toContainEqual(expect.stringContaining(caller.account));
  });
});
