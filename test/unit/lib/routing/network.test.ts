import { describe, expect, it } from "vitest";
import { allows, isNetwork, isPublicAddress } from "../../../../lib/routing/network.ts";

describe("a public address", () => {
  it.each([
    ["a name server", "8.8.8.8"],
    ["below the private ones", "9.255.255.255"],
    ["above 10/8", "11.0.0.0"],
    ["below 100.64/10", "100.63.255.255"],
    ["above 100.64/10", "100.128.0.0"],
    ["below 172.16/12", "172.15.255.255"],
    ["above 172.16/12", "172.32.0.0"],
    ["above 192.168/16", "192.169.0.0"],
    ["above 198.18/15", "198.20.0.0"],
    ["the last before multicast", "223.255.255.255"],
    ["an IPv6 name server", "2001:4860:4860::8888"],
    ["in capitals", "2A00:1450::1"],
    ["IPv4-mapped", "::ffff:8.8.8.8"],
    ["translated", "64:ff9b::8.8.8.8"],
    ["6to4 (8.8.8.8)", "2002:808:808::1"],
    ["Teredo (server 8.8.8.8, client 8.8.4.4)", "2001:0:808:808::f7f7:fbfb"],
  ])("is one: %s, %s", (_what, ip) => {
    expect(isPublicAddress(ip)).toBe(true);
  });

  it.each([
    ["this network", "0.0.0.0"],
    ["this network, its end", "0.255.255.255"],
    ["private 10/8", "10.1.2.3"],
    ["private 172.16/12", "172.16.0.1"],
    ["private 172.16/12, its end", "172.31.255.255"],
    ["private 192.168/16", "192.168.1.1"],
    ["behind a carrier's NAT", "100.64.0.1"],
    ["behind a carrier's NAT, its end", "100.127.255.255"],
    ["loopback", "127.0.0.1"],
    ["loopback, its end", "127.255.255.254"],
    ["link-local, the metadata of clouds", "169.254.169.254"],
    ["protocol assignments", "192.0.0.8"],
    ["documentation 1", "192.0.2.1"],
    ["documentation 2", "198.51.100.1"],
    ["documentation 3", "203.0.113.1"],
    ["6to4 relays", "192.88.99.1"],
    ["benchmarks", "198.19.255.255"],
    ["multicast", "224.0.1.75"],
    ["reserved", "240.0.0.1"],
    ["broadcast", "255.255.255.255"],
    ["IPv6 unspecified", "::"],
    ["IPv6 loopback", "::1"],
    ["unique local", "fc00::1"],
    ["unique local, its end", "fdff:ffff::1"],
    ["IPv6 link-local", "fe80::1"],
    ["IPv6 site-local", "fec0::1"],
    ["IPv6 multicast", "ff02::1"],
    ["IPv6 documentation", "2001:db8::1"],
    ["newer IPv6 documentation", "3fff::1"],
    ["IPv6 benchmarks", "2001:2::1"],
    ["IPv4-compatible", "::127.0.0.1"],
    ["IPv4-mapped loopback", "::ffff:127.0.0.1"],
    ["IPv4-mapped loopback in hexadecimal", "::FFFF:7f00:1"],
    ["IPv4-mapped loopback in full", "0:0:0:0:0:ffff:7f00:0001"],
    ["translated private", "64:ff9b::10.0.0.1"],
    ["translated, of local use", "64:ff9b:1::8.8.8.8"],
    ["6to4 private (10.0.0.1)", "2002:a00:1::1"],
    ["Teredo with a private server (10.0.0.1)", "2001:0:a00:1::f7f7:fbfb"],
    ["Teredo with a private client (192.168.0.1)", "2001:0:808:808::3f57:fffe"],
    ["no address", "example.com"],
    ["the empty text", ""],
    ["an octet too large", "8.8.8.256"],
    ["an octet that may be octal", "012.0.0.1"],
    ["the same in IPv6", "::ffff:8.8.8.010"],
    ["too few octets", "127.1"],
    ["hexadecimal", "0x7f.0.0.1"],
    ["one number", "2130706433"],
    ["with a zone", "fe80::1%eth0"],
    ["in brackets", "[2a00:1450::1]"],
    ["two gaps", "2a00::1::1"],
  ])("is not one: %s, %s", (_what, ip) => {
    expect(isPublicAddress(ip)).toBe(false);
  });
});

describe("networks that the operator allows", () => {
  it.each<[networks: readonly string[], ip: string, isAllowed: boolean]>([
    [["10.0.0.0/8"], "10.255.0.1", true],
    [["10.0.0.0/8"], "11.0.0.1", false],
    [["10.20.0.0/15"], "10.21.255.255", true],
    [["10.20.0.0/15"], "10.22.0.0", false],
    [["127.0.0.1/32"], "127.0.0.1", true],
    [["127.0.0.1/32"], "127.0.0.2", false],
    [["192.168.1.7/24"], "192.168.1.200", true],
    [["0.0.0.0/0"], "10.0.0.1", true],
    [["0.0.0.0/0"], "::1", false],
    [["::/0"], "::1", true],
    [["fd00:1::/33"], "fd00:1:7fff::1", true],
    [["fd00:1::/33"], "fd00:1:8000::1", false],
    [["10.0.0.0/8", "::1/128"], "0:0::1", true],
    [[], "8.8.8.8", false],
    [["10.0.0.0/33", "10.0.0.0", "10.0.0.0/", "10/8", "10.0.0.0/8/8", "10.0.0.0/-1", ""], "10.0.0.1", false],
    [["0.0.0.0/0"], "no address", false],
  ])("%j, %s: %s", (networks, ip, isAllowed) => {
    expect(allows(networks, ip)).toBe(isAllowed);
  });

  it("are addresses with a number of bits", () => {
    expect(["10.0.0.0/8", "fc00::/7", "10.0.0.0", "10.0.0.0/33", "fc00::/129", "lan/8"].map(isNetwork)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
