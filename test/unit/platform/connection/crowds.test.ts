import { describe, expect, it } from "vitest";
import { mostCrowded } from "../../../../platform/connection/crowds.ts";
import { networkPrefix } from "../../../../lib/routing/network.ts";

const at = (...addresses: readonly string[]) => addresses.map((address, index) => ({ address, opened: index }));

describe("of too many connections that have not authenticated", () => {
  it.each([
    ["the oldest of the address with the most", at("192.0.2.1", "198.51.100.1", "198.51.100.1"), 1],
    ["the oldest of the network with the most", at("192.0.2.1", "198.51.100.1", "198.51.100.2"), 1],
    ["one of an IPv6 network with many addresses", at("2001:db8:1:1", "2001:db8:2:1", "2001:db8:2:2", "2001:db8:2:3"), 1],
    ["in a network the address with the most", at("2001:db8:2:1", "2001:db8:2:2", "2001:db8:2:2", "2001:db8:1:1"), 1],
    ["the oldest if all are alike", at("192.0.2.1", "198.51.100.1"), 0],
  ])("%s is closed", (_which, strangers, closed) => {
    expect(mostCrowded(strangers)).toBe(strangers[closed]);
  });
});

describe("the first bits of an address", () => {
  it.each([
    ["192.0.2.1", 64, "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2"],
    ["2001:db8::1", 64, "2001:db8:0:0"],
    ["2001:db8::2", 48, "2001:db8:0"],
    ["::1", 64, "0:0:0:0"],
    ["local", 64, "local"],
    ["1::2::3", 64, "1::2::3"],
  ])("%s, %i bits: %s", (ip, bits, prefix) => {
    expect(networkPrefix(ip, bits)).toBe(prefix);
  });
});
