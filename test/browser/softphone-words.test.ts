import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";
import { dial, open, patience, reads, talk, watches } from "./softphone-page.ts";

/** Notes the frequencies of the tones that a page plays, and the configuration of its calls. */
const noteAll = `
  window.played = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function () { window.played.push(this.frequency.value); return start.call(this); };
  window.configured = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration) { super(configuration); window.configured.push(configuration.iceServers); }
  };`;

const refuse = (name: string) => `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "${name}"));`;

describe.skipIf(!canBrowse)("what the softphone says, and lets one hear", () => {
  let parlour: Parlour;
  beforeAll(async () => {
    parlour = await openParlour();
  });
  afterEach(() => parlour.clear());
  afterAll(() => parlour?.close());

  const newcomers = async () => [await parlour.serverUnderTest.newcomer("alice"), await parlour.serverUnderTest.newcomer("bob")] as const;
  const subscribers = "/domains/localhost/subscribers";
  const rules = async (account: string, body: object) => {
    expect((await parlour.serverUnderTest.server.api("PUT", `${subscribers}/${account}/rules`, body)).status).toBe(200);
  };
  const played = (page: Page) => page.evaluate("window.played") as Promise<number[]>;

  it.each([
    ["NotAllowedError", "The microphone is blocked: allow it for this page in the browser, and try again"],
    ["NotFoundError", "No microphone was found: connect one, and try again"],
    ["NotReadableError", "The microphone cannot be opened: another program may be using it"],
  ])("a microphone that the browser does not give (%s), to who calls and to who answers", async (name, text) => {
    const [alice, bob] = await newcomers();
    const [deaf, other] = [await open(parlour, alice, {}, refuse(name)), await open(parlour, bob)];
    await dial(deaf, bob);
    await reads(deaf, "#notice", text);
    expect(await deaf.getAttribute("#notice", "data-failed")).toBe("true");
    await dial(other, alice);
    await deaf.click("#answer");
    await reads(deaf, "#notice", text);
    await reads(other, "#notice", `${alice}@localhost is not reachable (480)`);
  });

  it("that a page that came by http has no microphone, and that there is a call already", async () => {
    const [alice, bob] = await newcomers();
    const without = 'Object.defineProperty(navigator, "mediaDevices", { value: undefined });';
    const [plain, other] = [await open(parlour, alice, {}, without), await open(parlour, bob)];
    const text = "Browsers allow the microphone only on https pages";
    await dial(plain, bob);
    await reads(plain, "#notice", text);
    await dial(other, alice);
    await plain.click("#answer");
    await reads(plain, "#notice", text);
    await reads(other, "#notice", `${alice}@localhost is not reachable (480)`);
    await watches(other, bob);
    await dial(other, alice);
    await other.click(`button[aria-label="Call ${bob}@localhost"]`);
    await reads(other, "#notice", "There is a call already: hang up first");
    await other.click("#hangup");
  });

  it("a permission that does not get to the server", async () => {
    const [alice, bob] = await newcomers();
    await rules(bob, { watching: { default: "confirm" } });
    const [watcher, asked] = [await open(parlour, alice), await open(parlour, bob)];
    await watches(watcher, bob);
    await asked.waitForSelector("#requests button", patience);
    await asked.context().setOffline(true);
    try {
      await asked.click("#requests button");
      await reads(asked, "#notice", "The server refused the change: it cannot be reached");
    } finally {
      await asked.context().setOffline(false);
    }
  });

  it("a forwarding to nobody, and one that goes round", async () => {
    const [alice, bob] = await newcomers();
    const carol = await parlour.serverUnderTest.newcomer("carol");
    const caller = await open(parlour, alice);
    await open(parlour, bob);
    await open(parlour, carol);
    const gone = await parlour.serverUnderTest.newcomer("gone");
    await rules(bob, { forward: { always: gone } });
    expect((await parlour.serverUnderTest.server.api("DELETE", `${subscribers}/${gone}`)).status).toBe(204);
    await dial(caller, bob);
    await reads(caller, "#notice", `${bob}@localhost does not exist, or forwards calls to an address that does not exist (404)`);
    await rules(bob, { forward: { always: carol } });
    await rules(carol, { forward: { always: bob } });
    await dial(caller, bob);
    await reads(caller, "#notice", /^The call was forwarded in a circle: .* \(482\)$/);
    await dial(caller, "no-such-user");
    await reads(caller, "#notice", "no-such-user@localhost does not exist (404)");
  });

  it("a call that was answered on another phone of the user, which did not give up", async () => {
    const [alice, bob] = await newcomers();
    const [caller, desk, kitchen] = [await open(parlour, alice), await open(parlour, bob), await open(parlour, bob)];
    await dial(caller, bob);
    await kitchen.waitForSelector("#answer:visible", patience);
    await desk.click("#answer");
    await reads(kitchen, "#notice", `${alice}@localhost's call was answered on another of your phones`);
    expect(await kitchen.getAttribute("#notice", "data-failed")).toBe("false");
    await caller.click("#hangup");
  });

  it("a failure looks like one, is told at once, and is heard; so is the end of a call that the other side ends", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(parlour, alice, {}, noteAll), await open(parlour, bob, {}, noteAll)];
    await dial(caller, bob);
    await callee.click("#reject");
    await reads(caller, "#notice", `${bob}@localhost declined (603)`);
    await expect.poll(() => played(caller), patience).toEqual(expect.arrayContaining([480, 620]));
    const look = (property: string) => caller.evaluate(`getComputedStyle(document.querySelector("#notice")).${property}`);
    const danger = await caller.evaluate('getComputedStyle(document.querySelector(".danger")).backgroundColor');
    expect([await caller.getAttribute("#notice", "role"), await look("color")]).toEqual(["alert", danger]);
    expect(await played(callee)).not.toContain(620);

    await talk(caller, callee, bob);
    const before = { caller: (await played(caller)).length, callee: (await played(callee)).length };
    await caller.click("#hangup");
    await reads(callee, "#notice", `${alice}@localhost hung up`);
    await expect.poll(async () => (await played(callee)).slice(before.callee), patience).toContain(425);
    expect((await played(caller)).slice(before.caller)).toEqual([]);
    expect([await callee.getAttribute("#notice", "data-failed"), (await look("color")) === danger]).toEqual(["false", false]);
  });

  it.each([
    ["turn:turn.example.com", /needs a user name and a credential/],
    ["turn:turn.example.com alice", /needs a user name and a credential/],
    ["turn:turn.example.com stun:stun.example.com secret", /needs a user name and a credential/],
    ["stun.example.com", /is not an ICE server: it begins with/],
    ["stun:stun.example.com alice secret", /"alice" is not an ICE server/],
    ["stun:", /the browser does not accept its address/],
    ["turn:turn.example.com:port alice secret", /the browser does not accept its address/],
  ])("an ICE server that is none: %s", async (written, what) => {
    const alice = await parlour.serverUnderTest.newcomer("alice");
    for (const page of [await parlour.softphone({ account: alice, ice: written, autoregister: "1" }), await parlour.softphone({})]) {
      if (await page.isHidden("#ice")) {
        await page.fill("#address", alice);
        await page.fill("#password", "offhook");
        await page.click("#connection summary");
        await page.fill("#ice", written);
        await page.click("#register");
      }
      await expect.poll(() => page.evaluate('document.querySelector("#ice").validationMessage'), patience).toMatch(what);
      await reads(page, "#status", what);
      expect([await page.getAttribute("#status", "role"), await page.isVisible("#ice")]).toEqual(["alert", true]);
    }
  });

  it("nothing that the browser complains of: the page keeps to its own policies", async () => {
    const page = await open(parlour, await parlour.serverUnderTest.newcomer("alice"));
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", ({ message }) => complaints.push(message));
    await page.reload();
    await reads(page, "#status", /^Registered/);
    expect(complaints).toEqual([]);
  });

  it("STUN and TURN servers, the latter with user name and credential, are those of the call", async () => {
    const [alice, bob] = await newcomers();
    const ice = "stun:127.0.0.1:9, turn:127.0.0.1:9 1700000000:alice c2VjcmV0/+=\nturns:127.0.0.1:9?transport=tcp bob p,w";
    const caller = await open(parlour, alice, { ice }, noteAll);
    await dial(caller, bob);
    await expect
      .poll(() => caller.evaluate("window.configured.at(-1)"), patience)
      .toEqual([
        { urls: "stun:127.0.0.1:9" },
        { urls: "turn:127.0.0.1:9", username: "1700000000:alice", credential: "c2VjcmV0/+=" },
        { urls: "turns:127.0.0.1:9?transport=tcp", username: "bob", credential: "p,w" },
      ]);
  });
});
