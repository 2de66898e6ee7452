import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { header, type ReceivedMessage } from "../support/received-message.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** Trunks whose servers have names. */
let dns: DnsServer;
let serverUnderTest: ServerUnderTest;
let servers: readonly [SipServer, SipServer];

beforeAll(async () => {
  [dns, servers] = [await startDnsServer(), [await startSipServer(), await startSipServer()]];
  serverUnderTest = await startServerUnderTest({
    settings: { ALLOWED_NETWORKS: "127.0.0.0/8", DNS_URL: dns.url, RECONNECT_TIME: "1", MAXIMUM_RECONNECT_TIME: "1" },
  });
});
afterAll(async () => {
  await serverUnderTest.close();
  for (const server of servers) server.close();
  dns.close();
});

const account = { username: "4930555", password: "secret", register: true };
const zone = (name: string, { port }: SipServer): string[] => [
  `_sip._tcp.${name} SRV 1 1 ${port} host.${name}`,
  `host.${name} A 127.0.0.1`,
];

const put = (name: string, settings: object) => serverUnderTest.server.api("PUT", `/domains/localhost/trunks/${name}`, settings);
const status = async (name: string) =>
  (await (await serverUnderTest.server.api("GET", `/domains/localhost/trunks/${name}/status`)).json()) as {
    servers: { registered_until: string | null }[];
    missing: { server: string; why: string }[];
  };

async function registers(server: SipServer): Promise<ReceivedMessage> {
  const register = await server.next("REGISTER");
  server.reply(register, 200, [`Contact: ${header(register, "contact")};expires=120`]);
  return register;
}

it("one that the DNS does not know yet is registered at once it does, and its status says what is missing", async () => {
  dns.zone = [];
  await put("late", { server: "sip:late.example;transport=tcp", ...account });
  expect((await status("late")).missing).toEqual([
    { server: "sip:late.example;transport=tcp", why: expect.stringContaining("no SIP server") },
  ]);
  dns.zone = zone("late.example", servers[0]);
  expect((await registers(servers[0])).requestUri).toBe("sip:late.example");
  await expect.poll(async () => (await status("late")).servers[0]?.registered_until ?? null).not.toBeNull();
  expect((await status("late")).missing).toEqual([]);
});

it("one whose name led elsewhere before the trunk was changed makes no calls as the trunk, and is not registered at", async () => {
  const [former, next] = servers;
  dns.zone = zone("moved.example", former);
  await put("moved", { server: "sip:moved.example;transport=tcp", ...account, inbound: true, trusted: true });
  const register = await former.next("REGISTER");
  former.reply(register, 200, [`Contact: ${header(register, "contact")};expires=4`]);
  dns.zone = [];
  // What is known of a name counts for a second at most here.
  await expect.poll(async () => (await status("moved")).missing).toHaveLength(1);
  await put("moved", { server: `sip:127.0.0.1:${next.port};transport=tcp`, ...account, username: "new", inbound: true, trusted: true });
  await registers(next);
  const uri = "sip:alice@localhost";
  const ends = ["From: <sip:+491@far.example>;tag=far", `To: <${uri}>`, `Call-ID: ${newBranch()}`, "CSeq: 1 INVITE"];
  const via = `Via: SIP/2.0/TCP 127.0.0.1:${former.port};branch=${newBranch()}`;
  const contact = `Contact: <sip:far@127.0.0.1:${former.port};transport=tcp>`;
  former.send(compose(`INVITE ${uri} SIP/2.0`, [via, "Max-Forwards: 70", ...ends, contact], shortSdp));
  expect(header(await former.next(403), "warning")).toContain("calls from this server are not accepted");
  await sleep(4000);
  expect(former.rest().filter(({ method }) => method === "REGISTER")).toEqual([]);
});

it("one in a network that calls may not leave to says so", async () => {
  dns.zone = ["inside.example A 10.0.0.1"];
  await put("inside", { servers: [{ uri: "sip:inside.example;transport=tcp" }, { uri: "sip:127.0.0.1;transport=tcp" }] });
  expect((await status("inside")).missing).toEqual([
    { server: "sip:inside.example;transport=tcp", why: expect.stringContaining("network") },
  ]);
});

it("one that moves to another address is registered at there when the old one has gone", async () => {
  dns.zone = zone("moves.example", servers[0]);
  await put("moves", { server: "sip:moves.example;transport=tcp", ...account, prefixes: ["+7"] });
  await registers(servers[0]);
  await expect.poll(async () => (await status("moves")).servers[0]?.registered_until ?? null).not.toBeNull();
  dns.zone = zone("moves.example", servers[1]);
  servers[0].close();
  await registers(servers[1]);
  await expect.poll(async () => (await status("moves")).servers[0]?.registered_until ?? null).not.toBeNull();
  const [alice] = await serverUnderTest.phones("direct", "alice");
  alice.request("INVITE", "sip:+7123@localhost", { body: shortSdp });
  expect((await servers[1].next("INVITE")).requestUri).toBe("sip:+7123@moves.example;transport=tcp");
});
