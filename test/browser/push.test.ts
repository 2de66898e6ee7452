import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type PushService, startPushService } from "../support/push-service.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";
import { dial, hears, open, reads } from "./softphone-page.ts";

/** Runs in the page: its browser's push service cannot be reached from here, so a stand-in takes its place. */
const subscribed = ({ url, p256dh, auth }: { url: string; p256dh: string; auth: string }) => `
  PushManager.prototype.getSubscription = async () => null;
  PushManager.prototype.subscribe = async () => ({
    toJSON: () => (${JSON.stringify({ endpoint: url, keys: { p256dh, auth } })}),
  });
`;

interface Waker {
  readonly page: Page;
  /** What the browser does with a push message: it gives it to the service worker. */
  deliver(note: object): Promise<unknown>;
  notifications(): Promise<string[]>;
}

describe.skipIf(!canBrowse)("a softphone page that push notifications wake", () => {
  let parlour: Parlour;
  let service: PushService;
  let origin: string;
  let bob: string;
  beforeAll(async () => {
    parlour = await openParlour({ isWhole: true, settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
    origin = parlour.serverUnderTest.server.url;
  });
  beforeEach(async () => {
    service = await startPushService();
    const body = { subject: "mailto:ops@example.com", hosts: ["127.0.0.1"] };
    await parlour.serverUnderTest.server.api("PUT", "/domains/localhost/push/webpush", body);
    bob = await parlour.serverUnderTest.newcomer("bob");
  });
  afterEach(async () => {
    await parlour.clear();
    await service.close();
  });
  afterAll(() => parlour?.close());

  const bindings = async () => {
    const answer = await parlour.serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${bob}/bindings`);
    return ((await answer.json()) as { bindings: { reachable: boolean; push: string | null }[] }).bindings;
  };

  /** bob signs in, and wants to be woken. */
  async function signsIn(): Promise<Page> {
    const page = await parlour.softphone({ account: `${bob}@localhost`, password: "offhook" }, subscribed(service.device));
    await page.context().grantPermissions(["notifications"], { origin });
    await page.check("#push");
    await page.click("#register");
    await reads(page, "#status", `Registered as ${bob}@localhost`);
    expect(await bindings()).toMatchObject([{ reachable: true, push: "webpush" }]);
    return page;
  }

  /** Another page of the same browser, by which its service worker is reached. */
  async function waker(): Promise<Waker> {
    const page = await parlour.page();
    await page.goto(`${origin}/console/`);
    const devTools = await page.context().newCDPSession(page);
    const registration = new Promise<string>((resolve) => {
      devTools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const found = registrations.find(({ isDeleted }) => !isDeleted);
        if (found !== undefined) resolve(found.registrationId);
      });
    });
    await devTools.send("ServiceWorker.enable");
    const registrationId = await registration;
    return {
      page,
      deliver: (note) => devTools.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data: JSON.stringify(note) }),
      notifications: () =>
        page.evaluate(async () => {
          const found = await navigator.serviceWorker.getRegistration("/");
          return ((await found?.getNotifications()) ?? []).map(({ title }) => title);
        }),
    };
  }

  it("is closed, called, shows a notification, is opened, and answers with audio", async () => {
    const page = await signsIn();
    const { deliver, notifications } = await waker();
    await page.close();
    await expect.poll(bindings).toMatchObject([{ reachable: false, push: "webpush" }]);
    const caller = await parlour.serverUnderTest.newcomer("alice");
    const alice = await open(parlour, caller);
    await dial(alice, bob);
    await expect.poll(() => service.arrived.length).toBe(1);
    const [{ note, headers } = { note: {}, headers: {} }] = service.arrived;
    expect(note).toMatchObject({ ringing: [{ from: `sip:${caller}@localhost` }] });
    expect(headers).toMatchObject({ urgency: "high", topic: "offhook" });
    await deliver(note);
    await expect.poll(notifications).toEqual([`${caller}@localhost is calling`]);
    // A click opens the page: headless Chromium has no notification to click on.
    const again = await parlour.page();
    await again.addInitScript(subscribed(service.device));
    await again.goto(`${origin}/`);
    await again.click("#answer");
    await Promise.all([reads(again, "#progress", "In a call"), reads(alice, "#progress", "In a call")]);
    await Promise.all([hears(again), hears(alice)]);
    expect(service.refused).toEqual([]);
  });

  it("is closed and called in vain: the next notification says what was missed, and takes the place of the first", async () => {
    const page = await signsIn();
    const { deliver, notifications } = await waker();
    await page.close();
    await expect.poll(bindings).toMatchObject([{ reachable: false }]);
    const caller = await parlour.serverUnderTest.newcomer("alice");
    const alice = await open(parlour, caller);
    await dial(alice, bob);
    await expect.poll(() => service.arrived.length).toBe(1);
    await deliver(service.arrived[0]?.note ?? {});
    await alice.click("#hangup");
    await expect.poll(() => service.arrived.length).toBe(2);
    await deliver(service.arrived[1]?.note ?? {});
    await expect.poll(notifications).toEqual([`1 missed, last from ${caller}@localhost`]);
  });

  it("is frozen: it is woken after 1.5 s, and one that rings is not", async () => {
    const page = await signsIn();
    const alice = await open(parlour, await parlour.serverUnderTest.newcomer("alice"));
    await dial(alice, bob);
    await reads(page, "#progress", /calling|Incoming|rings/i);
    await alice.click("#hangup");
    expect(service.arrived).toEqual([]);
    // Nothing of the page runs, and its connection stays.
    const thaws = page.evaluate(() => {
      for (const end = Date.now() + 6000; Date.now() < end;);
    });
    await dial(alice, bob);
    await expect.poll(() => service.arrived.length).toBe(1);
    expect(await bindings()).toMatchObject([{ reachable: true }]);
    await thaws;
  });

  it("is one with the component, whose attribute names the service worker", async () => {
    const page = await parlour.page();
    const element = `<offhook-phone address="${bob}@localhost" password="offhook" push="/offhook-push.js"></offhook-phone>`;
    const body = `<!doctype html><title>shop</title><script src="/offhook-phone.js"></script>${element}`;
    await page.route(`${origin}/test/shop`, (route) => route.fulfill({ contentType: "text/html", body }));
    await page.context().grantPermissions(["notifications"], { origin });
    await page.addInitScript(subscribed(service.device));
    await page.goto(`${origin}/test/shop`);
    await expect.poll(bindings).toMatchObject([{ reachable: true, push: "webpush" }]);
    await page.close();
    await expect.poll(bindings).toMatchObject([{ reachable: false, push: "webpush" }]);
  });

  it("unregisters: it is not woken any more", async () => {
    const page = await signsIn();
    await page.click("#unregister");
    await expect.poll(bindings).toEqual([]);
    expect(await page.evaluate(() => localStorage.getItem("offhook-push"))).toBeNull();
  });

  it("is told why it cannot be woken: the domain does not use Web Push", async () => {
    await parlour.serverUnderTest.server.api("DELETE", "/domains/localhost/push/webpush");
    const page = await parlour.softphone({ account: `${bob}@localhost`, password: "offhook" }, subscribed(service.device));
    await page.context().grantPermissions(["notifications"], { origin });
    await page.check("#push");
    await page.click("#register");
    await reads(page, "#status", `Registered as ${bob}@localhost`);
    await reads(page, "#notice", "The server does not use Web Push");
  });
});
