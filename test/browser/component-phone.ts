import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { type BrowserOptions, servePages, startBrowser } from "../support/browser.ts";
import { patience } from "../support/patience.ts";
import type { ServerOptions } from "../support/server.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { BrowserPhone, type Library } from "./browser-phone.ts";
import { type Relay, openRelay } from "./relay.ts";

type TabOptions = NonNullable<Parameters<Browser["newContext"]>[0]>;

/** The two lines of docs/phone-component.md, as they are pasted; only the host, the token and what is added are ours. */
export function pasted(host: string, token: string, attributes = ""): string {
  const example = readFileSync("docs/phone-component.md", "utf8").split("```html\n")[1]?.split("```")[0];
  if (example === undefined) throw new Error("docs/phone-component.md has no HTML");
  return example.replaceAll("https://sip.example.com", host).replace("oft_…", `${token}" ${attributes} data-x="`);
}

/** The component in a page of another origin. */
export class ComponentPhone {
  readonly page: Page;
  /** `alice1@localhost` */
  readonly address: string;

  constructor(page: Page, address: string) {
    this.page = page;
    this.address = address;
  }

  async isRegistered(): Promise<void> {
    await this.says("[part=status]", `Registered as ${this.address}`);
  }

  async says(selector: string, text: string | RegExp): Promise<void> {
    const locator = this.page.locator(`offhook-phone ${selector}`).first();
    await expect.poll(() => locator.textContent(), { message: `${this.address}: ${selector}` }).toMatch(text);
  }

  async tells(text: string | RegExp): Promise<void> {
    await this.says("[part=notice]", text);
  }

  async shows(tab: "phone" | "messages" | "contacts" | "history" | "settings"): Promise<void> {
    await this.page.click(`offhook-phone #tab-${tab}`);
  }

  async dials(target: string): Promise<void> {
    await this.shows("phone");
    await this.page.fill("offhook-phone .dial [name=target]", target);
    await this.page.click("offhook-phone .call-button");
  }

  /** The call with an address. */
  card(other: Pick<ComponentPhone, "address"> | string): Locator {
    const peer = typeof other === "string" ? other : other.address;
    return this.page.locator(`offhook-phone section.call[aria-label="Call with ${peer}"]`);
  }

  async presses(other: Pick<ComponentPhone, "address">, button: string): Promise<void> {
    await this.card(other).locator(`button.${button}`).click();
  }

  async is(progress: string | RegExp, other: Pick<ComponentPhone, "address">): Promise<void> {
    const locator = this.card(other).locator(".progress");
    await expect
      .poll(() => locator.textContent({ timeout: patience }), { message: `${this.address} with ${other.address}` })
      .toMatch(progress);
  }

  async hasCalls(...others: readonly Pick<ComponentPhone, "address">[]): Promise<void> {
    const peers = () => this.page.locator("offhook-phone section.call .peer").allTextContents();
    const expected = others.map(({ address }) => address).sort();
    await expect.poll(async () => (await peers()).sort(), { message: `calls of ${this.address}` }).toEqual(expected);
  }

  /** Audio packets that the browser has counted in the call with another one. */
  async packets(other: Pick<ComponentPhone, "address">): Promise<number> {
    const locator = this.card(other).locator(".quality");
    return Number(await locator.getAttribute("data-packets", { timeout: patience }));
  }

  /** More audio packets come than have come until now. */
  async hears(other: Pick<ComponentPhone, "address">): Promise<void> {
    const before = await this.packets(other);
    const message = `${this.address} hears ${other.address}`;
    await expect.poll(() => this.packets(other), { message }).toBeGreaterThan(before + 25);
  }
}

/** A server, a browser, and the site of a customer. */
export interface ComponentUnderTest {
  readonly serverUnderTest: ServerUnderTest;
  /** The origin of the site. */
  readonly origin: string;
  token(account: string): Promise<string>;
  visit(html: string, more?: Pick<PhoneMore, "tab" | "script" | "prepare">): Promise<Page>;
  /** The component of a newcomer, registered. */
  phone(name: string, more?: PhoneMore): Promise<ComponentPhone>;
  /** A phone of one of the libraries, registered. */
  stock(library: Library, name: string, more?: Pick<PhoneMore, "script" | "prepare">): Promise<BrowserPhone>;
  closeTabs(): Promise<void>;
  close(): Promise<void>;
}

