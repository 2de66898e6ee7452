import { Registerer } from "sip.js";
import { afterAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { hasty } from "../support/hasty.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { jsSipPhone, sipJsPhone } from "../support/stock-phones.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { AUTHENTICATION_TIMEOUT: hasty } });
afterAll(() => serverUnderTest.close());

describe.concurrent("a connection on which nobody authenticates in time", () => {
  it.each([
    ["at a home", (account: string) => `/ws/${account}@localhost`],
    ["at the edge proxy", () => "/ws"],
    ["at the redirect server", () => "/redirect"],
  ])("is closed with 4408 though it has said something valid, %s", async (_where, path) => {
    const account = await serverUnderTest.newcomer("alice");
    (await serverUnderTest.connect(account, "direct")).socket.close();
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}${path(account)}`, account);
    const stranger = new Phone(socket, { account, way: "general" });
    expect((await stranger.finalResponse(stranger.request("MESSAGE", stranger.aor))).status).toBeGreaterThanOrEqual(401);
    expect(await socket.closed).toMatchObject({ code: 4408, reason: "no authentication in time" });
  });

  it("is none of a subscriber's, nor of a guest's who has written to somebody", async () => {
    await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const carol = await serverUnderTest.register(await serverUnderTest.newcomer("carol"), "general");
    const guest = new Phone(await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "guest"), {
      account: "guest",
      domain: "a.invalid",
      way: "general",
    });
    guest.request("MESSAGE", alice.aor, { body: "hello" });
    alice.reply(await alice.next("MESSAGE"), 200);
    const silent = await serverUnderTest.connect(await serverUnderTest.newcomer("silent"), "general");
    silent.request("MESSAGE", alice.aor);
    await silent.socket.closed;
    for (const caller of [guest, carol, bob]) {
      const call = await establish(caller, alice);
      expect((await hangUp(caller, call.callerSide, alice)).status).toBe(200);
    }
  });
});

describe.concurrent.each(["direct", "general"] as const)(
  "a stock phone with a wrong password, whose connection is closed with 4408, on the %s way",
  (way) => {
    it("comes back after a pause: JsSIP", async () => {
      const account = await serverUnderTest.newcomer("alice");
      (await serverUnderTest.connect(account, "direct")).socket.close();
      const ua = jsSipPhone({ wsUrl: serverUnderTest.server.wsUrl, account, way }, { password: "wrong" });
      const closed = new Promise<{ code: number; at: number }>((resolve) =>
        ua.once("disconnected", ({ code = 0 }) => resolve({ code, at: Date.now() })),
      );
      ua.start();
      const { code, at } = await closed;
      expect(code).toBe(4408);
      await new Promise<void>((resolve) => ua.once("connected", () => resolve()));
      expect(Date.now() - at).toBeGreaterThan(1500);
      ua.stop();
    });

    // Its first attempt of several is without a pause, whatever the code.
    it("comes back: SIP.js", async () => {
      const account = await serverUnderTest.newcomer("alice");
      (await serverUnderTest.connect(account, "direct")).socket.close();
      let connections = 0;
      const events: { closed?: (why: string) => void; back?: () => void } = {};
      const closed = new Promise<string>((resolve) => (events.closed = resolve));
      const back = new Promise<void>((resolve) => (events.back = resolve));
      const agent = sipJsPhone(
        { wsUrl: serverUnderTest.server.wsUrl, account, way },
        {
          onConnect: () => ((connections += 1) === 2 ? events.back?.() : undefined),
          onDisconnect: (error) => events.closed?.(error?.message ?? ""),
        },
        { authorizationPassword: "wrong", reconnectionAttempts: 3, reconnectionDelay: 2 },
      );
      await agent.start();
      await new Registerer(agent).register();
      expect(await closed).toContain("4408");
      await back;
      expect(connections).toBe(2);
      await agent.stop();
    });
  },
);
