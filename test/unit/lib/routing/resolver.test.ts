import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Resolver } from "../../../../platform/dns/resolver.ts";
import { locate } from "../../../../lib/routing/locate.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type DnsServer, startDnsServer } from "../../../support/dns-server.ts";
import { decisions } from "./decisions.ts";
import { shown, sipUri } from "./support.ts";

/** The stub's answers are good for a second. */
let dns: DnsServer;
let resolver: Resolver;
let slowness = 0;

beforeEach(async () => {
  dns = await startDnsServer();
  resolver = new Resolver(dns.url);
  slowness = 0;
  vi.useFakeTimers({ toFake: ["Date"] });
  const { asked } = dns;
  asked.push = (...questions) => {
    vi.setSystemTime(Date.now() + slowness);
    return Array.prototype.push.apply(asked, questions);
  };
});
afterEach(() => {
  vi.useRealTimers();
  dns.close();
});

async function find(uri: string): Promise<string> {
  const options = { transports: ["tls", "tcp", "wss"] as const, random: () => 0 };
  const found = await resolver.settle((known) => locate(sipUri(uri), known, options));
  return isFault(found) ? String(found.status) : shown(found);
}

it.each(decisions)("over the wire (RFC 8484): %s: %s", async (_rule, uri, zone, hops) => {
  dns.zone = zone.map((line) => line.replace(/ FAILED$/, " SERVFAIL"));
  expect(await find(uri)).toBe(hops);
});

it("has rows enough to decide by", () => {
  expect(decisions.length).toBeGreaterThanOrEqual(40);
});

it("comes to an end though answers are too old before the next has come", async () => {
  slowness = 2000;
  dns.zone = [
    "slow.example NAPTR 1 1 s SIP+D2T - _sip._tcp.slow.example",
    "_sip._tcp.slow.example SRV 1 1 5070 a.slow.example",
    "a.slow.example A 192.0.2.1",
  ];
  expect(await find("sip:slow.example")).toBe("tcp 192.0.2.1:5070");
  expect(new Set(dns.asked).size).toBe(dns.asked.length);
});

it("asks nothing twice while its answer is good, and again when it is not (RFC 1035 §3.2.1)", async () => {
  dns.zone = ["kept.example A 192.0.2.1"];
  expect(await find("sip:kept.example:5060")).toBe("tcp 192.0.2.1:5060");
  dns.zone = ["kept.example A 192.0.2.2"];
  expect(await find("sip:kept.example:5060")).toBe("tcp 192.0.2.1:5060");
  vi.setSystemTime(Date.now() + 1001);
  expect(await find("sip:kept.example:5060")).toBe("tcp 192.0.2.2:5060");
});

it("keeps for as long as the zone says that there is nothing (RFC 2308 §5)", async () => {
  dns.zone = ["absent.example SOA 30"];
  expect(await find("sip:absent.example:5060")).toBe("404");
  dns.zone = ["absent.example A 192.0.2.1"];
  vi.setSystemTime(Date.now() + 29_000);
  expect(await find("sip:absent.example:5060")).toBe("404");
  vi.setSystemTime(Date.now() + 2000);
  expect(await find("sip:absent.example:5060")).toBe("tcp 192.0.2.1:5060");
});

it("asks a server that has failed again after five seconds", async () => {
  dns.zone = ["ill.example A SERVFAIL", "ill.example AAAA SERVFAIL"];
  expect(await find("sip:ill.example:5060")).toBe("503");
  const { length } = dns.asked;
  dns.zone = ["ill.example A 192.0.2.1"];
  expect([await find("sip:ill.example:5060"), dns.asked.length]).toEqual(["503", length]);
  vi.setSystemTime(Date.now() + 5001);
  expect(await find("sip:ill.example:5060")).toBe("tcp 192.0.2.1:5060");
});
