import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";
import { dial, focused, isShown, open, patience, reads, talk, watches } from "./softphone-page.ts";

/** Notes the keys that a browser has put into the sound of a call. */
const noteKeys = `
  window.sounded = [];
  const insert = RTCDTMFSender.prototype.insertDTMF;
  RTCDTMFSender.prototype.insertDTMF = function (...parameters) {
    this.ontonechange = ({ tone }) => { if (tone !== "") window.sounded.push(tone); };
    return insert.apply(this, parameters);
  };`;

/** A browser that reaches nothing while it is away. */
const mayBeAway = `
  const Reachable = WebSocket;
  window.WebSocket = class extends Reachable {
    constructor(url, protocols) {
      super(window.isAway ? url.replace("/ws", "/nothing") : url, protocols);
    }
  };`;

/** A browser whose other side has not agreed to keys in the sound. */
const withoutKeys = 'Object.defineProperty(RTCDTMFSender.prototype, "canInsertDTMF", { get: () => false });';

describe.skipIf(!canBrowse)("the softphone by keyboard", () => {
  let parlour: Parlour;
  beforeAll(async () => {
    parlour = await openParlour();
  });
  afterEach(() => parlour.clear());
  afterAll(() => parlour?.close());

  const newcomers = async () => [await parlour.serverUnderTest.newcomer("alice"), await parlour.serverUnderTest.newcomer("bob")] as const;

  it.each(["target", "buddy", "to", "text"])(
    "an Enter typed into #%s answers no call: the focus does not move while one writes",
    async (id) => {
      const [alice, bob] = await newcomers();
      const [caller, callee] = [await open(parlour, alice), await open(parlour, bob)];
      await callee.focus(`#${id}`);
      await callee.keyboard.type("o");
      await dial(caller, bob);
      await callee.waitForSelector("#answer:visible", patience);
      await callee.keyboard.type("k");
      expect([await focused(callee), await callee.inputValue(`#${id}`)]).toEqual([id, "ok"]);
      await callee.keyboard.press("Enter");
      await callee.keyboard.press("Enter");
      await reads(callee, "#progress", "is calling you");
      await caller.click("#hangup");
      await callee.waitForSelector("#answer:visible", { state: "hidden" });
      await reads(caller, "#notice", "You gave up");
      await reads(callee, "#notice", `${alice}@localhost gave up`);
    },
  );

  it("the focus stays on the button that was pressed, or goes to what comes in its place, and nothing is pressed by that", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(parlour, alice), await open(parlour, bob)];
    await talk(caller, callee, bob);
    expect(await focused(callee)).toBe("session");
    for (const id of ["mute", "hold"]) {
      for (const pressed of ["true", "false"]) {
        await callee.focus(`#${id}`);
        await callee.keyboard.press("Enter");
        await callee.waitForSelector(`#${id}[aria-pressed=${pressed}]`);
        expect(await focused(callee)).toBe(id);
      }
    }
    await callee.focus("#hangup");
    await callee.keyboard.press("Enter");
    await reads(callee, "#notice", "You hung up");
    expect(await focused(callee)).toBe("phone");
  });

  it("the focus stays on a buddy's button when a lamp changes, and goes on to the next buddy when its own one goes", async () => {
    const [alice, bob] = await newcomers();
    const [watcher, other] = [await open(parlour, alice), await open(parlour, bob)];
    for (const buddy of [bob, "nobody"]) await watches(watcher, buddy);
    await isShown(watcher, bob, "open", "Available");
    const label = () => watcher.evaluate("document.activeElement?.getAttribute('aria-label')");
    await watcher.focus(`button[aria-label="Remove ${bob}@localhost"]`);
    await other.selectOption("#mood", "away");
    await isShown(watcher, bob, "busy", "Away");
    expect(await label()).toBe(`Remove ${bob}@localhost`);
    await watcher.keyboard.press("Enter");
    expect(await label()).toBe("Call nobody@localhost");
  });

  it("what one writes stays, and so does the focus, while the connection is lost and comes back", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(parlour, alice), await open(parlour, bob, {}, mayBeAway)];
    await watches(callee, alice);
    for (const id of ["target", "text", "buddy"]) {
      await callee.focus(`#${id}`);
      await callee.keyboard.type("o");
      await callee.evaluate("window.isAway = true");
      await parlour.serverUnderTest.server.evict(`sip:${bob}@localhost#1`, "close");
      await callee.waitForSelector('#status[data-state="connecting"]', patience);
      await callee.keyboard.type("k");
      expect([await focused(callee), await callee.inputValue(`#${id}`), await callee.isDisabled("#call")]).toEqual([id, "ok", true]);
      await callee.evaluate("window.isAway = false");
      await reads(callee, "#status", `Registered as ${bob}@localhost`);
      expect([await focused(callee), await callee.inputValue(`#${id}`), await callee.isDisabled("#call")]).toEqual([id, "ok", false]);
    }
    await dial(caller, bob);
    await callee.waitForSelector("#answer:visible", patience);
  });

  it("keys go in the sound (RFC 4733), by button and by keyboard, and not while one writes", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(parlour, alice, {}, noteKeys), await open(parlour, bob)];
    await talk(caller, callee, bob);
    await caller.click('#keys button:text-is("5")');
    await caller.keyboard.press("1");
    await caller.keyboard.press("#");
    await caller.keyboard.press("Control+2");
    await caller.focus("#text");
    await caller.keyboard.type("7");
    await expect.poll(() => caller.evaluate("window.sounded.join('')"), patience).toBe("51#");
    expect([await caller.textContent("#pressed"), await caller.inputValue("#text")]).toEqual(["51#", "7"]);
    expect(await caller.textContent("#log")).not.toContain("INFO sip:");
  });

  it("keys go as INFO to a phone that takes none in the sound", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(parlour, alice, {}, withoutKeys), await open(parlour, bob)];
    await talk(caller, callee, bob);
    await caller.keyboard.press("5");
    await expect.poll(() => callee.textContent("#log"), patience).toMatch(/◀ INFO sip:[^]*Signal=5/);
  });
});
