import { Publisher, Subscriber, SubscriptionState, UserAgent, type Notification } from "sip.js";
import { afterAll, describe, expect, it } from "vitest";
import { faultOf } from "../support/documents.ts";
import { header } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { registeredSipJs } from "../support/stock-phones.ts";
import { startServerUnderTest, ways, type ConnectionKind } from "../support/server-under-test.ts";
import { pidf } from "../support/watching.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());
const { wsUrl } = serverUnderTest.server;

const uriOf = (account: string) => UserAgent.makeURI(`sip:${account}@localhost`) ?? expect.fail(`${account} makes no URI`);

async function sipJs(name: string, way: ConnectionKind) {
  const account = await serverUnderTest.newcomer(name);
  if (way === "direct") (await serverUnderTest.register(account, "general")).socket.close();
  return { account, ...(await registeredSipJs({ wsUrl, account, way })) };
}

/** SIP.js watches somebody; what it is told, oldest first, and a promise of the next that says what is looked for. */
async function watches(agent: UserAgent, account: string, event = "presence") {
  const bodies: string[] = [];
  const waiting: { readonly text: string; readonly told: (body: string) => void }[] = [];
  const subscriber = new Subscriber(agent, uriOf(account), event, { expires: 600 });
  subscriber.delegate = {
    onNotify: (notification: Notification) => {
      void notification.accept();
      const { request } = notification;
      expect(faultOf(request.getHeader("content-type") ?? "", request.body)).toBeUndefined();
      bodies.push(request.body);
      for (const { text, told } of waiting) if (notification.request.body.includes(text)) told(notification.request.body);
    },
  };
  const becomes = (text: string) => {
    const told = bodies.find((body) => body.includes(text));
    return told === undefined ? new Promise<string>((resolve) => waiting.push({ text, told: resolve })) : Promise.resolve(told);
  };
  await subscriber.subscribe();
  /** SIP.js does not stop while it watches. */
  const stops = async () => {
    const ended = new Promise<void>((resolve) => {
      subscriber.stateChange.addListener((state) => {
        if (state === SubscriptionState.Terminated) resolve();
      });
    });
    await subscriber.unsubscribe();
    await ended;
    await agent.stop();
  };
  return { stops, becomes };
}

describe.each(ways)("stock SIP.js, on the %s way", (way) => {
  it("subscribes, is told of a change, and ends its subscription", async () => {
    const alice = await sipJs("alice", way);
    const bob = await serverUnderTest.register(await serverUnderTest.newcomer("bob"), way);
    const { stops, becomes } = await watches(alice.agent, bob.account);
    await becomes(">open<");
    bob.socket.cut();
    expect(await becomes(">closed<")).toContain(`entity="sip:${bob.account}@localhost"`);
    await stops();
  });

  it("publishes what its user is up to, and takes it back", async () => {
    const [alice, bob] = [await sipJs("alice", way), await sipJs("bob", way)];
    const { becomes, stops } = await watches(alice.agent, bob.account);
    await becomes(">open<");
    const publisher = new Publisher(bob.agent, uriOf(bob.account), "presence", {
      body: pidf(`sip:${bob.account}@localhost`, "closed", "meeting"),
      contentType: "application/pidf+xml",
      expires: 600,
    });
    await publisher.publish(pidf(`sip:${bob.account}@localhost`, "closed", "meeting"));
    expect(await becomes("meeting")).toContain(">closed<");
    await publisher.unpublish();
    await stops();
    await bob.agent.stop();
  });

  it("sees the lamp of somebody who is called", async () => {
    const alice = await sipJs("alice", way);
    const [bob, carol] = await serverUnderTest.phones(way, "bob", "carol");
    const { becomes, stops } = await watches(alice.agent, bob.account, "dialog");
    carol.request("INVITE", bob.aor);
    bob.reply(await bob.next("INVITE"), 180);
    expect(await becomes("early")).toContain('direction="recipient"');
    await stops();
  });
});

