import { Subscriber, SubscriptionState, UserAgent, type Notification } from "sip.js";
import { afterAll, describe, expect, it } from "vitest";
import { type ReceivedMessage, header } from "../support/received-message.ts";
import { listLines, readNotice, recipientList, tableOf } from "../support/list-watching.ts";
import { registeredJsSip, registeredSipJs } from "../support/stock-phones.ts";
import { startServerUnderTest, type ConnectionKind, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());
const { wsUrl } = serverUnderTest.server;
const aor = (account: string): string => `sip:${account}@localhost`;

const accepted = "multipart/related, application/rlmi+xml, application/pidf+xml";
const targetOf = (uri: string) => UserAgent.makeURI(uri) ?? expect.fail(`${uri} is no URI`);

/** People who have registered once, and are not there. */
async function acquaintances(count: number): Promise<string[]> {
  const accounts: string[] = [];
  while (accounts.length < count) accounts.push(await serverUnderTest.newcomer("buddy"));
  for (const account of accounts) {
    const phone = await serverUnderTest.register(account, "general");
    phone.socket.close();
  }
  return accounts;
}

/** SIP.js watches a list, and says that it knows lists; all that it is told. */
async function watchesList(account: string, way: ConnectionKind, uri: string) {
  const { agent } = await registeredSipJs({ wsUrl, account, way });
  const heard: Pick<ReceivedMessage, "body" | "headers">[] = [];
  const waiting: { readonly fits: () => boolean; readonly resolve: () => void }[] = [];
  const subscriber = new Subscriber(agent, targetOf(uri), "presence", { expires: 600, extraHeaders: listLines });
  subscriber.delegate = {
    onNotify: ({ request }: Notification) => {
      heard.push({ body: request.body, headers: [["content-type", request.getHeader("content-type") ?? ""]] });
      for (const { fits, resolve } of waiting) if (fits()) resolve();
    },
  };
  const becomes = (fits: () => boolean) => (fits() ? Promise.resolve() : new Promise<void>((resolve) => waiting.push({ fits, resolve })));
  const ended = new Promise<void>((resolve) => {
    subscriber.stateChange.addListener((state) => (state === SubscriptionState.Terminated ? resolve() : undefined));
  });
  await subscriber.subscribe();
  const stops = async () => {
    await subscriber.unsubscribe();
    await ended;
    await agent.stop();
  };
  return { heard, becomes, stops, table: () => tableOf(heard as ReceivedMessage[]) ?? {} };
}

describe.each(ways)("stock SIP.js, on the %s way", (way) => {
  it("holds one subscription for a list of 200 buddies, and hears one of them register", async () => {
    const alice = await serverUnderTest.newcomer("alice");
    if (way === "direct") (await serverUnderTest.register(alice, "general")).socket.close();
    const buddies = await acquaintances(200);
    const put = await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice}/lists/friends`, {
      entries: buddies.map((account) => ({ uri: aor(account) })),
    });
    expect(put.status).toBe(201);
    const { uri } = (await put.json()) as { uri: string };

    const { heard, becomes, stops, table } = await watchesList(alice, way, uri);
    const states = () => Object.values(table());
    await becomes(() => states().length === 200 && states().every((state) => state === "active closed"));
    const before = heard.length;
    const [buddy = ""] = buddies;
    await serverUnderTest.register(buddy, way);
    await becomes(() => table()[aor(buddy)] === "active open");
    const news = heard.slice(before).map(readNotice);
    expect(news.map(({ isFull, resources }) => [isFull, Object.keys(resources)])).toEqual([[false, [aor(buddy)]]]);
    expect(await serverUnderTest.server.query(`sip:${alice}@localhost#1`, "SELECT id FROM list_subscriptions")).toHaveLength(1);
    await stops();
    await expect.poll(() => serverUnderTest.server.query(`sip:${buddy}@localhost#1`, "SELECT id FROM subscriptions")).toEqual([]);
  });
});

describe.each(ways)("stock JsSIP, on the %s way", (way) => {
  it("brings its list along (RFC 5367), and hears of one who goes", async () => {
    const alice = await serverUnderTest.newcomer("alice");
    if (way === "direct") (await serverUnderTest.register(alice, "general")).socket.close();
    const [bob, carol] = await serverUnderTest.phones(way, "bob", "carol");
    const ua = await registeredJsSip({ wsUrl, account: alice, way });
    const subscriber = ua.subscribe("sip:list.adhoc@localhost", "presence", accepted, {
      expires: 600,
      contentType: "application/resource-lists+xml",
      extraHeaders: ["Supported: eventlist", "Require: recipient-list-subscribe", "Content-Disposition: recipient-list"],
    });
    const heard: ReceivedMessage[] = [];
    const becomes = (state: string) =>
      new Promise<void>((resolve) => {
        subscriber.on("notify", () => (tableOf(heard)?.[carol.aor] === state ? resolve() : undefined));
      });
    subscriber.on("notify", (_isFinal, _request, body = "", type = "") => {
      heard.push({ body, headers: [["content-type", type]] } as unknown as ReceivedMessage);
    });
    const isThere = becomes("active open");
    subscriber.subscribe(recipientList(bob.aor, carol.aor));
    await isThere;
    const isGone = becomes("active closed");
    carol.socket.cut();
    await isGone;
    expect(tableOf(heard)).toEqual({ [bob.aor]: "active open", [carol.aor]: "active closed" });
    const ended = new Promise<void>((resolve) => subscriber.on("terminated", () => resolve()));
    subscriber.terminate();
    await ended;
    ua.stop();
  });
});

describe("after a power cut", () => {
  it("a list is told in full, with what has changed meanwhile, on the phone's next connection", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/lists/friends`, {
      entries: [{ uri: bob.aor }],
    });
    alice.request("SUBSCRIBE", `sip:list.friends.${alice.account}@localhost`, {
      headers: [["Event", "presence"], ["Expires", "600"], ...listLines.map((line) => line.split(": ") as [string, string])],
    });
    const first = await alice.next("NOTIFY");
    alice.reply(first, 200);
    await serverUnderTest.server.kill9();
    await serverUnderTest.server.restart();
    const again = await serverUnderTest.register(alice.account, "direct", { instance: alice.instance });
    const told = [first];
    while (told.at(-1)?.body.includes(">closed<") !== true) {
      const next = await again.next("NOTIFY");
      again.reply(next, 200);
      told.push(next);
    }
    const [, second] = told.map(readNotice);
    expect([second?.isFull, (second?.version ?? 0) > 0]).toEqual([true, true]);
    expect([told.map((one) => header(one, "require")), tableOf(told)]).toEqual([
      told.map(() => "eventlist"),
      { [bob.aor]: "active closed" },
    ]);
  });
});
