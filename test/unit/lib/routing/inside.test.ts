import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Resolver } from "../../../../platform/dns/resolver.ts";
import { hopsOf, trunkHops } from "../../../../durable-objects/shared/trunk-hops.ts";
import { readTrunk } from "../../../../lib/routing/trunk.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { parseUri } from "../../../../lib/syntax/uri.ts";
import { type DnsServer, startDnsServer } from "../../../support/dns-server.ts";

/** Whatever strangers write, nobody connects to places that only we can reach (SSRF). */
let dns: DnsServer;
let count = 0;

beforeAll(async () => void (dns = await startDnsServer()));
afterAll(() => dns.close());

/** Addresses that would be connected to, names for WebSocket; or the status of the refusal. */
async function leadsTo(written: string, networks: readonly string[] = []): Promise<string> {
  const uri = parseUri(written);
  if (isFault(uri) || uri.kind !== "sip") return "400";
  const found = await hopsOf({ resolver: new Resolver(dns.url), networks, random: () => 0 }, uri);
  return isFault(found) ? String(found.status) : found.map(({ name }) => name.split("|")[4]).join(", ");
}

describe.each(["tcp", "tls", "ws", "wss"])("over %s", (transport) => {
  it.each([
    ["127.0.0.1", "403"],
    ["10.1.2.3", "403"],
    ["169.254.169.254", "403"],
    ["0.0.0.0", "403"],
    ["100.64.0.1", "403"],
    ["[::1]", "403"],
    ["[::]", "403"],
    ["[fd00::1]", "403"],
    ["[fe80::1]", "403"],
    ["[::127.0.0.1]", "403"],
    ["[::ffff:127.0.0.1]", "403"],
    ["[::FFFF:7F00:1]", "403"],
    ["[64:ff9b::7f00:1]", "403"],
    ["[64:ff9b::10.0.0.1]", "403"],
    ["[2002:7f00:1::1]", "403"],
    ["017.0.0.1", "403"],
    ["0177.0.0.1", "400"],
    ["2130706433", "400"],
    ["127.1", "400"],
    ["127.0.0.1.", "404"],
    ["0x7f000001", "404"],
    ["0x7f.0.0.1", "404"],
    ["0x7f.1", "404"],
    ["127.0.0.0x1", "404"],
  ])("the host %s: %s, and the DNS is not asked", async (host, status) => {
    const { length } = dns.asked;
    expect(await leadsTo(`sip:bob@${host};transport=${transport}`)).toBe(status);
    expect(await leadsTo(`sip:bob@example.com;maddr=${host};transport=${transport}`)).toMatch(/^40[034]$/);
    expect(dns.asked.length).toBe(length);
  });

  it.each([
    ["A 127.0.0.1"],
    ["A 192.168.1.1"],
    ["AAAA ::1"],
    ["AAAA ::ffff:10.0.0.1"],
    ["AAAA 64:ff9b::a00:1"],
    ["AAAA 2002:a00:1::1"],
    ["AAAA fd12::1"],
  ])("a name with %s: 403, as its own address, and as that of a server it names", async (record) => {
    const name = `n${(count += 1)}.example`;
    dns.zone = [`${name} ${record}`, `_sip._tcp.srv-${name} SRV 1 1 5060 ${name}`, ...srv(transport, `srv-${name}`, name)];
    expect(await leadsTo(`sip:bob@${name}:5060;transport=${transport}`)).toBe("403");
    expect(await leadsTo(`sip:bob@srv-${name};transport=${transport}`)).toBe("403");
  });

  it.each(["127.0.0.1", "0x7f.1", "0177.1", "1"])("a server that is called %s, whatever its address is said to be: 404", async (target) => {
    const name = `n${(count += 1)}.example`;
    dns.zone = [...srv(transport, name, target), `${target} A 8.8.8.8`];
    expect(await leadsTo(`sip:bob@${name};transport=${transport}`)).toBe("404");
  });
});

function srv(transport: string, name: string, target: string): string[] {
  const prefixes: Readonly<Record<string, string>> = { tcp: "_sip._tcp", tls: "_sips._tcp", ws: "_sip._ws", wss: "_sips._ws" };
  return [`${prefixes[transport]}.${name} SRV 1 1 5060 ${target}`];
}

describe("a name with public addresses and others", () => {
  const zoneOf = (name: string, publicOnes: number): string[] => [
    ...Array.from({ length: publicOnes }, (_, index) => `${name} AAAA 2a00:1450::${index + 1}`),
    `${name} A 8.8.8.8`,
    `${name} A 127.0.0.1`,
  ];

  it("leads to the public ones where we choose the address", async () => {
    const name = `n${(count += 1)}.example`;
    dns.zone = zoneOf(name, 1);
    expect(await leadsTo(`sip:bob@${name}:5060;transport=tcp`)).toBe("2a00:1450::1, 8.8.8.8");
  });

  it.each([0, 1, 40])("leads nowhere where the connection goes by name, however many there are (%i)", async (publicOnes) => {
    const name = `n${(count += 1)}.example`;
    dns.zone = zoneOf(name, publicOnes);
    expect(await leadsTo(`sip:bob@${name}:443;transport=ws`)).toBe("403");
    dns.zone = zoneOf(name, publicOnes).slice(0, -1);
    const other = `n${(count += 1)}.example`;
    dns.zone = zoneOf(other, publicOnes).slice(0, -1);
    expect(await leadsTo(`sip:bob@${other}:443;transport=ws`)).toBe(other);
  });
});

it("a trunk's server inside is not reached either, unless its network is allowed", async () => {
  const trunk = readTrunk(JSON.stringify({ domain: "localhost", name: "t", prefixes: [], server: "sip:10.0.0.1;transport=tcp" }));
  const search = { resolver: new Resolver(dns.url), random: () => 0 };
  const [refused, found] = [
    await trunkHops({ ...search, networks: [] }, trunk, [0]),
    await trunkHops({ ...search, networks: ["10.0.0.0/8"] }, trunk, [0]),
  ];
  expect([isFault(refused) ? refused.status : refused, isFault(found) ? found : found.map(({ name }) => name)]).toEqual([
    403,
    ["hop|tcp|10.0.0.1|5060|10.0.0.1|t@localhost"],
  ]);
});
