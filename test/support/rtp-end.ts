import { type Socket, createSocket } from "node:dgram";
import { once } from "node:events";

/** One end of plain RTP (RFC 3550) with PCMU: it says a tone, and measures what it hears. */
export interface RtpEnd {
  readonly port: number;
  /** Says a tone to where a session description hears. */
  saysTo(description: string): void;
  /** Says a DTMF event of a second (RFC 4733) instead of the tone, where the tone goes. */
  presses(key: string): void;
  /** How loud the last second is that it has heard, 0 to 1. */
  loudness(): number;
  /** The DTMF events that it has heard (RFC 4733), each once. */
  keys(): string;
  close(): void;
}

const keyNames = "0123456789*#ABCD";
const samplesOfPacket = 160;
const packetsOfEvent = 50;

export async function startRtpEnd(): Promise<RtpEnd> {
  const socket: Socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const heard: number[] = [];
  const events = new Map<number, string>();
  let saying: NodeJS.Timeout | undefined;
  let event: { readonly key: string; readonly since: number } | undefined;
  socket.on("message", (packet) => {
    const type = (packet[1] ?? 0) & 0x7f;
    if (type === 0) heard.push(...packet.subarray(12).map((octet) => Math.abs(linear(octet)) / 128));
    // An event has four octets.
    if (type >= 96 && packet.length === 16) events.set(packet.readUInt32BE(4), keyNames[packet[12] ?? 0] ?? "?");
    heard.splice(0, heard.length - 8000);
  });
  return {
    port: socket.address().port,
    saysTo: (description) => {
      clearInterval(saying);
      const port = Number(/m=audio (\d+)/.exec(description)?.[1]);
      const host = /^c=IN IP4 (\S+)/m.exec(description)?.[1] ?? "127.0.0.1";
      const eventType = Number(/^a=rtpmap:(\d+) telephone-event\/8000/m.exec(description)?.[1] ?? 101);
      let count = 0;
      saying = setInterval(() => {
        count += 1;
        if (event?.since === 0) event = { ...event, since: count };
        socket.send(event === undefined ? packetOf(count) : eventPacketOf(eventType, event, count), port, host);
        if (event !== undefined && count - event.since >= packetsOfEvent) event = undefined;
      }, 20);
    },
    presses: (key) => {
      event = { key, since: 0 };
    },
    loudness: () => Math.sqrt(heard.reduce((sum, one) => sum + (one * one) / 65_536, 0) / Math.max(1, heard.length)),
    keys: () => [...events.values()].join(""),
    close: () => {
      clearInterval(saying);
      socket.close();
    },
  };
}

/** 20 ms of a tone of 440 Hz. */
function packetOf(count: number): Buffer {
  const packet = Buffer.alloc(12 + samplesOfPacket);
  packet[0] = 0x80;
  packet.writeUInt16BE(count & 0xffff, 2);
  packet.writeUInt32BE(count * samplesOfPacket, 4);
  packet.writeUInt32BE(0x0ff1_ce00, 8);
  for (let index = 0; index < samplesOfPacket; index += 1)
    packet[12 + index] = compressed(8000 * Math.sin((2 * Math.PI * 440 * (count * samplesOfPacket + index)) / 8000));
  return packet;
}

/** An event that goes on (RFC 4733): each packet has the time at which it began, and how long it has lasted. */
function eventPacketOf(type: number, { key, since }: { readonly key: string; readonly since: number }, count: number): Buffer {
  const packet = Buffer.alloc(16);
  packet[0] = 0x80;
  packet[1] = type | (count === since ? 0x80 : 0);
  packet.writeUInt16BE(count & 0xffff, 2);
  packet.writeUInt32BE(since * samplesOfPacket, 4);
  packet.writeUInt32BE(0x0ff1_ce00, 8);
  packet[12] = keyNames.indexOf(key);
  packet[13] = (count - since >= packetsOfEvent ? 0x80 : 0) | 10;
  packet.writeUInt16BE((count - since + 1) * samplesOfPacket, 14);
  return packet;
}

/** ITU-T G.711, μ-law. */
function compressed(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(32_635, Math.abs(Math.round(sample))) + 132;
  const exponent = Math.max(0, 31 - Math.clz32(magnitude) - 7);
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

function linear(octet: number): number {
  const bits = ~octet & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + 132) << ((bits >> 4) & 7);
  return (bits & 0x80) === 0 ? magnitude - 132 : 132 - magnitude;
}
