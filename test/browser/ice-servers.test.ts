import { once } from "node:events";
import { createServer } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse, startBrowser } from "../support/browser.ts";
import { type Coturn, hasCoturn, startCoturn } from "../support/coturn.ts";
import { listenOnOwnPort, portOf } from "../support/own-port.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";
import { hears, open, patience, talk } from "./softphone-page.ts";

/** Seconds. */
const ttl = 3600;

/** Runs in the page: no media but by a TURN server. */
const relayed = `
  window.connections = [];
  const Connection = RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(configuration) {
      super({ ...configuration, iceTransportPolicy: "relay" });
      window.connections.push(this);
    }
  };
`;

/** Runs in the page: the time until servers are refreshed passes at once. */
const hurried = `
  const wait = window.setTimeout;
  window.setTimeout = (deed, time, ...more) => wait(deed, time > ${ttl * 490} && time <= ${ttl * 500} ? 200 : time, ...more);
`;

interface Pair {
  readonly local: string | undefined;
  readonly remote: string | undefined;
}

/** The kinds of the addresses that the media of a call goes between. */
function pairOf(page: Page): Promise<Pair> {
  return page.evaluate(async () => {
    const connections = (window as unknown as { connections: RTCPeerConnection[] }).connections;
    const reports = await connections.find(({ iceConnectionState }) => iceConnectionState === "connected")?.getStats();
    const all = new Map<string, Record<string, string>>();
    reports?.forEach((report: Record<string, string>) => all.set(report["id"] ?? "", report));
    const transport = [...all.values()].find(({ type }) => type === "transport");
    const pair = all.get(transport?.["selectedCandidatePairId"] ?? "");
    const kindOf = (id: string | undefined) => all.get(id ?? "")?.["candidateType"];
    return { local: kindOf(pair?.["localCandidateId"]), remote: kindOf(pair?.["remoteCandidateId"]) };
  });
}

/** The user name that a call of the page has for the TURN server. */
function turnUser(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const connections = (window as unknown as { connections: RTCPeerConnection[] }).connections;
    const talking = connections.find(({ iceConnectionState }) => iceConnectionState === "connected");
    return talking?.getConfiguration().iceServers?.[0]?.username;
  });
}

describe.skipIf(!canBrowse)("ICE servers that the server gives", () => {
  let parlour: Parlour;
  let coturn: Coturn | undefined;
  beforeAll(async () => {
    [parlour, coturn] = await Promise.all([openParlour(), hasCoturn ? startCoturn() : undefined]);
    if (coturn === undefined) return;
    const body = { kind: "shared_secret", urls: [coturn.url], secret: coturn.secret, ttl };
    const answer = await parlour.serverUnderTest.server.api("PUT", "/domains/localhost/ice", body);
    expect(answer.status).toBe(200);
  });
  afterEach(() => parlour.clear());
  afterAll(async () => {
    await parlour?.close();
    await coturn?.close();
  });

  const newcomers = async () => [await parlour.serverUnderTest.newcomer("alice"), await parlour.serverUnderTest.newcomer("bob")] as const;

  it.skipIf(!hasCoturn)("relay a call by a real coturn: audio both ways, and no secret in the page", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(parlour, alice, {}, relayed), await open(parlour, bob, {}, relayed)];
    await talk(caller, callee, bob);
    for (const page of [caller, callee]) expect(await pairOf(page)).toEqual({ local: "relay", remote: "relay" });
    for (const user of [alice, bob]) expect(coturn?.log()).toMatch(new RegExp(`user <\\d+:${user}@localhost>`));
    const answer = await (
      await fetch(`${parlour.serverUnderTest.server.url}/api/v1/ice-servers`, {
        headers: { Authorization: `Basic ${btoa(`${alice}@localhost:offhook`)}` },
      })
    ).text();
    expect(answer).not.toContain(coturn?.secret);
  });

  it.skipIf(!hasCoturn)("are renewed in a long call, which goes on", async () => {
    const [alice, bob] = await newcomers();
    const [caller, callee] = [await open(parlour, alice, {}, relayed + hurried), await open(parlour, bob, {}, relayed)];
    await talk(caller, callee, bob);
    const before = await turnUser(caller);
    expect(before).toMatch(new RegExp(`^\\d+:${alice}@localhost$`));
    await expect.poll(() => turnUser(caller)).not.toBe(before);
    await hears(caller);
    expect(await pairOf(caller)).toEqual({ local: "relay", remote: "relay" });
  });

  it("are not needed: without an answer the phone calls as before", async () => {
    const [alice, bob] = await newcomers();
    const failing = `
      const { fetch } = window;
      window.fetch = (url, ...more) => (String(url).includes("ice-servers") ? Promise.reject(new TypeError("lost")) : fetch(url, ...more));
    `;
    const [caller, callee] = [await open(parlour, alice, {}, failing), await open(parlour, bob, {}, failing)];
    await talk(caller, callee, bob);
  });

  it("are asked for with the password that the phone has registered with, and not before", async () => {
    const alice = await parlour.serverUnderTest.newcomer("alice");
    const counting = "window.asked = 0; const { fetch } = window; window.fetch = (...all) => (window.asked++, fetch(...all));";
    const page = await parlour.softphone({ account: `${alice}@localhost`, password: "wrong", autoregister: "1" }, counting);
    await page.waitForSelector('#status[data-state="failed"]');
    expect(await page.evaluate("window.asked")).toBe(0);
    await page.fill("#password", "offhook");
    const given = page.waitForResponse("**/api/v1/ice-servers", patience);
    await page.press("#password", "Enter");
    const response = await given;
    expect(response.status()).toBe(200);
  });

  it("are read by a page of another origin, which has the password; the browser asks first", async () => {
    const alice = await parlour.serverUnderTest.newcomer("alice");
    const website = createServer((_request, response) =>
      response.setHeader("Content-Type", "text/html").end("<title>another page</title>"),
    );
    await listenOnOwnPort(website);
    // Without the interception of other tests, which answers preflights itself.
    const browser = await startBrowser();
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${portOf(website)}/`);
    const ask = (password: string) =>
      page.evaluate(
        async ([url, credentials]) => {
          const answer = await fetch(`${url}/api/v1/ice-servers`, { headers: { Authorization: `Basic ${btoa(credentials)}` } });
          return [answer.status, ((await answer.json()) as { iceServers?: unknown[] }).iceServers?.length];
        },
        [parlour.serverUnderTest.server.url, `${alice}@localhost:${password}`] as const,
      );
    expect(await ask("offhook")).toEqual([200, hasCoturn ? 1 : 0]);
    expect(await ask("wrong")).toEqual([401, undefined]);
    await browser.close();
    website.close();
    website.closeAllConnections();
    await once(website, "close");
  });
});
