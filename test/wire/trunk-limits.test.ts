import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { listenOnOwnPort } from "../support/own-port.ts";
import { Phone } from "../support/phone.ts";
import { type ReceivedMessage, header } from "../support/received-message.ts";
import { RouterApplication } from "../support/router-application.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { openSocket } from "../support/sip-socket.ts";

/** What a trunk is not used for: numbers that it does not allow, and more calls a second than it takes. */
let serverUnderTest: ServerUnderTest;
let servers: readonly [SipServer, SipServer];
let alice: Phone;
let bob: Phone;
const token = "a-token-that-nobody-guesses";

const api = (method: string, path: string, body?: object) => serverUnderTest.server.api(method, `/domains/localhost${path}`, body);

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", RECURSE_ON_REDIRECT: "true" } });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  servers = [await startSipServer(), await startSipServer()];
  [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
});
afterEach(async () => {
  await api("DELETE", "/trunks/limited");
  for (const server of servers) server.close();
});

const contact = (): string => `Contact: <sip:far@127.0.0.1:${servers[0].port};transport=tcp>`;

async function trunk(settings: object, count = 1): Promise<void> {
  const members = servers.slice(0, count).map(({ port }, index) => ({ uri: `sip:127.0.0.1:${port};transport=tcp`, priority: index + 1 }));
  const answer = await api("PUT", "/trunks/limited", { servers: members, prefixes: ["+", "0"], ...settings });
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
}

const isRequest = ({ method }: ReceivedMessage): boolean => method !== undefined && method !== "ACK";
const reached = (): readonly string[] =>
  servers.flatMap((server) =>
    server
      .rest()
      .filter(isRequest)
      .map(({ startLine }) => startLine),
  );

/** The first server refuses with 486 what reaches it. */
function refuses(): void {
  servers[0]
    .next((one) => isRequest(one))
    .then(
      (request) => servers[0].reply(request, 486),
      () => undefined,
    );
}

/** The status of a call to a number, and its Warning. */
async function calls(
  phone: Phone,
  uri: string,
  method = "INVITE",
  more: Parameters<Phone["request"]>[2] = {},
): Promise<readonly unknown[]> {
  refuses();
  const answer = await phone.finalResponse(phone.request(method, uri, { body: shortSdp, ...more }));
  return [answer.status, header(answer, "warning")];
}

const warned = expect.stringContaining("the trunk limited does not allow calls to this number");
const lists = { allowed_destinations: ["+49", "+1"], forbidden_destinations: ["+49900", "+1900"], format: { country_code: "49" } };

