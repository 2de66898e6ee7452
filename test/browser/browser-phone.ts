import type { Page } from "playwright-core";
import { expect } from "vitest";
import { patience } from "../support/patience.ts";
import { type BrowserOptions, servePages, startBrowser } from "../support/browser.ts";
import type { ServerOptions } from "../support/server.ts";
import { startServerUnderTest, type ServerUnderTest, type ConnectionKind } from "../support/server-under-test.ts";
import type { TestPhone } from "./pages/test-phone.ts";
import { type Relay, openRelay } from "./relay.ts";

export type Library = "jssip" | "sipjs";
type Deed = "answer" | "reject" | "hangUp" | "hold" | "resume";

/** A telephone that is a page in Chromium, made with one of the libraries. */
export class BrowserPhone {
  readonly page: Page;
  /** `alice1@localhost` */
  readonly address: string;
  readonly #wire: Relay;
  #url = "";

  constructor(page: Page, address: string, wire: Relay) {
    this.page = page;
    this.address = address;
    this.#wire = wire;
  }

  register(url: string, anonymous: boolean): Promise<void> {
    this.#url = url;
    return this.page.evaluate(([to, address, isAnonymous]) => window.phone.register(to, address, isAnonymous), [
      url,
      this.address,
      anonymous,
    ] as const);
  }

  /** @param target a phone, or a user part of `localhost` */
  calls(target: BrowserPhone | string): Promise<void> {
    return this.page.evaluate((to) => window.phone.call(to), addressOf(target));
  }

  transfersTo(target: BrowserPhone | string): Promise<void> {
    return this.page.evaluate((to) => window.phone.transfer(to), addressOf(target));
  }

  /** Fails with what the page knows if the deed is not done in time: the library has then reported neither success nor failure. */
  async does(deed: Deed): Promise<void> {
    const done = this.page.evaluate((name) => window.phone[name](), deed).then(() => true);
    if (await Promise.race([done, new Promise<false>((resume) => setTimeout(() => resume(false), patience))])) return;
    const known = await this.page.evaluate(() => [window.phone.state(), window.phone.isHeldByPeer(), ...window.phone.endings()].join(", "));
    throw new Error(`${this.address} is not done with ${deed}: ${known}`);
  }

  reads<Name extends "state" | "endings" | "incomingCalls" | "isRegistered" | "losses" | "isHeldByPeer">(
    name: Name,
  ): Promise<ReturnType<TestPhone[Name]>> {
    return this.page.evaluate((one) => window.phone[one](), name) as Promise<ReturnType<TestPhone[Name]>>;
  }

  async becomes(state: ReturnType<TestPhone["state"]>): Promise<void> {
    await expect.poll(() => this.reads("state"), { message: `${this.address} is ${state}` }).toBe(state);
  }

  async isHeld(held: boolean): Promise<void> {
    await expect.poll(() => this.reads("isHeldByPeer"), { message: `${this.address} is held` }).toBe(held);
  }

