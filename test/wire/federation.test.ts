import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { shortSdp } from "../support/compose.ts";
import type { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** Two Offhooks, of one domain each: `west.example` calls `localhost` over a WebSocket that it opens with a token. */
let west: ServerUnderTest;
let east: ServerUnderTest;
const token = "what-the-two-have-agreed-upon";

beforeAll(async () => {
  [west, east] = [await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } }), await startServerUnderTest()];
  await east.server.api("PUT", "/domains/localhost/peers/west", { domains: ["west.example"], token });
  await west.server.provision({ domain: "west.example", username: "alice", password: "offhook" });
  const server = `sip:127.0.0.1:${new URL(east.server.url).port};transport=ws`;
  await west.server.api("PUT", "/domains/west.example/trunks/east", { server, token, inbound: true });
  const route = { match: { domain: "localhost" }, action: { kind: "trunk", trunk: "east", keeps_domain: true } };
  await west.server.api("PUT", "/domains/west.example/routes/east", route);
});
afterAll(async () => {
  await west.close();
  await east.close();
});

async function pair(): Promise<[Phone, Phone]> {
  const alice = await west.register("alice", "general", { domain: "west.example" });
  const [bob] = await east.phones("direct", "bob");
  return [alice, bob];
}

describe("a call from one Offhook to another", () => {
  it.each(["caller", "callee"])("is answered, and the %s hangs up", async (side) => {
    const [alice, bob] = await pair();
    const call = await establish(alice, bob);
    const answer = side === "caller" ? await hangUp(alice, call.callerSide, bob) : await hangUp(bob, call.calleeSide, alice);
    expect(answer.status).toBe(200);
  });

  it("is cancelled", async () => {
    const [alice, bob] = await pair();
    const invite = alice.request("INVITE", bob.aor, { body: shortSdp });
    const heard = await bob.next("INVITE");
    bob.reply(heard, 180);
    await alice.next(180);
    alice.cancel(invite);
    bob.reply(await bob.next("CANCEL"), 200);
    bob.reply(heard, 487);
    expect((await alice.next(487, { method: "INVITE" })).status).toBe(487);
  });

  it("to somebody who is not there ends as it does there", async () => {
    const [alice] = await pair();
    const sent = alice.request("INVITE", "sip:nobody@localhost", { body: shortSdp });
    expect((await alice.finalResponse(sent)).status).toBe(404);
  });
});

it("a guest with JsSIP, as on a page for visitors, reaches a user without an account", async () => {
  await east.server.api("PUT", "/domains/localhost/settings", { guests: true });
  const [bob] = await east.phones("direct", "bob");
  const { UA, WebSocketInterface } = (await import("jssip")).default;
  const guest = new UA({
    sockets: [new WebSocketInterface(`${east.server.wsUrl}/ws`)],
    uri: "sip:visitor@anonymous.invalid",
    register: false,
  });
  const answered = new Promise<void>((resolve) => {
    guest.on("connected", () => guest.sendMessage(bob.aor, "is anybody there?", { eventHandlers: { succeeded: () => resolve() } }));
  });
  guest.start();
  const message = await bob.next("MESSAGE");
  expect(message.body).toBe("is anybody there?");
  bob.reply(message, 200);
  await answered;
  guest.stop();
});
