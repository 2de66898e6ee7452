import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { listenOnOwnPort } from "../support/own-port.ts";
import type { Phone } from "../support/phone.ts";
import type { ReceivedMessage } from "../support/received-message.ts";
import { RouterApplication } from "../support/router-application.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

const router = new RouterApplication();
let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let alice: Phone;
let bob: Phone;

const api = (method: string, path: string, body?: object) => serverUnderTest.server.api(method, `/domains/localhost${path}`, body);

beforeAll(async () => {
  await listenOnOwnPort(router.server);
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", RECURSE_ON_REDIRECT: "true" } });
  provider = await startSipServer();
  await api("PUT", "/trunks/provider", { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"] });
  [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
});
afterAll(async () => {
  await serverUnderTest.close();
  provider.close();
  router.server.closeAllConnections();
  router.server.close();
});

const isCallTo = (number: string) => (message: ReceivedMessage) => message.startLine.startsWith(`INVITE sip:${number}@`);

/** The status that the caller gets when bob's phone redirects to a number: the provider refuses with 486. */
async function redirected(contact: string): Promise<number> {
  const sent = alice.request("INVITE", bob.aor, { body: shortSdp });
  bob.reply(await bob.next("INVITE"), 302, { contact });
  const number = /\+\d+/.exec(contact)?.[0] ?? "";
  provider.next(isCallTo(number)).then(
    (invite) => provider.reply(invite, 486),
    () => undefined,
  );
  return (await alice.finalResponse(sent)).status;
}

describe("a phone's 3xx to a number", () => {
  it("goes by a trunk if its user could call there, and not past a route that refuses", async () => {
    await api("PUT", "/routes/no-premium", { match: { user: { prefix: "+1900" } }, action: { kind: "reject", status: 403 } });
    expect(await redirected("<sip:+1555@localhost>")).toBe(486);
    expect(await redirected("<sip:+19005551234@localhost>")).toBe(403);
  });

  it("names no number for our trunks if it comes from another server", async () => {
    const sent = alice.request("INVITE", "sip:+1777@localhost", { body: shortSdp });
    provider.reply(await provider.next(isCallTo("+1777")), 302, ["Contact: <sip:+1888@localhost>"]);
    provider.next(isCallTo("+1888")).then(
      (invite) => provider.reply(invite, 486),
      () => undefined,
    );
    expect((await alice.finalResponse(sent)).status).toBe(403);
  });

  it("goes by no trunk in a domain with a router, which is not asked about it", async () => {
    const created = await api("PUT", "/router", { kind: "http", url: router.url });
    router.secret = ((await created.json()) as { secret: string }).secret;
    expect(await redirected("<sip:+1555@localhost>")).toBe(403);
  });
});