describe("a number that the trunk does not allow", () => {
  it.each([
    ["+49900555", 403],
    ["+49-900-555", 403],
    ["+49%39%30%30555", 403],
    ["0900555", 403],
    ["0049900555", 403],
    ["+33155", 403],
    ["+4990", 486],
    ["030123", 486],
    ["+1555", 486],
  ])("draws 403, however it is dialled, and others do not: %s %i", async (number, status) => {
    await trunk(lists);
    const refused = await calls(alice, `sip:${number}@localhost`);
    expect(refused).toEqual([status, status === 403 ? warned : undefined]);
    expect(reached()).toEqual([]);
  });

  it("draws it for messages; a REFER outside a call goes over no trunk", async () => {
    await trunk(lists);
    expect(await calls(alice, "sip:+33155@localhost", "MESSAGE")).toEqual([403, warned]);
    const refer = (uri: string) => calls(alice, "sip:+1555@localhost", "REFER", { headers: [["Refer-To", `<${uri}>`]] });
    for (const uri of ["sip:+1900555@localhost", "tel:+33-155", "sip:+1777@localhost"])
      expect(await refer(uri)).toEqual([403, expect.stringContaining("a REFER outside a call")]);
  });

  it("draws it by a route, also by one that writes the number anew", async () => {
    await trunk(lists);
    const action = { kind: "trunk", trunk: "limited", user: "+1900\\1" };
    await api("PUT", "/routes/short", { match: { user: { pattern: "^77(.*)$" } }, action });
    await api("PUT", "/routes/domain", { match: { user: { pattern: "^78(.*)$" } }, action: { ...action, keeps_domain: true } });
    expect(await calls(alice, "sip:7755@localhost")).toEqual([403, warned]);
    expect(await calls(alice, "sip:7855@localhost")).toEqual([403, warned]);
    expect(reached()).toEqual([]);
    for (const name of ["short", "domain"]) await api("DELETE", `/routes/${name}`);
  });

  it("draws it by a forwarding rule, whose caller does not learn why", async () => {
    await trunk(lists);
    await api("PUT", `/subscribers/${bob.account}/rules`, { forward: { always: "sip:+1900555@localhost" } });
    expect(await calls(alice, bob.aor)).toEqual([403, expect.stringContaining("the user's calls cannot be forwarded")]);
    await api("PUT", `/subscribers/${bob.account}/rules`, { forward: { always: "sip:+1555@localhost" } });
    expect((await calls(alice, bob.aor))[0]).toBe(486);
  });

  it.each([
    ["+1900555", 403],
    ["+1555", 486],
  ])("draws it by a phone's 3xx: %s %i", async (number, status) => {
    await trunk(lists);
    refuses();
    const sent = alice.request("INVITE", bob.aor, { body: shortSdp });
    bob.reply(await bob.next("INVITE"), 302, { contact: `<sip:${number}@localhost>` });
    expect((await alice.finalResponse(sent)).status).toBe(status);
  });

  it("draws it within a call, in a REFER and in the caller's INVITE; users of the domain are no such numbers", async () => {
    await trunk(lists);
    const account = await serverUnderTest.newcomer("carol", ["+33777"]);
    const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
    servers[0].reply(await servers[0].next("INVITE"), 200, [contact()], shortSdp);
    const dialog = { ...dialogOfCaller(await alice.finalResponse(sent)), cseq: 7 };
    alice.ack(dialog);
    await servers[0].next("ACK");
    const within = async (method: string, target: string, headers: readonly (readonly [string, string])[] = []) => {
      refuses();
      return (await alice.finalResponse(alice.inDialog(method, { ...dialog, target }, { headers, body: shortSdp }))).status;
    };
    const at = (user: string) => `sip:${user}@127.0.0.1:${servers[0].port};transport=tcp`;
    const refer = (uri: string) => within("REFER", dialog.target, [["Refer-To", `<${uri}>`]]);
    expect(await refer("sip:+1900555@localhost")).toBe(403);
    expect(await refer("sip:+33155@localhost")).toBe(403);
    expect(await refer("sip:+33777@localhost")).toBe(486);
    expect(await refer(`sip:${account}@localhost`)).toBe(486);
    expect(await within("INVITE", at("+1900555"))).toBe(403);
    // It is not the Contact of the other end.
    expect(await within("INVITE", at("7777"))).toBe(403);
    expect(await within("INVITE", dialog.target)).toBe(486);
  });

  it("is not told by the redirect server", async () => {
    await trunk(lists);
    await api("PUT", "/routes/out", { match: { user: { prefix: "+" } }, action: { kind: "trunk", trunk: "limited" } });
    const account = await serverUnderTest.newcomer("dora");
    const phone = await Phone.connect(serverUnderTest.server, {
      ...{ account, domain: "localhost", way: "direct", path: `/redirect/${account}@localhost` },
    });
    expect((await phone.transact("INVITE", "sip:+1900555@localhost")).status).toBe(403);
    expect((await phone.transact("INVITE", "sip:+1555@localhost")).status).toBe(302);
    await api("DELETE", "/routes/out");
  });

  it("draws it by a router, for guests and peers too, whom its target allows", async () => {
    const router = new RouterApplication();
    await listenOnOwnPort(router.server);
    await trunk(lists);
    await api("PUT", "/settings", { guests: true });
    await api("PUT", "/peers/partner", { domains: ["partner.example"], token });
    const created = await api("PUT", "/router", { kind: "http", url: router.url });
    router.secret = ((await created.json()) as { secret: string }).secret;
    const caller = async (name: string, domain: string, headers: Record<string, string> = {}) =>
      new Phone(await openSocket(`${serverUnderTest.server.wsUrl}/ws`, name, { headers }), { account: name, domain, way: "general" });
    const callers = [
      alice,
      await caller("visitor", "anonymous.invalid"),
      await caller("carol", "partner.example", { Authorization: `Bearer ${token}` }),
    ];
    const statuses: unknown[] = [];
    for (const phone of callers)
      for (const number of ["+1900555", "+1555"]) {
        router.decide = () => ({ action: "ring", targets: [{ to: number, trunk: "limited", any_caller: true }] });
        statuses.push((await calls(phone, bob.aor))[0]);
      }
    expect(statuses).toEqual([403, 486, 403, 486, 403, 486]);
    await api("DELETE", "/router");
    router.server.closeAllConnections();
    router.server.close();
  });
});

describe("maximum_calls_per_second", () => {
  const ring = () => alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });

  it("beyond it the next server is called, and if none is left the caller gets 480", async () => {
    await trunk({ maximum_calls_per_second: 1 }, 2);
    const sent = [ring(), ring(), ring()];
    for (const server of servers) server.reply(await server.next("INVITE"), 486);
    const answers = await Promise.all(sent.map((one) => alice.finalResponse(one)));
    expect(answers.map(({ status }) => status).sort()).toEqual([480, 486, 486]);
    const refusal = answers.find(({ status }) => status === 480) as ReceivedMessage;
    expect([refusal.startLine, header(refusal, "warning")]).toEqual([
      "SIP/2.0 480 Too many calls a second by the trunk",
      expect.stringContaining("too many calls a second by the trunk"),
    ]);
  });

  it("a second later calls go again, and other requests always do", async () => {
    await trunk({ maximum_calls_per_second: 1 });
    const statuses: unknown[] = [];
    for (const method of ["INVITE", "INVITE", "MESSAGE"]) statuses.push((await calls(alice, "sip:+1555@localhost", method))[0]);
    expect(statuses).toEqual([486, 480, 486]);
    await expect.poll(async () => (await calls(alice, "sip:+1555@localhost"))[0], { timeout: 5000, interval: 300 }).toBe(486);
  });
});

describe("a trunk that has minutes for a day", () => {
  async function secondsToday(): Promise<number | null | undefined> {
    const { servers: shown } = (await (await api("GET", "/trunks/limited/status")).json()) as {
      servers: { seconds_today: number | null }[];
    };
    return shown[0]?.seconds_today;
  }
  async function talks() {
    const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
    servers[0].reply(await servers[0].next("INVITE"), 200, [contact()], shortSdp);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await servers[0].next("ACK");
    const bye = alice.inDialog("BYE", dialog);
    servers[0].reply(await servers[0].next("BYE"), 200);
    await alice.finalResponse(bye);
  }

  it("shows how long its calls have lasted, and forgets nothing when its settings change", async () => {
    await trunk({ maximum_minutes_per_day: 1 });
    expect(await secondsToday()).toBe(0);
    await talks();
    await expect.poll(secondsToday).toBe(1);
    await trunk({});
    expect(await secondsToday()).toBeNull();
    await trunk({ maximum_minutes_per_day: 2 });
    expect(await secondsToday()).toBe(1);
  });
});
