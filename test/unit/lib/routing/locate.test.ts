import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Transport } from "../../../../lib/routing/transport.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { decisions, everything, naptr, toSips, toTcp } from "./decisions.ts";
import { locateIn, shown } from "./support.ts";

describe("selecting a transport protocol (RFC 3263 §4.1) and determining port and address (§4.2)", () => {
  it.each(decisions)("%s: %s", (_rule, uri, zone, hops) => {
    expect(shown(locateIn(zone, uri).result)).toBe(hops);
  });

  it.each<[rule: string, uri: string, ours: readonly Transport[], hops: string]>([
    ["a SIP URI retains records with SIPS only if the client supports TLS", "sip:example.com", ["tcp"], "tcp 192.0.2.3:5070"],
    ["a client without TCP has the next best as its default", "sip:192.0.2.9", ["tls"], "tls 192.0.2.9:5061"],
    ["a client without TLS cannot reach a SIPS URI", "sips:example.com", ["tcp", "ws"], "503"],
    ["a client of secure WebSockets can", "sips:example.com", ["wss"], "wss 192.0.2.4:8443"],
    ["plain WebSocket has the port of HTTP", "sip:192.0.2.9;transport=ws", ["ws"], "ws 192.0.2.9:80"],
    ["a client without transports reaches nothing", "sip:192.0.2.9", [], "503"],
  ])("%s: %s by %j", (_rule, uri, transports, hops) => {
    expect(shown(locateIn([...everything, toSips, toTcp], uri, { transports }).result)).toBe(hops);
  });
});

describe("a search", () => {
  it("asks in as many rounds as there are kinds of records, each question once", () => {
    expect(locateIn([...everything, toSips], "sip:Example.COM.").rounds).toEqual([
      ["example.com NAPTR"],
      ["_sips._tcp.example.com SRV"],
      ["tls.example.com AAAA", "tls.example.com A"],
    ]);
    expect(locateIn([], "sip:example.com").rounds).toEqual([
      ["example.com NAPTR"],
      ["_sips._tcp.example.com SRV", "_sip._tcp.example.com SRV", "_sips._ws.example.com SRV"],
      ["example.com AAAA", "example.com A"],
    ]);
  });

  it("asks nothing about numeric addresses", () => {
    expect(locateIn([], "sip:192.0.2.1").rounds).toEqual([]);
  });

  it("asks a stranger's domain a bounded number of questions, and finds a bounded number of hops", () => {
    const many = Array.from({ length: 50 }, (_, index) => index);
    const zone = [
      ...many.map((index) => naptr(1, index, "SIPS+D2T", `s${index}.example.com`)),
      ...many.flatMap((one) => many.map((other) => `s${one}.example.com SRV 0 1 5061 a${one}x${other}.example.com`)),
      ...many.flatMap((one) => many.map((other) => `a${one}x${other}.example.com A 192.0.2.${other}`)),
    ];
    const { result, rounds } = locateIn(zone, "sip:example.com", { random: (n) => n - 1 });
    expect(rounds.map((round) => round.length)).toEqual([1, 3, 30]);
    expect(isFault(result) ? [] : result.hops).toHaveLength(15);
  });

  it("leaves what TLS must verify at the domain of the URI (RFC 5922 §7.3)", () => {
    const hostsOf = (uri: string) => {
      const { result } = locateIn([...everything, toSips], uri);
      return isFault(result) ? [] : result.hops.map(({ host }) => host);
    };
    expect([hostsOf("sip:Example.com."), hostsOf("sips:192.0.2.1"), hostsOf("sip:a.example;maddr=example.com;transport=tls")]).toEqual([
      ["example.com"],
      ["192.0.2.1"],
      ["example.com"],
    ]);
  });

  it("ends, whatever the DNS says, and never sends a SIPS URI without TLS", () => {
    const name = fc.constantFrom("example.com", "a.example", "b.example", "_sips._tcp.example.com", "_sip._tcp.example.com", ".");
    const service = fc.constantFrom("SIP+D2T", "SIPS+D2T", "SIP+D2W", "SIPS+D2W", "SIP+D2U");
    const line = fc.oneof(
      fc
        .tuple(name, fc.nat(2), fc.constantFrom("s", "-", "a"), service, name)
        .map(([owner, order, flags, kind, to]) => `${owner} NAPTR ${order} 1 ${flags} ${kind} - ${to}`),
      fc.tuple(name, fc.nat(2), name).map(([owner, priority, to]) => `${owner} SRV ${priority} 1 5061 ${to}`),
      name.map((owner) => `${owner} A 192.0.2.1`),
      fc.tuple(name, fc.constantFrom("NAPTR", "SRV", "A", "AAAA")).map(([owner, type]) => `${owner} ${type} FAILED`),
    );
    const target = fc.constantFrom("", ";transport=tcp", ";transport=ws", ";maddr=a.example", ":5070");
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), target, (zone, rest) => {
        const { result, rounds } = locateIn(zone, `sips:example.com${rest}`, { transports: ["tcp", "ws", "tls", "wss"] });
        const isSecure = isFault(result) || result.hops.every(({ transport }) => transport === "tls" || transport === "wss");
        return rounds.length <= 3 && isSecure;
      }),
    );
  });
});
