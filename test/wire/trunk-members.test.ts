import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { header, headers } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

/** What a trunk says about its calls: after which responses the next server is tried, From, and header lines. */
let serverUnderTest: ServerUnderTest;
let servers: readonly [SipServer, SipServer];
let alice: Phone;

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: "5" } });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  servers = [await startSipServer(), await startSipServer()];
  [alice] = await serverUnderTest.phones("direct", "alice");
});
afterEach(async () => {
  await serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/members");
  for (const server of servers) server.close();
});

const contact = (server: SipServer): string => `Contact: <sip:far@127.0.0.1:${server.port};transport=tcp>`;

async function trunk(settings: object): Promise<void> {
  const members = servers.map(({ port }, index) => ({ uri: `sip:127.0.0.1:${port};transport=tcp`, priority: index + 1 }));
  const body = { servers: members, prefixes: ["+1"], format: "plain", ...settings };
  const answer = await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/members", body);
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
}

const call = (more: Parameters<Phone["request"]>[2] = {}) => alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp, ...more });

describe("failover_on", () => {
  it.each([
    ["a status of the list leads on to the next server", { failover_on: [500] }, 500, true],
    ["503 does if there is no list", {}, 503, true],
    ["another status does not", { failover_on: [500] }, 404, false],
    ["503 does not if the list lacks it", { failover_on: [500] }, 503, false],
    ["no status does if the list is empty", { failover_on: [] }, 503, false],
  ])("%s", async (_what, settings, status, isNext) => {
    await trunk(settings);
    const sent = call();
    servers[0].reply(await servers[0].next("INVITE"), status);
    await servers[0].next("ACK");
    if (isNext) servers[1].reply(await servers[1].next("INVITE"), 486);
    // The caller must not take a 503 of another server for one of this server (RFC 3261 §16.7 step 6).
    expect((await alice.finalResponse(sent)).status).toBe(isNext ? 486 : status === 503 ? 500 : status);
    expect(servers[1].rest().filter(({ method }) => method === "INVITE")).toEqual([]);
  });

  it("the caller gets the status of the last server", async () => {
    await trunk({ failover_on: [404, 500] });
    const sent = call();
    servers[0].reply(await servers[0].next("INVITE"), 500);
    servers[1].reply(await servers[1].next("INVITE"), 404);
    expect((await alice.finalResponse(sent)).status).toBe(404);
  });

  it("a server that cannot be reached leads on whatever the list has, and one of another status is the first again", async () => {
    await trunk({ failover_on: [500] });
    for (const _call of [1, 2]) {
      const sent = call();
      servers[0].reply(await servers[0].next("INVITE"), 500);
      servers[1].reply(await servers[1].next("INVITE"), 486);
      await alice.finalResponse(sent);
    }
    servers[0].close();
    await expect.poll(() => servers[0].connections()).toBe(0);
    const sent = call();
    servers[1].reply(await servers[1].next("INVITE"), 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
  });

  it("a call that was given up goes to no further server", async () => {
    await trunk({ failover_on: [500] });
    const sent = call();
    const invite = await servers[0].next("INVITE");
    servers[0].reply(invite, 180);
    await alice.next(180);
    alice.cancel(sent);
    servers[0].reply(await servers[0].next("CANCEL"), 200);
    servers[0].reply(invite, 500);
    await servers[0].next("ACK");
    await alice.next(({ status = 0 }) => status >= 300);
    expect(servers[1].rest()).toEqual([]);
  });
});

describe("from_user and from_domain", () => {
  const settings = { from_user: "+4930555", from_domain: "provider.example", inbound: true };

  it("stand in From towards the trunk for the whole call, and the phone gets its own From back", async () => {
    await trunk(settings);
    const sent = call();
    const own = `<${alice.aor}>`;
    const invite = await servers[0].next("INVITE");
    expect(header(invite, "from")).toMatch(/<sip:\+4930555@provider\.example>;tag=/);
    servers[0].reply(invite, 180, [contact(servers[0])]);
    expect(header(await alice.next(180), "from")).toContain(own);
    servers[0].reply(invite, 200, [contact(servers[0])], shortSdp);
    const answer = await alice.finalResponse(sent);
    expect(header(answer, "from")).toContain(own);
    const near = dialogOfCaller(answer);
    alice.ack(near);
    expect(header(await servers[0].next("ACK"), "from")).toBe(header(invite, "from"));
    const again = alice.inDialog("INVITE", near, { body: shortSdp });
    const reinvite = await servers[0].next("INVITE");
    expect(header(reinvite, "from")).toBe(header(invite, "from"));
    servers[0].reply(reinvite, 488);
    const refusal = await alice.finalResponse(again);
    expect(header(refusal, "from")).toContain(own);
    alice.ackRefusal(again, refusal);
    expect(header(await servers[0].next("ACK"), "from")).toBe(header(invite, "from"));
    const far = dialogOfCallee(invite, "theirs");
    expect(far.remote).toBe(header(invite, "from"));
    const bye = alice.bye(near);
    servers[0].reply(await servers[0].next("BYE"), 200);
    expect(header(await alice.finalResponse(bye), "from")).toContain(own);
  });

  it("stand in its CANCEL, and in the call with credentials", async () => {
    await trunk({ ...settings, username: "4930555", password: "secret" });
    const sent = call();
    const challenge = 'Proxy-Authenticate: Digest realm="provider", nonce="n1", qop="auth", algorithm=MD5';
    servers[0].reply(await servers[0].next("INVITE"), 407, [challenge]);
    const invite = await servers[0].next((one) => header(one, "proxy-authorization") !== undefined);
    servers[0].reply(invite, 180);
    expect(header(await alice.next(180), "from")).toContain(`<${alice.aor}>`);
    alice.cancel(sent);
    const cancel = await servers[0].next("CANCEL");
    expect([header(invite, "from"), header(cancel, "from")]).toEqual([expect.stringContaining("sip:+4930555@"), header(invite, "from")]);
  });

  it("leave an anonymous caller anonymous", async () => {
    await trunk(settings);
    call({ from: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1' });
    expect(header(await servers[0].next("INVITE"), "from")).toBe('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1');
  });
});

describe("headers", () => {
  it("are in the INVITE with the caller and the number, in place of the caller's own lines", async () => {
    const lines = [
      { name: "X-Account", value: "{user}@{domain} calls {number}" },
      { name: "Subject", value: "Grüße" },
    ];
    await trunk({ headers: lines });
    const sent = call({
      headers: [
        ["X-Account", "boss"],
        ["s", "hello"],
        ["X-Other", "stays"],
      ],
    });
    const invite = await servers[0].next("INVITE");
    expect(headers(invite, "x-account")).toEqual([`${alice.account}@localhost calls 1555`]);
    expect(headers(invite, "subject").map((value) => Buffer.from(value, "latin1").toString())).toEqual(["Grüße"]);
    expect(header(invite, "x-other")).toBe("stays");
    servers[0].reply(invite, 200, [contact(servers[0])], shortSdp);
    const near = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(near);
    expect(header(await servers[0].next("ACK"), "x-account")).toBeUndefined();
    alice.inDialog("INVITE", near, { body: shortSdp });
    expect(header(await servers[0].next("INVITE"), "x-account")).toBeUndefined();
  });
});
