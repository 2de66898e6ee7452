import { type CaptureEnd, clientEnd, serverEnd } from "../../lib/capture-end.ts";
import type { TraceEntry } from "../../lib/trace.ts";

/** Blocks of the file format (draft-ietf-opsawg-pcapng §4). */
const [sectionHeader, interfaceDescription, enhancedPacket] = [0x0a0d0d0a, 1, 6];
/** Link type of what Wireshark calls exported PDUs: tags say which protocol follows. */
const exportedPdu = 252;
const tags = { end: 0, dissector: 12, source: 20, destination: 21, protocol: 24, sourcePort: 25, destinationPort: 26 } as const;
const tcp = 2;

/** Messages as a capture file, which Wireshark and tshark read as SIP. Each connection is an address of its own. */
export function capture(messages: readonly TraceEntry[]): ArrayBuffer {
  const packets = messages
    .filter(({ direction, flow }) => direction !== "note" && flow !== "-")
    .map(({ at, direction, flow, text }) => {
      const phone = clientEnd(flow);
      const [from, to] = direction === "in" ? [phone, serverEnd(phone)] : [serverEnd(phone), phone];
      return packet(at, pdu(from, to, new Uint8Array(new TextEncoder().encode(text))));
    });
  const blocks = [
    block(sectionHeader, [...u32(0x1a2b3c4d), ...u16(1), ...u16(0), ...u32(0xffffffff), ...u32(0xffffffff)]),
    block(interfaceDescription, [...u16(exportedPdu), ...u16(0), ...u32(0)]),
    ...packets,
  ];
  const whole = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const one of blocks) {
    whole.set(one, place);
    place += one.length;
  }
  return whole.buffer;
}

function packet(at: number, data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const microseconds = BigInt(Math.round(at)) * 1000n;
  const [high, low] = [Number(microseconds >> 32n), Number(microseconds & 0xffffffffn)];
  const head = [...u32(0), ...u32(high), ...u32(low), ...u32(data.length), ...u32(data.length)];
  return block(enhancedPacket, head, data);
}

function pdu(from: CaptureEnd, to: CaptureEnd, message: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const head = [
    ...tag(tags.dissector, [...new TextEncoder().encode("sip"), 0]),
    ...tag(tags.source, from.address),
    ...tag(tags.destination, to.address),
    ...tag(tags.protocol, bigEndian(tcp)),
    ...tag(tags.sourcePort, bigEndian(from.port)),
    ...tag(tags.destinationPort, bigEndian(to.port)),
    ...tag(tags.end, []),
  ];
  const whole = new Uint8Array(head.length + message.length);
  whole.set(head);
  whole.set(message, head.length);
  return whole;
}

/** Tags are in network order, blocks in that of the file. */
function tag(kind: number, value: readonly number[]): number[] {
  const padding = Array.from({ length: -value.length & 3 }, () => 0);
  const length = value.length + padding.length;
  return [kind >> 8, kind & 255, length >> 8, length & 255, ...value, ...padding];
}

function bigEndian(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function block(kind: number, head: readonly number[], data = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  const length = 12 + head.length + data.length + (-data.length & 3);
  const whole = new Uint8Array(length);
  whole.set([...u32(kind), ...u32(length), ...head]);
  whole.set(data, 8 + head.length);
  whole.set(u32(length), length - 4);
  return whole;
}

function u16(value: number): number[] {
  return [value & 255, (value >> 8) & 255];
}

function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255];
}
