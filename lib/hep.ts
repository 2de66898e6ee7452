import type { CaptureEnd } from "./capture-end.ts";

/** A message as a HEP server stores it. */
export interface HepMessage {
  /** Microseconds since 1970. */
  readonly at: number;
  readonly from: CaptureEnd;
  readonly to: CaptureEnd;
  /** The SIP message: octets, one character each. */
  readonly payload: string;
  /** Octets, too. Messages of one call have the same. */
  readonly callId: string;
}

/** The sender of messages, as the HEP server knows it. */
export interface HepSender {
  readonly captureId: number;
  /** Octets; the password of the HEP server, if it wants one. */
  readonly password: string | undefined;
}

/** Generic chunks (HEP3 Network Protocol Specification rev. 36, §3). */
const chunks = {
  ...{ family: 1, protocol: 2, source4: 3, destination4: 4, source6: 5, destination6: 6, sourcePort: 7, destinationPort: 8 },
  ...{ seconds: 9, microseconds: 10, kind: 11, captureId: 12, password: 14, payload: 15, correlation: 17 },
} as const;
/** AF_INET and AF_INET6; the protocol number of TCP; the payload is SIP. */
const [ipv4, ipv6, tcp, sip] = [2, 10, 6, 1] as const;
const head = "HEP3";
/** The length of a packet, and that of a chunk, has 16 bits. */
const maxPacket = 65_535;
const chunkHead = 6;
/** Octets of a Call-ID. */
const maxCallId = 512;

/** A HEP3 packet. Over TCP packets follow each other without anything between them. A longer message is cut. */
export function encodeHep({ at, from, to, payload, callId }: HepMessage, { captureId, password }: HepSender): Uint8Array {
  const isIpv6 = from.address.length === 16;
  const seconds = Math.floor(at / 1_000_000);
  const start = [
    ...chunk(chunks.family, [isIpv6 ? ipv6 : ipv4]),
    ...chunk(chunks.protocol, [tcp]),
    ...chunk(isIpv6 ? chunks.source6 : chunks.source4, from.address),
    ...chunk(isIpv6 ? chunks.destination6 : chunks.destination4, to.address),
    ...chunk(chunks.sourcePort, u16(from.port)),
    ...chunk(chunks.destinationPort, u16(to.port)),
    ...chunk(chunks.seconds, u32(seconds)),
    ...chunk(chunks.microseconds, u32(at - seconds * 1_000_000)),
    ...chunk(chunks.kind, [sip]),
    ...chunk(chunks.captureId, u32(captureId)),
    ...(password === undefined ? [] : chunk(chunks.password, octetsOfText(password))),
    ...chunk(chunks.correlation, octetsOfText(callId.slice(0, maxCallId))),
  ];
  const size = Math.min(payload.length, maxPacket - head.length - 2 - start.length - chunkHead);
  const length = head.length + 2 + start.length + chunkHead + size;
  const packet = new Uint8Array(length);
  packet.set([...octetsOfText(head), ...u16(length), ...start, ...u16(0), ...u16(chunks.payload), ...u16(chunkHead + size)]);
  for (let place = 0; place < size; place += 1) packet[length - size + place] = payload.charCodeAt(place) & 255;
  return packet;
}

/** Of vendor 0: one that the specification names. */
function chunk(kind: number, value: readonly number[]): number[] {
  return [...u16(0), ...u16(kind), ...u16(chunkHead + value.length), ...value];
}

function octetsOfText(octets: string): number[] {
  return Array.from({ length: octets.length }, (_, place) => octets.charCodeAt(place) & 255);
}

function u16(value: number): number[] {
  return [(value >>> 8) & 255, value & 255];
}

function u32(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
