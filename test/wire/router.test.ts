import { createServer } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { listenOnOwnPort, portOf } from "../support/own-port.ts";
import type { Phone } from "../support/phone.ts";
import { header } from "../support/received-message.ts";
import { RouterApplication } from "../support/router-application.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

const router = new RouterApplication();
let serverUnderTest: ServerUnderTest;
let provider: SipServer;

const api = (method: string, path: string, body?: unknown) => serverUnderTest.server.api(method, `/domains/localhost${path}`, body);

beforeAll(async () => {
  await listenOnOwnPort(router.server);
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: "10" } });
  const created = await api("PUT", "/router", { kind: "http", url: router.url });
  router.secret = ((await created.json()) as { secret: string }).secret;
});
afterAll(async () => {
  await serverUnderTest.close();
  router.server.closeAllConnections();
  router.server.close();
});
beforeEach(async () => {
  router.asked.length = 0;
  provider = await startSipServer();
  const trunk = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], inbound: true, trusted: true };
  await api("PUT", "/trunks/provider", trunk);
});
afterEach(async () => {
  await api("DELETE", "/trunks/provider");
  provider.close();
});

const contact = (): string => `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;

interface RoutedCall {
  readonly call_id: string;
  readonly outcome: string;
  readonly ended_by: string;
  readonly trunk: string | null;
  readonly timeline: readonly { readonly event: string; readonly action?: string; readonly why?: string; readonly milliseconds?: number }[];
}

async function recordOf(callId: string): Promise<RoutedCall> {
  let found: RoutedCall | undefined;
  await expect
    .poll(async () => {
      const { calls } = (await (await api("GET", "/calls")).json()) as { calls: RoutedCall[] };
      found = calls.find((one) => one.call_id === callId);
      return found;
    })
    .toBeDefined();
  return found as RoutedCall;
}

const routedIn = ({ timeline }: RoutedCall) => timeline.find(({ event }) => event === "routed");

async function talk(caller: Phone, callId: string, answer: Parameters<typeof dialogOfCaller>[0]): Promise<RoutedCall> {
  const dialog = dialogOfCaller(answer);
  caller.ack(dialog);
  await provider.next("ACK");
  caller.bye(dialog);
  provider.reply(await provider.next("BYE"), 200);
  await caller.next(200);
  return recordOf(callId);
}

describe("a router with a URL gets a signed question about each call", () => {
  it("and sends it to a trunk, with another caller for a trusted server", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    router.decide = () => ({ action: "trunk", trunk: "provider", number: "+15551", from: "+4930100", headers: { "X-Cost": "low" } });
    const sent = alice.request("INVITE", bob.aor, { body: shortSdp });
    const invite = await provider.next("INVITE");
    expect(invite.startLine).toContain("sip:+15551@127.0.0.1");
    expect([header(invite, "p-asserted-identity"), header(invite, "x-cost")]).toEqual(["<sip:+4930100@localhost>", "low"]);
    provider.reply(invite, 200, [contact()], shortSdp);
    const record = await talk(alice, sent.callId, await alice.finalResponse(sent));
    expect(record).toMatchObject({ outcome: "answered", ended_by: "caller", trunk: "provider" });
    expect(routedIn(record)).toMatchObject({ action: "trunk" });
    expect(router.asked.map(({ call_id }) => call_id)).toEqual([sent.callId]);
  });

  it("also about numbers that are no user's, and then the trunk that has them gets them as without a router", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    router.decide = () => ({ action: "continue" });
    const sent = alice.request("INVITE", "sip:+15557@localhost", { body: shortSdp });
    const invite = await provider.next("INVITE");
    provider.reply(invite, 200, [contact()], shortSdp);
    const record = await talk(alice, sent.callId, await alice.finalResponse(sent));
    expect(record).toMatchObject({ outcome: "answered", trunk: "provider" });
    expect(router.asked).toEqual([expect.objectContaining({ dialled: "+15557", caller_kind: "user" })]);
  });

  it.each([
    ["a made-up `gr` in the URI", "sip:+15558@localhost;gr=x", () => ({ action: "reject", status: 403 }) as const, 403],
    ["a decision that is not valid", "sip:+15558@localhost", () => ({ action: "ring", targets: [] }) as const, 500],
    ["a decision that cannot be carried out", "sip:+15558@localhost", () => ({ action: "trunk", trunk: "x", number: "1" }) as const, 500],
  ])("and %s leads to no trunk", async (_name, uri, decide, status) => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    router.decide = decide;
    expect((await alice.finalResponse(alice.request("INVITE", uri, { body: shortSdp }))).status).toBe(status);
    expect(router.asked.length).toBeGreaterThan(0);
  });

  it("and a second trunk gets what the first one refuses", async () => {
    const backup = await startSipServer();
    await api("PUT", "/trunks/backup", { server: `sip:127.0.0.1:${backup.port};transport=tcp` });
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const number = { to: "+15551" };
    router.decide = () => ({
      action: "ring",
      targets: [
        { ...number, trunk: "provider" },
        { ...number, trunk: "backup", after: 60 },
      ],
    });
    const sent = alice.request("INVITE", bob.aor, { body: shortSdp });
    provider.reply(await provider.next("INVITE"), 503);
    backup.reply(await backup.next("INVITE"), 486, []);
    expect((await alice.finalResponse(sent)).status).toBe(486);
    await api("DELETE", "/trunks/backup");
    backup.close();
  });

  it("and calls of a trunk, whatever their number, and their CANCEL ends them", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    router.decide = (call) =>
      call.trunk === "provider" && call.dialled === "+4930999"
        ? { action: "ring", targets: [{ to: alice.account }] }
        : { action: "reject", status: 404 };
    await api("PUT", "/trunks/provider", {
      ...{ server: `sip:127.0.0.1:${provider.port};transport=tcp`, inbound: true, register: true },
      ...{ username: "4930999", password: "secret" },
    });
    provider.reply(await provider.next("REGISTER"), 200, [`Contact: <sip:4930999@x>;expires=600`]);
    const shared = (callId: string) => [
      "From: <sip:+4940123@provider.example>;tag=far",
      "To: <sip:+4930999@localhost>",
      `Call-ID: ${callId}`,
    ];
    const call = (callId: string, branch: string, method: string) =>
      provider.send(
        compose(
          `${method} sip:+4930999@localhost SIP/2.0`,
          [
            `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${branch}`,
            "Max-Forwards: 70",
            ...shared(callId),
            `CSeq: 1 ${method}`,
            contact(),
          ],
          method === "INVITE" ? shortSdp : "",
        ),
      );
    const [callId, branch] = [newBranch(), newBranch()];
    call(callId, branch, "INVITE");
    alice.reply(await alice.next("INVITE"), 180);
    await provider.next(180);
    call(callId, branch, "CANCEL");
    alice.reply(await alice.next("CANCEL"), 200);
    expect(router.asked).toEqual([expect.objectContaining({ caller_kind: "trunk", trunk: "provider", caller: null, dialled: "+4930999" })]);
  });

  it.each([
    ["is silent", undefined, /^no decision in 500 ms$/],
    ["answers 500", 500, /^it answered with the status 500$/],
    ["answers with a redirection, which is not followed", 302, /^it answered with the status 302$/],
  ] as const)("and if it %s the call goes on within 600 ms", async (_name, answer, why) => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    router.decide = () => answer;
    const sent = alice.request("INVITE", bob.aor);
    bob.reply(await bob.next("INVITE"), 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
    const event = routedIn(await recordOf(sent.callId));
    expect(event?.why).toMatch(why);
    expect(event?.milliseconds).toBeLessThan(600);
  });

  it("and if it is dead, too", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const server = createServer();
    await listenOnOwnPort(server);
    const url = `http://127.0.0.1:${portOf(server)}/`;
    server.close();
    await api("PUT", "/router", { kind: "http", url });
    const sent = alice.request("INVITE", bob.aor);
    bob.reply(await bob.next("INVITE"), 486);
    await alice.finalResponse(sent);
    expect(routedIn(await recordOf(sent.callId))).toMatchObject({ action: "continue" });
    await api("PUT", "/router", { kind: "http", url: router.url });
  });
});
