import { Inviter, UserAgent } from "sip.js";
import type { IncomingResponse } from "sip.js/lib/core/index.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { header, uriIn } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { openSocket } from "../support/sip-socket.ts";
import { registeredJsSip, sipJsPhone } from "../support/stock-phones.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** Where a domain's requests go before anybody is looked up. */
let serverUnderTest: ServerUnderTest;
let other: SipServer;
const made: string[] = [];

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
  other = await startSipServer();
  const server = `sip:127.0.0.1:${other.port};transport=tcp`;
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/gateway", { server });
});
afterAll(async () => {
  await serverUnderTest.close();
  other.close();
});
beforeEach(() => {
  made.length = 0;
});
afterEach(async () => {
  for (const name of made) await serverUnderTest.server.api("DELETE", `/domains/localhost/routes/${name}`);
});

async function route(settings: object): Promise<void> {
  const name = `r${made.length}`;
  made.push(name);
  const answer = await serverUnderTest.server.api("PUT", `/domains/localhost/routes/${name}`, settings);
  expect(answer.status).toBe(200);
}

describe("a route", () => {
  it("sends a number to a user here", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    await route({ match: { user: { pattern: "^0049(.*)$" } }, action: { kind: "local", user: bob.account } });
    alice.request("INVITE", "sip:004930555@localhost", { body: shortSdp });
    expect((await bob.next("INVITE")).method).toBe("INVITE");
  });

  it("sends a number by a trunk, rewritten", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    await route({ match: { user: { prefix: "0" } }, action: { kind: "trunk", trunk: "gateway", user: "+49\\1" } });
    alice.request("INVITE", "sip:030123@localhost", { body: shortSdp });
    const invite = await other.next("INVITE");
    expect(invite.requestUri).toBe(`sip:+4930123@127.0.0.1:${other.port};transport=tcp`);
    other.reply(invite, 486);
  });

  it("sends a call to another server, whether its caller may call out or not", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    await route({
      match: { domain: "partner.example", user: { prefix: "s" } },
      action: { kind: "retarget", uri: `sip:s\\1@127.0.0.1:${other.port};transport=tcp` },
    });
    alice.request("INVITE", "sip:sales@partner.example", { body: shortSdp });
    const invite = await other.next("INVITE");
    expect(invite.requestUri).toBe(`sip:sales@127.0.0.1:${other.port};transport=tcp`);
    other.reply(invite, 486);
  });

  it("leaves other domains closed: 403, no relay for anybody", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    await route({ match: { domain: "partner.example" }, action: { kind: "local", user: "nobody" } });
    const sent = alice.request("INVITE", "sip:sales@elsewhere.example", { body: shortSdp });
    expect((await alice.finalResponse(sent)).status).toBe(403);
  });

  it.each([301, 302, 305])("redirects with %i (RFC 3261 §21.3)", async (status) => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    await route({ match: { user: { prefix: "old-" } }, action: { kind: "redirect", status, uri: "sip:\\1@new.example" } });
    const answer = await alice.finalResponse(alice.request("INVITE", "sip:old-bob@localhost", { body: shortSdp }));
    expect([answer.status, header(answer, "contact")]).toEqual([status, "<sip:bob@new.example>"]);
  });

  it("refuses, with a reason", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    await route({ match: { user: { prefix: "0900" } }, action: { kind: "reject", status: 603, reason: "Too dear" } });
    const answer = await alice.finalResponse(alice.request("INVITE", "sip:0900123@localhost", { body: shortSdp }));
    expect([answer.status, header(answer, "warning")]).toEqual([603, expect.stringContaining("Too dear")]);
    await route({ match: { caller: { prefix: `${alice.account}@` } }, action: { kind: "reject", status: 403 } });
    expect((await alice.finalResponse(alice.request("INVITE", bob.aor))).status).toBe(403);
    bob.request("MESSAGE", alice.aor, { body: "I may" });
    expect((await alice.next("MESSAGE")).body).toBe("I may");
  });

  it("comes before users, in its order", async () => {
    const [alice, bob, carol] = await serverUnderTest.phones("direct", "alice", "bob", "carol");
    await route({ order: 2, match: { user: { prefix: bob.account } }, action: { kind: "reject", status: 410 } });
    await route({ order: 1, match: { user: { prefix: bob.account } }, action: { kind: "local", user: carol.account } });
    alice.request("INVITE", bob.aor, { body: shortSdp });
    expect((await carol.next("INVITE")).method).toBe("INVITE");
  });
});