  /** The page is loaded anew, and registers as another phone of the same user. */
  async reloads(): Promise<void> {
    await this.page.reload();
    await this.register(this.#url, false);
  }

  /** Loses its connection, and comes back when this is done. */
  async isCutOff(meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> {
    const losses = await this.reads("losses");
    this.#wire.cut();
    await expect.poll(() => this.reads("losses"), { message: `${this.address} is cut off` }).toBeGreaterThan(losses);
    await meanwhile();
    this.#wire.mend();
    await expect.poll(() => this.reads("isRegistered"), { message: `${this.address} is back` }).toBe(true);
  }

  /** More audio packets come than have come until now. */
  async hears(): Promise<void> {
    const packets = () => this.page.evaluate(() => window.phone.packets());
    const before = await packets();
    await expect.poll(packets, { message: `${this.address} hears` }).toBeGreaterThan(before + 10);
  }

  /** It hears a tone. */
  async hearsTone(): Promise<void> {
    await expect
      .poll(() => this.page.evaluate(() => window.phone.loudness()), { message: `${this.address} hears a tone` })
      .toBeGreaterThan(0.05);
  }

  /** It hears the two frequencies of a DTMF key (ITU-T Q.23). */
  async hearsKey(low: number, high: number): Promise<void> {
    const pitches = async () => (await this.page.evaluate(() => window.phone.pitches())).sort((one, other) => one - other);
    const isNear = (one: number | undefined, other: number) => one !== undefined && Math.abs(one - other) < 15;
    await expect
      .poll(async () => pitches().then(([one, other]) => isNear(one, low) && isNear(other, high)), {
        message: `${this.address} hears a key`,
      })
      .toBe(true);
  }

  pressesByInfo(key: string): Promise<void> {
    return this.page.evaluate((one) => window.phone.pressByInfo(one), key);
  }

  presses(key: string): Promise<void> {
    return this.page.evaluate((one) => window.phone.press(one), key);
  }

  /** The status and cause with which the last call ended. */
  async lastEnding(): Promise<string> {
    return (await this.reads("endings")).at(-1) ?? "";
  }
}

/** A server, a browser, and phones of people who have never met. */
/** Two phones that are in a call hear each other; one of them holds the call, resumes it, and hangs up. */
export async function talkUntilHungUp(one: BrowserPhone, other: BrowserPhone): Promise<void> {
  const both = [one, other];
  await Promise.all(both.map((phone) => phone.becomes("confirmed")));
  await Promise.all(both.map((phone) => phone.hears()));
  await one.does("hold");
  await other.isHeld(true);
  await one.does("resume");
  await other.isHeld(false);
  await Promise.all(both.map((phone) => phone.hears()));
  await one.does("hangUp");
  await Promise.all(both.map((phone) => phone.becomes("ended")));
}

export interface Parlour {
  readonly serverUnderTest: ServerUnderTest;
  /** A registered phone of a newcomer. */
  phone(
    library: Library,
    way: ConnectionKind,
    account: string,
    options?: { readonly aliases?: readonly string[]; readonly anonymous?: boolean },
  ): Promise<BrowserPhone>;
  /**
   * A page of the softphone, opened with these parameters.
   * @param script runs in the page before its own
   */
  softphone(parameters: Readonly<Record<string, string>>, script?: string): Promise<Page>;
  /** An empty page, for the website of somebody else. */
  page(): Promise<Page>;
  /** Closes all pages. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function openParlour({ isWhole, ...options }: ServerOptions & BrowserOptions = {}): Promise<Parlour> {
  const [serverUnderTest, browser] = await Promise.all([startServerUnderTest(options), startBrowser({ isWhole })]);
  const context = await browser.newContext();
  context.setDefaultTimeout(patience);
  const wires: Relay[] = [];
  await servePages(context, serverUnderTest.server.url, ["jssip", "sipjs"]);
  return {
    serverUnderTest,
    phone: async (library, way, name, { aliases, anonymous = false } = {}) => {
      const account = await serverUnderTest.newcomer(name, aliases);
      const page = await context.newPage();
      await page.goto(`${serverUnderTest.server.url}/test/${library}`);
      const wire = await openRelay(serverUnderTest.server.url);
      wires.push(wire);
      const phone = new BrowserPhone(page, `${account}@localhost`, wire);
      await phone.register(`ws://${wire.host}/ws${way === "direct" ? `/${phone.address}` : ""}`, anonymous);
      return phone;
    },
    softphone: async (parameters, script) => {
      const page = await context.newPage();
      if (script !== undefined) await page.addInitScript(script);
      await page.goto(`${serverUnderTest.server.url}/?${new URLSearchParams(parameters)}`);
      return page;
    },
    page: () => context.newPage(),
    clear: async () => {
      for (const page of context.pages()) await page.close();
      for (const wire of wires.splice(0)) wire.close();
    },
    close: async () => {
      await browser.close();
      for (const wire of wires) wire.close();
      await serverUnderTest.close();
    },
  };
}

function addressOf(target: BrowserPhone | string): string {
  return `sip:${typeof target === "string" ? `${target}@localhost` : target.address}`;
}
