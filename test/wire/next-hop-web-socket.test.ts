import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeCertificates } from "../support/certificates.ts";
import { establish, hangUp } from "../support/call.ts";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { addresses, header, headers, uriIn } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { type WebSocketSipServer, startWebSocketSipServer } from "../support/sip-web-socket-server.ts";
import type { ServerUnderTest } from "../support/server-under-test.ts";

/** Calls to other servers over WebSocket (RFC 7118). */
const folder = mkdtempSync(join(tmpdir(), "offhook-certificates-"));
let startServerUnderTest: (typeof import("../support/server-under-test.ts"))["startServerUnderTest"];
let dns: DnsServer;
let serverUnderTest: ServerUnderTest;
let other: WebSocketSipServer;
let alice: Phone;

beforeAll(async () => {
  makeCertificates(folder, "IP:127.0.0.1");
  process.env["NODE_EXTRA_CA_CERTS"] = join(folder, "ca.pem");
  // Miniflare reads that when it is loaded.
  ({ startServerUnderTest } = await import("../support/server-under-test.ts"));
  dns = await startDnsServer();
  serverUnderTest = await startServerUnderTest({
    settings: { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: "10", RECONNECT_TIME: "1", DNS_URL: dns.url },
  });
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { calls_out: true });
});
afterAll(async () => {
  await serverUnderTest.close();
  dns.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  other = await startWebSocketSipServer();
  [alice] = await serverUnderTest.phones("direct", "alice");
});
afterEach(() => other.close());

const uriAt = ({ port }: WebSocketSipServer, transport = "ws"): string => `sip:bob@127.0.0.1:${port};transport=${transport}`;
const contact = "Contact: <sip:bob@far.invalid;transport=ws>";

async function talking(server = other, uri = uriAt(server)) {
  const sent = alice.request("INVITE", uri, { body: shortSdp });
  const invite = await server.next("INVITE");
  server.reply(invite, 180);
  await alice.next(180);
  server.reply(invite, 200, [contact], shortSdp);
  const dialog = dialogOfCaller(await alice.finalResponse(sent));
  alice.ack(dialog);
  await server.next("ACK");
  return { invite, dialog };
}

