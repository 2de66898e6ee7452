import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { ways, type ConnectionKind } from "../support/server-under-test.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";
import { dial, hears, isShown, open as openPage, patience, reads, talk, watches } from "./softphone-page.ts";

/** Runs in the page: keeps in `gathered` how far it was with its ICE candidates when it sent the INVITE. */
const noteGathering = `
  let connection;
  const Connection = RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...options) {
      super(...options);
      connection = this;
    }
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (frame) {
    if (/^INVITE /.test(frame)) window.gathered ??= connection.iceGatheringState;
    return send.call(this, frame);
  };
`;

describe.skipIf(!canBrowse)("the softphone", () => {
  let parlour: Parlour;
  beforeAll(async () => {
    parlour = await openParlour();
  });
  afterEach(() => parlour.clear());
  afterAll(() => parlour?.close());

  const open = (account: string, way: ConnectionKind, more: Record<string, string> = {}) => openPage(parlour, account, { way, ...more });
  const newcomers = async () => [await parlour.serverUnderTest.newcomer("alice"), await parlour.serverUnderTest.newcomer("bob")] as const;

  describe.each(ways)("on the %s way", (way) => {
    it("calls itself in a second tab: audio both ways, hold, resume, and each side hangs up", async () => {
      const [alice, bob] = await newcomers();
      const [caller, callee] = [await open(alice, way), await open(bob, way)];
      for (const [one, other, name] of [
        [caller, callee, alice],
        [callee, caller, bob],
      ] as const) {
        await talk(caller, callee, bob);
        await one.click("#hold");
        await reads(one, "#progress", "On hold");
        await reads(other, "#progress", "The other side has put you on hold");
        await one.click("#hold");
        await Promise.all([reads(one, "#progress", "In a call"), reads(other, "#progress", "In a call")]);
        await Promise.all([hears(caller), hears(callee)]);
        await one.click("#hangup");
        await reads(one, "#notice", "You hung up");
        await reads(other, "#notice", `${name}@localhost hung up`);
      }
    });

    it("watches a buddy: his lamp follows when he comes, is called, hangs up, says how he is, and closes his tab", async () => {
      const [alice, bob] = await newcomers();
      const [watcher, other] = [await open(alice, way), await open(bob, way)];
      await watches(watcher, bob);
      await watches(other, alice);
      await isShown(watcher, bob, "open", "Available");
      await isShown(other, alice, "open", "Available");
      await talk(watcher, other, bob);
      await isShown(watcher, bob, "busy", "On the phone");
      await isShown(other, alice, "busy", "On the phone");
      await watcher.click("#hangup");
      await isShown(watcher, bob, "open", "Available");
      await other.selectOption("#mood", "away");
      await isShown(watcher, bob, "busy", "Away");
      await other.selectOption("#mood", "");
      await isShown(watcher, bob, "open", "Available");
      await other.close();
      await isShown(watcher, bob, "closed", "Offline");
    });

    it("asks its user who may watch him, and he decides", async () => {
      const [alice, bob] = await newcomers();
      await parlour.serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${bob}/rules`, { watching: { default: "confirm" } });
      const [watcher, asked] = [await open(alice, way), await open(bob, way)];
      await watches(watcher, bob);
      await isShown(watcher, bob, "waiting", "Asked");
      await reads(asked, "#requests", `${alice}@localhost asks to see your presence`);
      await asked.click("#requests button");
      await isShown(watcher, bob, "open", "Available");
      await reads(asked, "#requests", /^$/);
    });

    it("calls another tab of the same account", async () => {
      const alice = await parlour.serverUnderTest.newcomer("alice");
      const [first, second] = [await open(alice, way), await open(alice, way)];
      await talk(first, second, alice);
      await second.click("#hangup");
      await reads(first, "#notice", `${alice}@localhost hung up`);
    });

    it("rings again after its connection was cut while it rang, and can answer", async () => {
      const [alice, bob] = await newcomers();
      const [caller, callee] = [await open(alice, way), await open(bob, way)];
      await dial(caller, bob);
      await callee.waitForSelector("#answer:visible");
      await cut(bob);
      await reads(callee, "#notice", "The connection was lost before the call was answered");
      await callee.click("#answer", patience);
      await Promise.all([hears(caller), hears(callee)]);
      await caller.click("#hangup");
      await reads(callee, "#notice", `${alice}@localhost hung up`);
    });

    it("rings again after its connection was cut while it rang, and stops when the caller gives up", async () => {
      const [alice, bob] = await newcomers();
      const [caller, callee] = [await open(alice, way), await open(bob, way)];
      await dial(caller, bob);
      await callee.waitForSelector("#answer:visible");
      await cut(bob);
      await reads(callee, "#notice", "The connection was lost before the call was answered");
      await callee.waitForSelector("#answer:visible", patience);
      await caller.click("#hangup");
      await reads(callee, "#notice", `${alice}@localhost gave up`);
    });

    it("keeps a call whose connection is cut, and hangs up when it is back", async () => {
      const [alice, bob] = await newcomers();
      const [caller, callee] = [await open(alice, way), await open(bob, way)];
      await talk(caller, callee, bob);
      await cut(bob);
      await callee.waitForSelector('#status[data-state="connecting"]');
      await hears(caller);
      await callee.click("#hangup");
      await reads(caller, "#notice", `${bob}@localhost hung up`);
      await reads(callee, "#notice", "You hung up");
    });
  });

  it("is the same phone after a reload: what rang before rings again", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(alice, "direct"), await open(bob, "direct")];
    await dial(caller, bob);
    await callee.waitForSelector("#answer:visible");
    await callee.reload();
    await callee.click("#answer", patience);
    await Promise.all([hears(caller), hears(callee)]);
  });

  it("hangs up when its page goes", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(alice, "direct"), await open(bob, "direct")];
    await talk(caller, callee, bob);
    await callee.reload();
    await reads(caller, "#notice", `${bob}@localhost hung up`);
  });

  it("mutes", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(alice, "direct"), await open(bob, "direct")];
    await talk(caller, callee, bob);
    for (const isMuted of ["true", "false"]) {
      await caller.click("#mute");
      expect(await caller.getAttribute("#mute", "aria-pressed")).toBe(isMuted);
    }
  });

  it("says why a call fails: busy, declined, not reachable, unknown, not an address", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee, third] = [
      await open(alice, "direct"),
      await open(bob, "direct"),
      await open(await parlour.serverUnderTest.newcomer("carol"), "direct"),
    ];
    await dial(caller, bob);
    await callee.click("#reject");
    await reads(caller, "#notice", `${bob}@localhost declined (603)`);
    await talk(caller, callee, bob);
    await dial(third, bob);
    await reads(third, "#notice", `${bob}@localhost is busy (486)`);
    await reads(callee, "#notice", /^carol\d+@localhost called meanwhile, and got a busy signal$/);
    await dial(third, await parlour.serverUnderTest.newcomer("dave"));
    await reads(third, "#notice", /is not reachable \(480\)$/);
    await dial(third, "nobody");
    await reads(third, "#notice", "nobody@localhost does not exist (404)");
    for (const rubbish of ["sip:", "50%"]) {
      await dial(third, rubbish);
      await reads(third, "#notice", `"${rubbish}" cannot be called`);
    }
  });

  it("says why a buddy's lamp is dark", async () => {
    const page = await open(await parlour.serverUnderTest.newcomer("alice"), "direct");
    const dave = await parlour.serverUnderTest.newcomer("dave");
    for (const [buddy, why] of [
      [dave, "Has never registered"],
      ["nobody", "There is no such user"],
    ] as const) {
      await watches(page, buddy);
      await isShown(page, buddy, "refused", why);
    }
    await watches(page, "bob@elsewhere.example");
    await reads(page, '#buddies li[data-address="bob@elsewhere.example"]', "Cannot be watched from here");
  });

  it("takes no buddy that is no address, and does not stumble over one it has kept", async () => {
    const [alice, bob] = await newcomers();
    const page = await open(alice, "direct");
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    for (const wrong of ["@", "bob smith", "sip:", "<bob>"]) {
      await watches(page, wrong);
      expect(await page.evaluate('document.querySelector("#buddy").validationMessage')).toContain("neither an address nor a user name");
    }
    await watches(page, bob);
    await page.evaluate(`localStorage.setItem("offhook-buddies ${alice}@localhost", '["@","${bob}@localhost"]')`);
    await page.reload();
    await reads(page, "#status", `Registered as ${alice}@localhost`);
    await isShown(page, bob, "refused", "Has never registered");
    expect([await page.locator("#buddies li").count(), errors]).toEqual([1, []]);
  });

  it("shows who calls on a small screen, however many buddies there are, and nothing is wider than it", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(alice, "direct"), await open(bob, "direct")];
    await callee.setViewportSize({ width: 320, height: 568 });
    for (let index = 0; index < 6; index += 1) await watches(callee, `a-long-name-that-goes-on-and-on-${index}`);
    await dial(caller, bob);
    await callee.waitForSelector("#answer:visible");
    for (const end of ["0", "document.documentElement.scrollHeight"]) {
      await callee.evaluate(`scrollTo(0, ${end})`);
      const { y = -1, height = 0 } = (await callee.locator("#answer").boundingBox()) ?? {};
      expect([y > 0, y + height < 568]).toEqual([true, true]);
    }
    expect(await callee.evaluate("document.documentElement.scrollWidth")).toBe(320);
  });

  it("says why a registration fails, and lets one try again", async () => {
    const alice = await parlour.serverUnderTest.newcomer("alice");
    const page = await parlour.softphone({ account: alice, password: "wrong", autoregister: "1" });
    await reads(page, "#status", "Registration failed: the address or the password is wrong (401)");
    await page.fill("#address", `${alice}@elsewhere.example`);
    await page.press("#password", "Enter");
    await reads(page, "#status", "Registration failed: the server does not serve this address (403)");
    await page.fill("#address", alice);
    await page.fill("#password", "offhook");
    await page.press("#password", "Enter");
    await reads(page, "#status", `Registered as ${alice}@localhost`);
    await page.click("#unregister");
    await reads(page, "#status", "Not connected");
  });

  it("needs one click for a demo account on this machine, and the keyboard alone for a call", async () => {
    const [caller, callee] = [await parlour.softphone({}), await parlour.softphone({})];
    await caller.click("text=alice");
    await callee.click("text=bob");
    await Promise.all([reads(caller, "#status", "Registered as alice@localhost"), reads(callee, "#status", "Registered as bob@localhost")]);
    await caller.focus("#target");
    await caller.keyboard.type("bob");
    await caller.keyboard.press("Enter");
    await callee.waitForSelector("#answer:focus");
    await callee.keyboard.press("Enter");
    await Promise.all([hears(caller), hears(callee)]);
    await caller.keyboard.press("Tab");
    await caller.waitForSelector("#hangup:focus");
    await caller.keyboard.press("Enter");
    await reads(callee, "#notice", "alice@localhost hung up");
  });

  it("does not wait for an ICE server that does not answer", async () => {
    const deaf = createSocket("udp4").bind(0, "127.0.0.1");
    await once(deaf, "listening");
    const [alice, bob] = await newcomers();
    const settings = { way: "direct", ice: `stun:127.0.0.1:${deaf.address().port}` };
    const [caller, callee] = [await openPage(parlour, alice, settings, noteGathering), await open(bob, "direct")];
    const asked = once(deaf, "message");
    await dial(caller, bob);
    await asked;
    await callee.waitForSelector("#answer:visible");
    expect(await caller.evaluate("window.gathered")).toBe("gathering");
    expect(await callee.textContent("#peer")).toBe(`${alice}@localhost`);
    deaf.close();
  });

  /** Ends the sockets of an account as a crash of its home does. */
  const cut = (account: string) => parlour.serverUnderTest.server.evict(`sip:${account}@localhost#1`, "close");
});