describe.each(ways)("a raw phone, on the %s way", (way) => {
  async function subscribed(alice: Phone, bob: Phone) {
    const sent = alice.request("SUBSCRIBE", bob.aor, {
      headers: [
        ["Event", "presence"],
        ["Expires", "600"],
      ],
    });
    const granted = await alice.finalResponse(sent);
    const notify = await alice.next("NOTIFY");
    alice.reply(notify, 200);
    return { sent, granted, notify };
  }

  it("may be told before it hears that its subscription was granted, or after (RFC 6665 §4.1.2.4): both name the same dialog", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const { granted, notify } = await subscribed(alice, bob);
    expect(granted.status).toBe(200);
    expect(header(notify, "from")).toBe(header(granted, "to"));
    expect(header(notify, "record-route")).toBe(header(granted, "record-route"));
  });

  it("that takes partial documents is told what has changed, and the full state after a loss of memory (RFC 5263)", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const second = await serverUnderTest.register(bob.account, way);
    const publish = (basic: "open" | "closed", id: string) =>
      second.request("PUBLISH", bob.aor, {
        headers: [
          ["Event", "presence"],
          ["Content-Type", "application/pidf+xml"],
        ],
        body: pidf(bob.aor, basic, undefined, id),
      });
    for (const id of ["desk", "car", "door"]) await second.finalResponse(publish("open", id));
    alice.request("SUBSCRIBE", bob.aor, {
      headers: [
        ["Event", "presence"],
        ["Accept", "application/pidf-diff+xml"],
      ],
    });
    const hears = async () => {
      const notify = await alice.next("NOTIFY");
      alice.reply(notify, 200);
      return [/<p:(pidf-\w+)/.exec(notify.body)?.[1], Number(/ version="(\d+)"/.exec(notify.body)?.[1])];
    };
    expect(await hears()).toEqual(["pidf-full", 0]);
    await second.finalResponse(publish("closed", "bed"));
    expect(await hears()).toEqual(["pidf-diff", 1]);
    await serverUnderTest.server.evict(`sip:${bob.account}@localhost#1`, "hibernate");
    await second.finalResponse(publish("closed", "bath"));
    expect(await hears()).toEqual(["pidf-full", expect.any(Number)]);
  });

  it("is told on its newest connection", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    await subscribed(alice, bob);
    const again = await serverUnderTest.register(alice.account, way, { instance: alice.instance });
    alice.socket.cut();
    bob.socket.cut();
    const notify = await again.next((message) => message.method === "NOTIFY" && message.body.includes("closed"));
    expect(header(notify, "subscription-state")).toMatch(/^active;expires=\d+$/);
  });

  it("that was away hears the newest state when it is back", async () => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    await subscribed(alice, bob);
    alice.socket.cut();
    bob.socket.cut();
    const again = await serverUnderTest.register(alice.account, way, { instance: alice.instance });
    const notify = await again.next((message) => message.method === "NOTIFY" && message.body.includes("closed"));
    expect(notify.body).toContain(">closed<");
  });
});

it("a watcher of a user who is deleted is told so (RFC 6665 §4.1.3)", async () => {
  const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
  alice.request("SUBSCRIBE", bob.aor, {
    headers: [
      ["Event", "presence"],
      ["Expires", "600"],
    ],
  });
  alice.reply(await alice.next("NOTIFY"), 200);
  await serverUnderTest.server.api("DELETE", `/domains/localhost/subscribers/${bob.account}`);
  const last = await alice.next((message) => header(message, "subscription-state") === "terminated;reason=noresource");
  expect(last.method).toBe("NOTIFY");
});

describe("after a power cut", () => {
  it("a watcher learns what has changed meanwhile", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    alice.request("SUBSCRIBE", bob.aor, {
      headers: [
        ["Event", "presence"],
        ["Expires", "600"],
      ],
    });
    alice.reply(await alice.next("NOTIFY"), 200);
    await serverUnderTest.server.kill9();
    await serverUnderTest.server.restart();
    const again = await serverUnderTest.register(alice.account, "direct", { instance: alice.instance });
    const notify = await again.next((message) => message.method === "NOTIFY" && message.body.includes("closed"));
    expect(notify.body).toContain(">closed<");
  });
});