describe("a call to a server over WebSocket (RFC 7118)", () => {
  it("asks for the subprotocol sip, and names in its Via the transport and a host that leads nowhere (§5)", async () => {
    alice.request("INVITE", uriAt(other), { body: shortSdp });
    const invite = await other.next("INVITE");
    expect(other.upgrades).toEqual(["/ws sip"]);
    expect(header(invite, "via")).toMatch(/^SIP\/2\.0\/WS [a-z0-9]+\.invalid;branch=z9hG4bK[^;]+$/);
    expect(addresses(invite, "record-route").map((route) => route.replace(/route\.[^@]+@[^;]+/, "here"))).toEqual([
      "<sip:here;transport=ws;lr>",
    ]);
  });

  it("is answered, and ended by the caller", async () => {
    const { dialog } = await talking();
    const bye = alice.bye(dialog);
    other.reply(await other.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it("is ended by the other side, on the same connection", async () => {
    const { invite } = await talking();
    const dialog = dialogOfCallee(invite, "theirs");
    const lines = [
      `Via: SIP/2.0/WS far.invalid;branch=${newBranch()}`,
      "Max-Forwards: 70",
      ...dialog.routes.map((route) => `Route: ${route}`),
      `From: ${dialog.local}`,
      `To: ${dialog.remote}`,
      `Call-ID: ${dialog.callId}`,
      "CSeq: 1 BYE",
    ];
    other.send(compose(`BYE ${dialog.target} SIP/2.0`, lines));
    alice.reply(await alice.next("BYE"), 200);
    expect((await other.next(200, { method: "BYE" })).status).toBe(200);
    expect(other.connections()).toBe(1);
  });

  it("goes on over a new connection when the old one was cut", async () => {
    const { dialog } = await talking();
    other.cut();
    await expect.poll(() => other.upgrades.length).toBe(2);
    const bye = alice.bye(dialog);
    other.reply(await other.next("BYE"), 200);
    expect((await alice.finalResponse(bye)).status).toBe(200);
  });

  it("over WSS is encrypted, the server's certificate checked", async () => {
    const certificate = { key: readFileSync(join(folder, "server.key")), cert: readFileSync(join(folder, "server.pem")) };
    const secure = await startWebSocketSipServer({ certificate });
    const { invite } = await talking(secure, uriAt(secure, "wss"));
    expect(headers(invite, "via")[0]).toMatch(/^SIP\/2\.0\/WSS /);
    secure.close();
  });

  it("over WSS ends where nobody vouches for the certificate: 500", async () => {
    const own = mkdtempSync(join(tmpdir(), "offhook-impostor-"));
    makeCertificates(own, "IP:127.0.0.1");
    const certificate = { key: readFileSync(join(own, "server.key")), cert: readFileSync(join(own, "server.pem")) };
    const impostor = await startWebSocketSipServer({ certificate });
    const sent = alice.request("INVITE", uriAt(impostor, "wss"), { body: shortSdp });
    expect((await alice.finalResponse(sent)).status).toBe(500);
    expect(impostor.upgrades).toEqual([]);
    impostor.close();
    rmSync(own, { recursive: true });
  });
});

describe("a server that is no SIP server over WebSocket", () => {
  it("because it chooses another subprotocol: 500", async () => {
    const wrong = await startWebSocketSipServer({ subprotocol: "chat" });
    const sent = alice.request("INVITE", uriAt(wrong), { body: shortSdp });
    expect((await alice.finalResponse(sent)).status).toBe(500);
    expect(wrong.rest()).toEqual([]);
    wrong.close();
  });

  it.each([200, 302, 404])("because it answers %i to the upgrade: 500, and nobody follows where it leads", async (status) => {
    const asked: string[] = [];
    const web = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(status, { Location: "/elsewhere" }).end("hello");
    });
    web.on("upgrade", (request, socket) => {
      asked.push(request.url ?? "");
      socket.end(`HTTP/1.1 ${status} Whatever\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n`);
    });
    await once(web.listen(0, "127.0.0.1"), "listening");
    const { port } = web.address() as AddressInfo;
    const sent = alice.request("INVITE", `sip:bob@127.0.0.1:${port};transport=ws`, { body: shortSdp });
    expect((await alice.finalResponse(sent)).status).toBe(500);
    expect(asked).toEqual(["/ws"]);
    web.close();
  });
});

describe("names that lead inside (SSRF), where the connection goes by name", () => {
  it.each([
    ["a private address", ["A 10.1.2.3"]],
    ["a private address beside one that is allowed", ["A 127.0.0.1", "A 10.1.2.3"]],
  ])("%s: 403, and nobody connects", async (_name, records) => {
    dns.zone = records.map((record) => `mixed.example ${record}`);
    const sent = alice.request("INVITE", `sip:bob@mixed.example:${other.port};transport=ws`, { body: shortSdp });
    expect((await alice.finalResponse(sent)).status).toBe(403);
    expect(other.upgrades).toEqual([]);
  });

  it("a port that SRV names where no SIP server is: 403", async () => {
    dns.zone = ["_sip._tcp.ports.example SRV 1 1 25 mail.ports.example", "mail.ports.example A 127.0.0.1"];
    const sent = alice.request("INVITE", "sip:bob@ports.example;transport=tcp", { body: shortSdp });
    expect((await alice.finalResponse(sent)).status).toBe(403);
  });

  it("an address itself: 403", async () => {
    const sent = alice.request("INVITE", "sip:bob@169.254.169.254:80;transport=ws", { body: shortSdp });
    expect((await alice.finalResponse(sent)).status).toBe(403);
  });
});

describe("a trunk over WebSocket", () => {
  const trunk = (port: number, settings: object) =>
    serverUnderTest.server.api("PUT", "/domains/localhost/trunks/ws", {
      server: `sip:127.0.0.1:${port};transport=ws`,
      inbound: true,
      ...settings,
    });
  afterEach(() => serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/ws"));

  it("is registered at, and calls by that connection", async () => {
    await trunk(other.port, { username: alice.account, password: "secret", register: true });
    const register = await other.next("REGISTER");
    other.reply(register, 200, [`Contact: ${header(register, "contact")};expires=120`]);
    const lines = [
      `Via: SIP/2.0/WS far.invalid;branch=${newBranch()}`,
      "Max-Forwards: 70",
      "From: <sip:+49301234@provider.example>;tag=far",
      `To: <sip:${alice.account}@provider.example>`,
      `Call-ID: ${newBranch()}`,
      "CSeq: 1 INVITE",
      contact,
    ];
    other.send(compose(`INVITE ${uriIn(header(register, "contact"))} SIP/2.0`, lines, shortSdp));
    alice.reply(await alice.next("INVITE"), 486);
    expect((await other.next(486)).status).toBe(486);
  });

  it("is called at its path", async () => {
    await trunk(other.port, { path: "/sip/in?tenant=1", prefixes: ["+49"] });
    alice.request("INVITE", "sip:+4930123@localhost", { body: shortSdp });
    await other.next("INVITE");
    expect(other.upgrades).toEqual(["/sip/in?tenant=1 sip"]);
  });

  it("that is another Offhook takes us for one of its phones: its users call ours, who hang up", async () => {
    const second = await startServerUnderTest();
    const gateway = await second.newcomer("gateway");
    const [carol] = await second.phones("general", "carol");
    await serverUnderTest.server.provision({ domain: "localhost", username: alice.account, password: "offhook", aliases: [gateway] });
    dns.zone = ["localhost A 127.0.0.1"];
    const server = `sip:localhost:${new URL(second.server.url).port};transport=ws`;
    const account = { username: gateway, password: "offhook", register: true };
    await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/ws", { server, inbound: true, trusted: true, ...account });
    const bindings = async () => (await second.server.api("GET", `/domains/localhost/subscribers/${gateway}/bindings`)).text();
    await expect.poll(bindings).toContain(".invalid");
    const call = await establish(carol, alice, `sip:${gateway}@localhost`);
    expect((await hangUp(alice, call.calleeSide, carol)).status).toBe(200);
    await second.close();
  });
});
