import { describe, expect, it } from "vitest";
import { crowdedOut } from "../../../../platform/connection/crowds.ts";
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
    expect(crowdedOut(strangers, strangers.length - 1)).toEqual([strangers[closed]]);
  });

  it("as many as are too many are closed", () => {
    expect(crowdedOut(at("192.0.2.1", "198.51.100.1", "198.51.100.1", "203.0.113.1"), 2)).toHaveLength(2);
  });

  const trying = (address: string, opened: number) => ({ address, opened, isTrying: true });

  it("one of each network is spared whose credentials are being checked", () => {
    const owner = trying("203.0.113.7", 0);
    const others = at(...Array.from({ length: 20 }, (_, index) => `192.0.${index}.1`));
    expect(crowdedOut([owner, ...others], 20)).toEqual([others[0]]);
    const attackers = Array.from({ length: 20 }, (_, index) => trying("192.0.2.1", index));
    const fresh = { address: "203.0.113.7", opened: 20 };
    expect(crowdedOut([...attackers, fresh], 20)).toEqual([attackers[0]]);
  });

  it("the one who has just come stays, also if of each network one is being checked", () => {
    const attackers = Array.from({ length: 20 }, (_, index) => trying(`192.0.${index}.1`, index));
    expect(crowdedOut([...attackers, { address: "203.0.113.7", opened: 20 }], 20)).toEqual([attackers[0]]);
  });
});

describe("the first bits of an address", () => {
  it.each([
    ["192.0.2.1", 64, "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2"],
    ["2001:db8::1", 64, "2001:db8:0:0"],
    ["2001:db8::2", 48, "2001:db8:0"],
    ["2001:db8:1:1234::1", 56, "2001:db8:1:1200"],
    ["::1", 64, "0:0:0:0"],
    ["local", 64, "local"],
    ["1::2::3", 64, "1::2::3"],
  ])("%s, %i bits: %s", (ip, bits, prefix) => {
    expect(networkPrefix(ip, bits)).toBe(prefix);
  });
});
