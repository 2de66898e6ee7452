import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { ComponentPhone, type ComponentUnderTest, pasted, startComponent, talk } from "./component-phone.ts";

const reasonOf = (page: Page) => page.locator("offhook-phone [part=status]");

describe.skipIf(!canBrowse)("the two lines of docs/phone-component.md", () => {
  let component: ComponentUnderTest;
  beforeAll(async () => {
    component = await startComponent((origin) => ({ settings: { ALLOWED_ORIGINS: `https://other.example, ${origin}` } }));
  });
  afterEach(() => component.closeTabs());
  afterAll(() => component?.close());

  const says = (page: Page, text: string | RegExp) => expect.poll(() => reasonOf(page).textContent()).toMatch(text);
  const newcomer = () => component.serverUnderTest.newcomer("alice");
  const server = () => component.serverUnderTest.server;
  const bindings = async (account: string) => {
    const answer = await server().api("GET", `/domains/localhost/subscribers/${account}/bindings`);
    return ((await answer.json()) as { readonly bindings: readonly unknown[] }).bindings.length;
  };
  const setToken = (page: Page, token: string) =>
    page.locator("offhook-phone").evaluate((phone, value) => phone.setAttribute("token", value), token);
  /** Sets new tokens until one is accepted: that of the second in which the others were revoked is revoked too. */
  const renews = async (phone: ComponentPhone) => {
    const renew = async () => {
      await setToken(phone.page, await component.token(phone.address.split("@")[0] ?? ""));
      return reasonOf(phone.page).textContent();
    };
    await expect.poll(renew, { interval: 1500 }).toBe(`Registered as ${phone.address}`);
  };

  it("make a phone in a page of an allowed origin, with the policy that the page says, and it calls", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    await talk(alice, bob);
    await bob.presses(alice, "hang-up");
    await alice.tells(`${bob.address} hung up`);
  });

  it("say why they do nothing: no token, no server, a server that is not there, an ICE server that is none", async () => {
    const script = `<script src="${server().url}/offhook-phone.js"></script>`;
    for (const [attributes, text] of [
      ["", /needs the attribute token/],
      [`server="nonsense" token="x"`, /needs the attribute server/],
      [`server="http://127.0.0.1:9" token="x"`, "The server cannot be reached at http://127.0.0.1:9"],
      [`token="x" ice="stun.example.com"`, /is not an ICE server/],
      [`address="@" password="x"`, '"@" is not an address'],
    ] as const) {
      const page = await component.visit(`${script}<offhook-phone ${attributes}></offhook-phone>`);
      await says(page, text);
      expect(await reasonOf(page).getAttribute("role")).toBe("alert");
    }
  });

  it("ask the page for another token when theirs is not accepted, and go on with it", async () => {
    const account = await newcomer();
    const asked = 'window.asked = 0; addEventListener("offhook-token", () => { window.asked += 1; });';
    const page = await component.visit(pasted(server().url, "oft_wrong"), { script: asked });
    await says(page, "The token has expired or is not accepted");
    expect(await page.evaluate("window.asked")).toBe(1);
    await setToken(page, await component.token(account));
    await says(page, `Registered as ${account}@localhost`);
  });

  it("say so when their token is revoked, try nothing more, and go on with another one", async () => {
    const count = `
      window.asked = 0;
      addEventListener("offhook-token", () => { window.asked += 1; });
      const { WebSocket } = window;
      window.opened = 0;
      window.WebSocket = class extends WebSocket { constructor(...options) { super(...options); window.opened += 1; } };`;
    const phone = await component.phone("alice", { script: count, prepare: (page) => page.clock.install() });
    const account = phone.address.split("@")[0] ?? "";
    // A token counts as revoked if it was made in an earlier second.
    await expect
      .poll(
        async () => {
          await server().api("DELETE", `/domains/localhost/subscribers/${account}/tokens`);
          return phone.page.evaluate("window.asked");
        },
        { interval: 500 },
      )
      .toBe(1);
    await says(phone.page, "The token has expired or is not accepted");
    const opened = await phone.page.evaluate("window.opened");
    await phone.page.clock.fastForward(60_000);
    expect(await phone.page.evaluate("[window.asked, window.opened]")).toEqual([1, opened]);
    await renews(phone);
  });

  it("keep a call whose token is revoked, and hang up when there is another token", async () => {
    const asked = 'window.asked = 0; addEventListener("offhook-token", () => { window.asked += 1; });';
    const [alice, bob] = [await component.phone("alice", { script: asked }), await component.phone("bob")];
    await talk(alice, bob);
    const account = alice.address.split("@")[0] ?? "";
    const revoke = async () => {
      await server().api("DELETE", `/domains/localhost/subscribers/${account}/tokens`);
      return alice.page.evaluate("window.asked");
    };
    await expect.poll(revoke, { interval: 500 }).toBe(1);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    await alice.presses(bob, "hang-up");
    await alice.is("Hanging up as soon as the connection is back", bob);
    await renews(alice);
    await bob.tells(`${alice.address} hung up`);
  });

  it("take a new token in a call, without a break; that of another user signs this user in", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    const { page } = alice;
    const sent = page.waitForEvent("console", { predicate: (message) => message.text().startsWith("REGISTER ") });
    await page.evaluate(`{
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (frame) { console.log(frame); return send.call(this, frame); };
    }`);
    await talk(alice, bob);
    const account = alice.address.split("@")[0] ?? "";
    const token = await component.token(account);
    await setToken(page, token);
    expect((await sent).text()).toContain(`Authorization: Bearer ${token}`);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    await bob.presses(alice, "hang-up");
    const other = await newcomer();
    await setToken(page, await component.token(other));
    await says(page, `Registered as ${other}@localhost`);
    await expect.poll(() => bindings(account)).toBe(0);
  });

  it("come back with the newest token after the connection was lost", async () => {
    const phone = await component.phone("alice");
    const account = phone.address.split("@")[0] ?? "";
    await phone.page.evaluate(`{
      const WebSocket = window.WebSocket;
      window.WebSocket = class extends WebSocket { constructor(url, protocols) { super(url, protocols); window.offered = [url, ...protocols]; } };
    }`);
    const token = await component.token(account);
    await setToken(phone.page, token);
    await server().evict(`sip:${phone.address}#1`, "close");
    await expect.poll(() => phone.page.evaluate("window.offered")).toEqual([expect.not.stringContaining("oft_"), "sip", token]);
    await phone.isRegistered();
  });

  it("sign out when the element is taken out of the page, and not when it is moved within it", async () => {
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob")];
    await talk(alice, bob);
    await alice.page.evaluate('document.body.prepend(document.querySelector("offhook-phone"))');
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    await alice.page.evaluate('document.querySelector("offhook-phone").remove()');
    await bob.tells(`${alice.address} hung up`);
    await expect.poll(() => bindings(alice.address.split("@")[0] ?? "")).toBe(0);
  });

  it("speak another language, as far as it is given", async () => {
    const account = await newcomer();
    const german = `<script>addEventListener("DOMContentLoaded", () => {
      const phone = document.createElement("offhook-phone");
      phone.texts = { connection: { registered: "Angemeldet als {address}" }, view: { call: "Anrufen" } };
      phone.setAttribute("token", ${JSON.stringify(await component.token(account))});
      document.querySelector("main").append(phone);
    });</script>`;
    const page = await component.visit(`<script src="${server().url}/offhook-phone.js"></script>${german}`);
    await says(page, `Angemeldet als ${account}@localhost`);
    expect(await page.textContent("offhook-phone .call-button")).toBe("Anrufen");
    expect(await page.textContent("offhook-phone .video-call")).toBe("Video call");
  });

  it("tell the page what an application says of a guest who calls (RFC 7433)", async () => {
    const script = `window.told = []; addEventListener("offhook-state", ({ detail }) => window.told.push(detail.calls[0]?.userToUser));`;
    const alice = await component.phone("alice", { script });
    const body = { users: [alice.address.split("@")[0]], metadata: "Bestellung für José" };
    const { token } = (await (await server().api("POST", "/domains/localhost/guest-tokens", body)).json()) as { readonly token: string };
    const button = `<offhook-call to="sip:${alice.address}" server="${server().url}" token="${token}">Call us</offhook-call>`;
    const guest = await component.visit(`<script src="${server().url}/offhook-call.js"></script>${button}`);
    await guest.click("offhook-call [part=call]");
    await expect.poll(() => alice.page.evaluate("window.told")).toContain("Bestellung für José");
  });

  it("tell the page of calls and messages by events", async () => {
    const heard = `window.heard = []; for (const name of ["offhook-state", "offhook-ended", "offhook-message"])
      addEventListener(name, ({ detail }) => window.heard.push([name, detail.text ?? detail.ending?.text ?? detail.calls?.[0]?.phase]));`;
    const [alice, bob] = [await component.phone("alice"), await component.phone("bob", { script: heard })];
    await alice.dials(bob.address);
    await bob.presses(alice, "reject");
    await alice.shows("messages");
    await alice.page.fill("offhook-phone [name=to]", bob.address);
    await alice.page.fill("offhook-phone [name=text]", "hello");
    await alice.page.press("offhook-phone [name=text]", "Enter");
    await expect
      .poll(() => bob.page.evaluate("window.heard"))
      .toEqual(
        expect.arrayContaining([
          ["offhook-state", "ringing"],
          ["offhook-ended", "You declined"],
          ["offhook-message", "hello"],
        ]),
      );
  });
});

describe.skipIf(!canBrowse)("a page of an origin that ALLOWED_ORIGINS lacks", () => {
  let component: ComponentUnderTest;
  beforeAll(async () => {
    component = await startComponent(() => ({ settings: { ALLOWED_ORIGINS: "https://other.example" } }));
  });
  afterAll(() => component?.close());

  it.each(["", "address"])("is refused, and says why, with a token (%s)", async (attribute) => {
    const account = await component.serverUnderTest.newcomer("alice");
    const attributes = attribute === "" ? "" : `address="${account}@localhost"`;
    const html = pasted(component.serverUnderTest.server.url, await component.token(account), attributes);
    const page = await component.visit(html);
    const phone = new ComponentPhone(page, `${account}@localhost`);
    await phone.says("[part=status]", `The server does not let pages of ${component.origin} connect: add the origin to ALLOWED_ORIGINS`);
    expect(await reasonOf(page).getAttribute("role")).toBe("alert");
    expect(await page.locator("offhook-phone .dial").count()).toBe(0);
  });
});
