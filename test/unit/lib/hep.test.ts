import { describe, expect, it } from "vitest";
import { clientEnd, otherServerEnd, serverEnd } from "../../../lib/capture-end.ts";
import { encodeHep } from "../../../lib/hep.ts";
import { toOctets } from "../../../lib/syntax/octets.ts";
import { type HepPacket, readHepPackets } from "../../support/hep-packets.ts";

const at = 1_767_225_600_123_456;
const from = { address: [198, 18, 3, 4], port: 40_001 };
const to = { address: [192, 0, 2, 1], port: 5060 };
const message = { at, from, to, payload: "OPTIONS sip:a@b SIP/2.0\r\n\r\n", callId: "one@example.com" };
const sender = { captureId: 4_000_000_000, password: "geheim" };

function decoded(...encoded: Parameters<typeof encodeHep>): HepPacket {
  const { packets, rest } = readHepPackets(Buffer.from(encodeHep(...encoded)));
  expect([packets.length, rest.length]).toEqual([1, 0]);
  return packets[0] as HepPacket;
}

describe("a HEP3 packet", () => {
  it("has the ends, the time, the Call-ID, the password and the message, as the public decoder reads them", () => {
    const { rcinfo, payload } = decoded(message, sender);
    expect(rcinfo).toEqual({
      ...{ protocolFamily: 2, protocol: 6, srcIp: "198.18.3.4", dstIp: "192.0.2.1", srcPort: 40_001, dstPort: 5060 },
      ...{ timeSeconds: 1_767_225_600, timeUseconds: 123_456, payloadType: 1, captureId: 4_000_000_000 },
      ...{ capturePass: "geheim", correlation_id: "one@example.com" },
    });
    expect(payload).toBe(message.payload);
  });

  it("has no password if the server wants none", () => {
    expect(decoded(message, { captureId: 1, password: undefined }).chunks.has(14)).toBe(false);
  });

  it("has addresses of IPv6 in chunks of their own", () => {
    const end = { address: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], port: 5061 };
    const { chunks, rcinfo } = decoded({ ...message, from: end, to: serverEnd(end) }, sender);
    expect([rcinfo.protocolFamily, chunks.has(3), chunks.has(4)]).toEqual([10, false, false]);
    expect([chunks.get(5)?.toString("hex"), chunks.get(6)?.toString("hex")]).toEqual([
      "20010db8000000000000000000000009",
      "20010db8000000000000000000000001",
    ]);
  });

  it("has the octets of a message as they are, in UTF-8 or not", () => {
    const text = "MESSAGE sip:a@b SIP/2.0\r\nSubject: Grüße 🎺\r\n\r\n";
    expect(decoded({ ...message, payload: toOctets(text) }, sender).payload).toBe(text);
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));
    expect(
      decoded({ ...message, payload: all }, sender)
        .chunks.get(15)
        ?.toString("latin1"),
    ).toBe(all);
  });

  it.each([[0], [1], [65_000], [65_400], [65_535], [300_000]])(
    "of a message of %d octets is valid, and has as much of it as fits",
    (length) => {
      const payload = "x".repeat(length);
      const packet = encodeHep({ ...message, payload }, sender);
      expect(packet.length).toBeLessThanOrEqual(65_535);
      const kept = decoded({ ...message, payload }, sender).chunks.get(15)?.length;
      expect(kept).toBe(Math.min(length, length + 65_535 - encodedLength(payload)));
    },
  );

  it("has no more than the beginning of a long Call-ID", () => {
    expect(decoded({ ...message, callId: "y".repeat(5000) }, sender).rcinfo.correlation_id).toBe("y".repeat(512));
  });
});

/** That of the whole message, if a packet could have it. */
function encodedLength(payload: string): number {
  return encodeHep({ ...message, payload: "" }, sender).length + payload.length;
}

describe("the ends of a message", () => {
  it("of one connection are always the same, with an address for benchmarks if the platform gives none", () => {
    expect(clientEnd("A1b2C3d4")).toEqual(clientEnd("A1b2C3d4"));
    const ends = Array.from({ length: 1000 }, (_, number) => clientEnd(`flow${number}`));
    for (const { address, port } of ends) {
      expect([address[0], [18, 19].includes(address[1] ?? 0), port >= 1024 && port < 65_536]).toEqual([198, true, true]);
    }
    expect(new Set(ends.map(({ address }) => address.join("."))).size).toBeGreaterThan(990);
  });

  it.each([
    ["203.0.113.7", [203, 0, 113, 7]],
    ["2001:db8:0:1200", [0x20, 1, 0xd, 0xb8, 0, 0, 0x12, 0, ...Array.from({ length: 8 }, () => 0)]],
    ["2001:db8::5", [0x20, 1, 0xd, 0xb8, ...Array.from({ length: 11 }, () => 0), 5]],
  ])("of a client at %s have that address", (known, address) => {
    expect(clientEnd("A1b2C3d4", known).address).toEqual(address);
  });

  it.each([["local"], [""], ["1.2.3"]])("of a client at %j have one that follows from the connection", (known) => {
    expect(clientEnd("A1b2C3d4", known)).toEqual(clientEnd("A1b2C3d4"));
  });

  it("of another server are its address and port", () => {
    expect(otherServerEnd("hop", "198.51.100.7", 5061)).toEqual({ address: [198, 51, 100, 7], port: 5061 });
    expect(otherServerEnd("hop", "", 5061)).toEqual({ address: clientEnd("hop").address, port: 5061 });
  });
});