describe("a route at the redirect server (RFC 3261 §8.3)", () => {
  const requester = async () => {
    const account = await serverUnderTest.newcomer("asker");
    return new Phone(await openSocket(`${serverUnderTest.server.wsUrl}/redirect`, account), { account, way: "general" });
  };

  it.each([
    ["301", { kind: "redirect", status: 301, uri: "sip:\\1@new.example" }, 301, "<sip:bob@new.example>"],
    ["305", { kind: "redirect", status: 305, uri: "sip:proxy@new.example" }, 305, "<sip:proxy@new.example>"],
    ["302 for one that leads to another address", { kind: "retarget", uri: "sip:\\1@new.example" }, 302, "<sip:bob@new.example>"],
    ["its own status for one that refuses", { kind: "reject", status: 410 }, 410, undefined],
  ])("is answered with %s", async (_rule, action, status, contact) => {
    const phone = await requester();
    await route({ match: { user: { prefix: "old-" } }, action });
    const answer = await phone.transact("INVITE", "sip:old-bob@localhost");
    expect([answer.status, header(answer, "contact")]).toEqual([status, contact]);
  });

  it("that leads to a user here is answered with where he is", async () => {
    const [bob] = await serverUnderTest.phones("direct", "bob");
    const phone = await requester();
    await route({ match: { user: { prefix: "555" } }, action: { kind: "local", user: bob.account } });
    const answer = await phone.transact("INVITE", "sip:555@localhost");
    expect([answer.status, uriIn(header(answer, "contact"))]).toEqual([302, `${bob.aor};gr=${bob.instance}`]);
  });
});

it.each([301, 302, 305])("SIP.js hears a %i of the redirect server, with its Contact", async (status) => {
  const account = await serverUnderTest.newcomer("asker");
  await route({ match: { user: { prefix: "old-" } }, action: { kind: "redirect", status, uri: "sip:\\1@new.example" } });
  const agent = sipJsPhone({ wsUrl: `${serverUnderTest.server.wsUrl}/redirect#`, account, way: "general" });
  await agent.start();
  const target = UserAgent.makeURI("sip:old-bob@localhost");
  if (target === undefined) throw new Error("no URI");
  const heard = await new Promise<readonly [number | undefined, string | undefined]>((resolve) => {
    const onRedirect = ({ message }: IncomingResponse) => resolve([message.statusCode, message.getHeader("contact")]);
    void new Inviter(agent, target).invite({ requestDelegate: { onRedirect } });
  });
  expect(heard).toEqual([status, "<sip:bob@new.example>"]);
  await agent.stop();
});

it("a JsSIP phone that is redirected, and calls where it is told, reaches the other phone", async () => {
  const [bob] = await serverUnderTest.phones("direct", "bob");
  const account = await serverUnderTest.newcomer("caller");
  await route({ match: { user: { prefix: "old-bob" } }, action: { kind: "redirect", status: 302, uri: bob.aor } });
  const { wsUrl } = serverUnderTest.server;
  const ua = await registeredJsSip({ wsUrl, account, way: "general" });
  const told = Promise.withResolvers<string>();
  const onReceiveResponse = (response: { getHeader(name: string): string | undefined }) =>
    told.resolve(response.getHeader("Contact") ?? "");
  ua.sendMessage("sip:old-bob@localhost", "where are you?", {
    eventHandlers: { failed: ({ response }: { response: { getHeader(name: string): string } }) => onReceiveResponse(response) },
  } as object);
  ua.sendMessage(uriIn(await told.promise), "here you are");
  expect((await bob.next("MESSAGE")).body).toBe("here you are");
  ua.stop();
});
