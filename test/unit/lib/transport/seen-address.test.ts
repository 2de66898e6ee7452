import { expect, it } from "vitest";
import { seenAddress } from "../../../../lib/transport/seen-address.ts";

it.each([
  ["address and port", ";rport=40312;received=192.0.2.1", "192.0.2.1:40312"],
  ["an address alone", ";rport;received=192.0.2.1", "192.0.2.1"],
  ["IPv6 without brackets (RFC 5118 §4.5)", ";received=2001:db8::9:1;rport=40312", "[2001:db8::9:1]:40312"],
  ["IPv6 in brackets", ";received=[2001:db8::9:1];rport=40312", "[2001:db8::9:1]:40312"],
  ["nothing", "", undefined],
  ["a port alone", ";rport=40312", undefined],
  ["an address that is none", ";received=a/b;rport=40312", undefined],
  ["a port that is none", ";received=192.0.2.1;rport=0", "192.0.2.1"],
])("the other side tells where it sees us: %s", (_what, told, seen) => {
  expect(seenAddress(`SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK1${told}`)).toBe(seen);
});

it("what is no Via tells nothing", () => {
  expect(seenAddress("rubbish")).toBeUndefined();
});
