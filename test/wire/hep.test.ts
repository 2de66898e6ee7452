import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeCertificates } from "../support/certificates.ts";
import { establish, hangUp } from "../support/call.ts";
import { shortSdp } from "../support/compose.ts";
import { type HepCollector, startHepCollector } from "../support/hep-collector.ts";
import type { HepPacket } from "../support/hep-packets.ts";
import { setting } from "../support/setting.ts";
import { startSipServer } from "../support/sip-server.ts";

/** Of an authority that the server knows, and of one that it does not. */
const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), "offhook-certificates-")));
for (const folder of folders) makeCertificates(folder, "IP:127.0.0.1");
process.env["NODE_EXTRA_CA_CERTS"] = join(folders[0] ?? "", "ca.pem");
// Miniflare reads that when it is loaded.
const { startServerUnderTest, ways } = await import("../support/server-under-test.ts");

const password = "of the HEP server";
const collector = await startHepCollector();
const serverUnderTest = await startServerUnderTest({
  settings: { HEP_SERVER: `hep:127.0.0.1:${collector.port}`, HEP_PASSWORD: password, ALLOWED_NETWORKS: "127.0.0.0/8", TRACE_LENGTH: "0" },
});
afterAll(async () => {
  await serverUnderTest.close();
  await collector.close();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const of = ({ packets }: HepCollector, callId: string): HepPacket[] => packets.filter(({ rcinfo }) => rcinfo.correlation_id === callId);
/** What was sent by the server, and what to it. */
const server = "192.0.2.1";
const startLines = (packets: readonly HepPacket[], sent: boolean): string[] =>
  packets
    .filter(({ rcinfo }) => (rcinfo.srcIp === server) === sent)
    .map(({ payload }) => payload.slice(0, payload.indexOf("\r\n")).replace(/ sip:.*/, ""));

describe("messages go to the HEP server of the operator", () => {
  it.each(ways)("of a call: each as it was received and sent, of both phones, with its Call-ID, on the %s way", async (way) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const call = await establish(alice, bob);
    await hangUp(bob, call.calleeSide, alice);
    const { callId } = call.invite;
    const trying = (lines: readonly string[]) => lines.filter((line) => !line.startsWith("SIP/2.0 100")).sort();
    await expect.poll(() => trying(startLines(of(collector, callId), true))).toHaveLength(6);
    const packets = of(collector, callId);
    expect(trying(startLines(packets, false))).toEqual(
      ["INVITE", "SIP/2.0 180 Whatever", "SIP/2.0 200 Whatever", "ACK", "BYE", "SIP/2.0 200 Whatever"].sort(),
    );
    expect(trying(startLines(packets, true))).toEqual(
      ["INVITE", "SIP/2.0 180 Whatever", "SIP/2.0 200 Whatever", "ACK", "BYE", "SIP/2.0 200 Whatever"].sort(),
    );
    for (const { rcinfo, payload } of packets) {
      expect(rcinfo).toMatchObject({ protocolFamily: 2, protocol: 6, payloadType: 1, captureId: 2001, capturePass: password });
      expect(Math.abs(rcinfo.timeSeconds * 1000 - Date.now())).toBeLessThan(60_000);
      expect(payload).not.toMatch(/response="|offhook"|of the HEP server/);
    }
    expect(packets.some(({ payload }) => payload.includes(shortSdp))).toBe(true);
    expect(collector.faults).toEqual([]);
  });

  it("of a trunk: those that the connection to its server sees, without the trunk's credentials", async () => {
    const provider = await startSipServer();
    const body = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], username: "4930", password: "of the trunk" };
    expect((await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", body)).status).toBe(200);
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const sent = alice.request("INVITE", "sip:+1555@localhost", { body: shortSdp });
    provider.reply(await provider.next("INVITE"), 407, [
      'Proxy-Authenticate: Digest realm="provider", nonce="n1", qop="auth", algorithm=MD5',
    ]);
    await provider.next("ACK");
    provider.reply(await provider.next("INVITE"), 486);
    expect((await alice.finalResponse(sent)).status).toBe(486);
    const atProvider = () => of(collector, sent.callId).filter(({ rcinfo }) => [rcinfo.srcPort, rcinfo.dstPort].includes(provider.port));
    await expect.poll(() => startLines(atProvider(), true)).toEqual(["INVITE", "ACK", "INVITE", "ACK"]);
    expect(startLines(atProvider(), false)).toEqual(["SIP/2.0 407 Whatever", "SIP/2.0 486 Whatever"]);
    expect(atProvider().some(({ payload }) => payload.includes("Proxy-Authorization: ***"))).toBe(true);
    expect(collector.packets.some(({ payload }) => payload.includes("of the trunk") || /response="/.test(payload))).toBe(false);
    provider.close();
  });

  it("and no connection stays open, which would keep a home awake", async () => {
    await expect.poll(() => collector.connections.open).toBe(0);
  });
});

describe("if the HEP server is down", () => {
  it("calls go on, and the log has a line", async () => {
    const gone = await startHepCollector();
    await gone.close();
    const other = await startServerUnderTest({ settings: { HEP_SERVER: `hep:127.0.0.1:${gone.port}` } });
    const [alice, bob] = await other.phones("direct", "alice", "bob");
    for (let calls = 0; calls < 3; calls += 1) {
      const call = await establish(alice, bob);
      expect((await hangUp(alice, call.callerSide, bob)).status).toBe(200);
    }
    const lines = () => other.server.logs.filter((line) => line.includes("cannot be exported to the HEP server"));
    await expect.poll(lines).toHaveLength(1);
    await other.close();
  });
});

describe("over TLS", () => {
  const collectorOf = (folder = "") =>
    startHepCollector({ key: readFileSync(join(folder, "server.key")), cert: readFileSync(join(folder, "server.pem")) });

  it("messages go to a server whose certificate is valid", async () => {
    const known = await collectorOf(folders[0]);
    const other = await startServerUnderTest({ settings: { HEP_SERVER: `heps:127.0.0.1:${known.port}` } });
    await other.phones("direct", "alice");
    await expect.poll(() => known.packets.some(({ payload }) => payload.startsWith("REGISTER "))).toBe(true);
    expect(known.faults).toEqual([]);
    await other.close();
    await known.close();
  });

  it("and to no other one", async () => {
    const impostor = await collectorOf(folders[1]);
    const other = await startServerUnderTest({ settings: { HEP_SERVER: `heps:127.0.0.1:${impostor.port}` } });
    await other.phones("direct", "alice");
    const lines = () => other.server.logs.filter((line) => line.includes("cannot be exported to the HEP server"));
    await expect.poll(lines).toHaveLength(1);
    expect([impostor.packets, impostor.faults]).toEqual([[], []]);
    await other.close();
    await impostor.close();
  });
});

setting("HEP_CAPTURE_ID", 7, 4_000_000_000, "the HEP server knows us by it", async (value) => {
  const other = await startServerUnderTest({
    settings: { HEP_SERVER: `hep:127.0.0.1:${collector.port}`, HEP_CAPTURE_ID: String(value) },
  });
  await other.phones("direct", "alice");
  await expect.poll(() => collector.packets.some(({ rcinfo }) => rcinfo.captureId === value)).toBe(true);
  await other.close();
});
