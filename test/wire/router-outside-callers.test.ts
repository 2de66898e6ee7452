import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Decision } from "../../lib/routing/routing.ts";
import { shortSdp } from "../support/compose.ts";
import { listenOnOwnPort } from "../support/own-port.ts";
import { Phone } from "../support/phone.ts";
import { RouterApplication } from "../support/router-application.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

const router = new RouterApplication();
let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let mallory: Phone;
let alice: Phone;

const number = "+15551";

beforeAll(async () => {
  await listenOnOwnPort(router.server);
  provider = await startSipServer();
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
  const { server } = serverUnderTest;
  const trunk = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"] };
  await server.api("PUT", "/domains/localhost/trunks/provider", trunk);
  const created = await server.api("PUT", "/domains/localhost/router", { kind: "http", url: router.url });
  router.secret = ((await created.json()) as { secret: string }).secret;
  await server.api("PUT", "/domains/tenant.example", {});
  await server.api("PUT", "/domains/tenant.example/subscribers/mallory", { password: "offhook-1" });
  mallory = await Phone.connect(server, { account: "mallory", domain: "tenant.example", password: "offhook-1", way: "direct" });
  await mallory.register();
  [alice] = await serverUnderTest.phones("direct", "alice");
});
afterAll(async () => {
  await serverUnderTest.close();
  provider.close();
  router.server.closeAllConnections();
  router.server.close();
});
beforeEach(() => (router.asked.length = 0));

/** The status that a caller gets for a call to the number: the provider answers 486. */
async function calls(phone: Phone, decision: Decision): Promise<number> {
  router.decide = () => decision;
  const sent = phone.request("INVITE", `sip:${number}@localhost`, { body: shortSdp });
  provider.next("INVITE").then(
    (invite) => provider.reply(invite, 486),
    () => undefined,
  );
  return (await phone.finalResponse(sent)).status;
}

const ways: readonly (readonly [string, Decision, Decision])[] = [
  [
    "a number at a trunk",
    { action: "ring", targets: [{ to: number, trunk: "provider" }] },
    { action: "ring", targets: [{ to: number, trunk: "provider", any_caller: true }] },
  ],
  [
    "a number that a trunk has",
    { action: "ring", targets: [{ to: number }] },
    { action: "ring", targets: [{ to: number, any_caller: true }] },
  ],
  ["the action trunk", { action: "trunk", trunk: "provider", number }, { action: "trunk", trunk: "provider", number, any_caller: true }],
];

describe("a user of another domain of the server", () => {
  it.each(ways)("uses no trunk of the called domain, unless the router allows it for every caller: %s", async (_name, decision, open) => {
    expect(await calls(mallory, decision)).toBe(403);
    expect(router.asked).toEqual([expect.objectContaining({ caller: "mallory@tenant.example", caller_kind: "other_domain" })]);
    expect(await calls(mallory, open)).toBe(486);
    expect(await calls(alice, decision)).toBe(486);
  });

  it("has no trunk either if the call goes on as without a router", async () => {
    expect(await calls(mallory, { action: "continue" })).toBe(404);
    expect(await calls(alice, { action: "continue" })).toBe(486);
  });
});
