import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo } from "node:net";
import { type Server, createServer } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";
import { hears, patience, reads } from "./softphone-page.ts";

/** The button of the README, as it is pasted; only the host is ours. */
function pasted(host: string): string {
  const example = readFileSync("README.md", "utf8").split("```html\n")[1]?.split("```")[0];
  if (example === undefined) throw new Error("README.md has no HTML");
  return example.replaceAll("https://sip.example.com", host);
}

describe.skipIf(!canBrowse)("the call button of the README", () => {
  let parlour: Parlour;
  /** The website of somebody else. */
  let site: Server;
  let body = "";
  let policy = "";
  /** Whether Turnstile takes the visitor for a person. */
  let isPerson = true;
  beforeAll(async () => {
    site = createServer((request, response) => {
      // Instead of Cloudflare's.
      if (request.url === "/siteverify")
        return response.end(JSON.stringify(isPerson ? { success: true } : { success: false, "error-codes": ["invalid-input-response"] }));
      response.setHeader("Content-Type", "text/html").setHeader("Content-Security-Policy", policy);
      return response.end(`<!doctype html><title>A shop</title>${body}`);
    });
    await once(site.listen(0, "127.0.0.1"), "listening");
    parlour = await openParlour({
      subscribers: ["support", "private"].map((username) => ({ domain: "example.com", username, password: "offhook" })),
      settings: { TURNSTILE_URL: `http://127.0.0.1:${(site.address() as AddressInfo).port}/siteverify` },
    });
    await parlour.serverUnderTest.server.api("PUT", "/domains/example.com/settings", { guests: ["support"] });
  });
  afterEach(() => parlour.clear());
  afterAll(async () => {
    site?.close();
    await parlour?.close();
  });

  /** A page of the site, at another origin than Offhook's. */
  const visit = async (html: string, host = parlour.serverUnderTest.server.url, script = ""): Promise<Page> => {
    body = html;
    // Nothing of the page's own, and of Offhook what the README says, or docs/sign-in.md with Turnstile.
    policy = `default-src 'none'; script-src ${host}; connect-src ${host.replace("http", "ws")}${script === "" ? "" : ` ${host}`}`;
    const page = await parlour.page();
    if (script !== "") await page.addInitScript(script);
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    return page;
  };
  const agent = async (): Promise<Page> => {
    const page = await parlour.softphone({ account: "support@example.com", password: "offhook", autoregister: "1" });
    await reads(page, "#status", "Registered as support@example.com");
    return page;
  };
  const says = (page: Page, text: string | RegExp) => reads(page, "offhook-call [part=status]", text);
  const call = (page: Page) => page.click("offhook-call [part=call]");
  const hangUp = (page: Page) => page.click("offhook-call [part=hang-up]");
  /** Milliseconds of sound that the button's own audio element has played. */
  const plays = async (page: Page) => {
    const played = () => page.locator("offhook-call audio").evaluate((audio: HTMLAudioElement) => audio.currentTime);
    const before = await played();
    await expect.poll(played, patience).toBeGreaterThan(before + 0.3);
  };

  it("calls with audio both ways from another origin, as it is pasted, and either side hangs up", async () => {
    const support = await agent();
    for (const ends of ["visitor", "agent"]) {
      const visitor = await visit(pasted(parlour.serverUnderTest.server.url));
      expect(await visitor.textContent("offhook-call")).toBe("Call us");
      await call(visitor);
      await says(visitor, "Ringing…");
      await support.click("#answer");
      await says(visitor, "In a call");
      await Promise.all([hears(support), plays(visitor)]);
      if (ends === "visitor") await hangUp(visitor);
      else await support.click("#hangup");
      await says(visitor, ends === "visitor" ? "You hung up" : "support@example.com hung up");
      await reads(support, "#notice", ends === "visitor" ? "Anonymous caller hung up" : "You hung up");
      await visitor.waitForSelector("offhook-call [part=call]:visible");
      await visitor.close();
    }
  });

  it("calls once, however often it is pressed, and again after the call", async () => {
    const support = await agent();
    const visitor = await visit(pasted(parlour.serverUnderTest.server.url));
    for (let round = 1; round <= 2; round += 1) {
      await visitor
        .locator("offhook-call [part=call]")
        .evaluate((button: HTMLButtonElement) => [button.click(), button.click(), button.click()]);
      await support.waitForSelector("#answer:visible", patience);
      await hangUp(visitor);
      await says(visitor, "You gave up");
      await reads(support, "#notice", "Anonymous caller gave up");
      const invites = (await support.textContent("#log"))?.match(/◀ INVITE /g) ?? [];
      expect(new Set((await support.textContent("#log"))?.match(/◀ INVITE [^]*?Call-ID: \S+/g)).size).toBe(round);
      expect(invites.length).toBe(round);
    }
  });

  it("ends the call when its page is closed, when it leaves for another, and when the button is taken out", async () => {
    const support = await agent();
    for (const leave of [
      (page: Page) => page.close(),
      (page: Page) => page.goto("about:blank"),
      (page: Page) => page.evaluate('document.querySelector("offhook-call").remove()'),
    ]) {
      const visitor = await visit(pasted(parlour.serverUnderTest.server.url));
      await call(visitor);
      await support.click("#answer");
      await says(visitor, "In a call");
      await leave(visitor);
      await reads(support, "#notice", "Anonymous caller hung up");
    }
  });

  it("goes on with its call when the button is moved within the page", async () => {
    const support = await agent();
    const visitor = await visit(pasted(parlour.serverUnderTest.server.url));
    await call(visitor);
    await support.click("#answer");
    await says(visitor, "In a call");
    await visitor.evaluate('document.body.prepend(document.querySelector("offhook-call"))');
    await hears(support);
    await hangUp(visitor);
    await says(visitor, "You hung up");
  });

  it("calls a user who takes no guests, with a token for that user", async () => {
    const { server } = parlour.serverUnderTest;
    const support = await parlour.softphone({ account: "private@example.com", password: "offhook", autoregister: "1" });
    await reads(support, "#status", "Registered as private@example.com");
    const answer = await server.api("POST", "/domains/example.com/guest-tokens", { users: ["private"] });
    const { token } = (await answer.json()) as { token: string };
    const visitor = await visit(
      `<script src="${server.url}/offhook-call.js"></script><offhook-call to="sip:private@example.com" token="${token}">Call us</offhook-call>`,
    );
    await call(visitor);
    await says(visitor, /^Ringing/);
    await hangUp(visitor);
    await says(visitor, "You gave up");
  });

  describe("with Turnstile", () => {
    /** In the page instead of Cloudflare's script. */
    const widget = (outcome: string) => `
      window.widgets = 0;
      window.turnstile = {
        render: (place, options) => {
          if (!place.isConnected || options.sitekey !== "a-site-key") throw new Error("it is not in the page");
          window.widgets += 1;
          setTimeout(() => ${outcome}, 50);
          return "widget";
        },
        remove: () => { window.widgets -= 1; },
      };`;
    const html = (host: string) =>
      `<script src="${host}/offhook-call.js"></script><offhook-call to="sip:private@example.com" turnstile="a-site-key">Call us</offhook-call>`;
    const passes = widget('options.callback("response")');
    beforeEach(async () => {
      isPerson = true;
      const settings = { secret: "a-secret-of-turnstile", users: ["private"] };
      const answer = await parlour.serverUnderTest.server.api("PUT", "/domains/example.com/turnstile", settings);
      expect(answer.status).toBe(200);
    });

    it("gets a token for each call when it is pressed, for a visitor who is a person", async () => {
      const support = await parlour.softphone({ account: "private@example.com", password: "offhook", autoregister: "1" });
      await reads(support, "#status", "Registered as private@example.com");
      const { url } = parlour.serverUnderTest.server;
      const visitor = await visit(html(url), url, passes);
      for (let round = 0; round < 2; round += 1) {
        await call(visitor);
        await says(visitor, /^Ringing/);
        await hangUp(visitor);
        await says(visitor, "You gave up");
      }
      expect(await visitor.evaluate("[window.widgets, document.querySelectorAll('offhook-call > *').length]")).toEqual([0, 0]);
    });

    it.each([
      ["Turnstile refuses the visitor", widget('options["error-callback"]()'), true, /^Turnstile does not take you for a person/],
      ["the server does not accept the response", passes, false, /^The server gives no token for a call \(403\)$/],
    ])("says so if %s", async (_why, script, isAccepted, text) => {
      isPerson = isAccepted;
      const { url } = parlour.serverUnderTest.server;
      const visitor = await visit(html(url), url, script);
      await call(visitor);
      await says(visitor, text);
      expect(await visitor.isVisible("offhook-call [part=call]")).toBe(true);
    });
  });

  it.each([
    ["a user whom guests may not call", 'to="sip:private@example.com"', /^The server does not allow a call to private@example\.com/],
    ["a name of the page's own", 'to="sip:private@example.com" name="the shop"', /^The server does not allow a call to the shop/],
    ["nobody", "", /needs the attribute to, with the address to call$/],
    ["what is no address", 'to="sip:"', /is not an address$/],
    ["at what is no server", 'to="sip:support@example.com" server="nonsense"', /needs the attribute server$/],
    ["with a TURN server without credentials", 'to="sip:support@example.com" ice="turn:127.0.0.1"', /needs a user name and a credential/],
  ])("says why it cannot call: %s", async (_why, attributes, text) => {
    const host = parlour.serverUnderTest.server.url;
    const visitor = await visit(`<script src="${host}/offhook-call.js"></script><offhook-call ${attributes}>Call us</offhook-call>`);
    await call(visitor);
    await says(visitor, text);
    expect(await visitor.getAttribute("offhook-call [part=status]", "data-failed")).toBe("true");
    expect(await visitor.isVisible("offhook-call [part=call]")).toBe(true);
  });

  it("says so when the server cannot be reached, and when the microphone is refused", async () => {
    const script = pasted(parlour.serverUnderTest.server.url);
    const unreachable = await visit(script.replace("<offhook-call ", '<offhook-call server="http://127.0.0.1:9" '));
    await call(unreachable);
    await says(unreachable, "The server cannot be reached");
    const refusing = await visit(script);
    await refusing.evaluate('navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"))');
    await call(refusing);
    await says(refusing, /^The microphone is blocked/);
  });
});