export interface PhoneMore {
  /** Where the server is reached: `http://127.0.0.1:port` */
  readonly host?: string;
  /** A user who is there already. */
  readonly account?: string;
  readonly attributes?: string;
  readonly tab?: TabOptions;
  /** Runs in the page before its own. */
  readonly script?: string;
  /** Done with the page before it is opened. */
  readonly prepare?: (page: Page) => Promise<void>;
}

export async function startComponent(
  options: (origin: string) => ServerOptions = () => ({}),
  browserOptions: BrowserOptions = {},
): Promise<ComponentUnderTest> {
  const pages: string[] = [];
  const wires: Relay[] = [];
  const site: Server = createServer(({ url = "" }, response) => {
    const body = pages[Number(url.slice(1))] ?? "";
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    const host = /script src="(http:[^"]*?)\/offhook/.exec(body)?.[1] ?? "";
    // Nothing of the page's own but what a test adds, and of Offhook what docs/phone-component.md says.
    const policy = `default-src 'none'; img-src data:; script-src 'unsafe-inline' ${host}; connect-src * ${host.replace("http", "ws")}`;
    response.setHeader("Content-Security-Policy", policy.replace("*", body.includes("127.0.0.1:9") ? "*" : host));
    response.end(
      `<!doctype html><html lang="en"><title>A shop</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><body><main><h1>A shop</h1>${body}`,
    );
  });
  await once(site.listen(0, "127.0.0.1"), "listening");
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  const [serverUnderTest, browser] = await Promise.all([startServerUnderTest(options(origin)), startBrowser(browserOptions)]);
  const { server } = serverUnderTest;
  const component: ComponentUnderTest = {
    serverUnderTest,
    origin,
    token: async (account) => {
      const answer = await server.api("POST", `/domains/localhost/subscribers/${account}/tokens`, {});
      return ((await answer.json()) as { readonly token: string }).token;
    },
    visit: async (html, { tab = {}, script, prepare } = {}) => {
      const context = await browser.newContext(tab);
      context.setDefaultTimeout(patience);
      const page = await context.newPage();
      if (script !== undefined) await page.addInitScript(script);
      await prepare?.(page);
      pages.push(html);
      await page.goto(`${origin}/${pages.length - 1}`);
      return page;
    },
    phone: async (name, { host = server.url, account, attributes, ...more } = {}) => {
      const username = account ?? (await serverUnderTest.newcomer(name));
      const html = pasted(host, await component.token(username), attributes);
      const phone = new ComponentPhone(await component.visit(html, more), `${username}@localhost`);
      await phone.isRegistered();
      return phone;
    },
    stock: async (library, name, { script, prepare } = {}) => {
      const context = await browser.newContext();
      await servePages(context, server.url, [library]);
      const page = await context.newPage();
      if (script !== undefined) await page.addInitScript(script);
      await prepare?.(page);
      await page.goto(`${server.url}/test/${library}`);
      const wire = await openRelay(server.url);
      wires.push(wire);
      const phone = new BrowserPhone(page, `${await serverUnderTest.newcomer(name)}@localhost`, wire);
      await phone.register(`ws://${wire.host}/ws/${phone.address}`, false);
      return phone;
    },
    closeTabs: async () => {
      for (const context of browser.contexts()) await context.close();
      for (const wire of wires.splice(0)) wire.close();
    },
    close: async () => {
      await browser.close();
      for (const wire of wires) wire.close();
      site.close();
      await serverUnderTest.close();
    },
  };
  return component;
}

/** Two phones in a call with audio both ways. */
export async function talk(caller: ComponentPhone, callee: ComponentPhone): Promise<void> {
  await caller.dials(callee.address);
  await callee.presses(caller, "answer");
  await Promise.all([caller.is("In a call", callee), callee.is("In a call", caller)]);
  await Promise.all([caller.hears(callee), callee.hears(caller)]);
}
