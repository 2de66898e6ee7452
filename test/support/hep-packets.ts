// @ts-expect-error -- the package has no types
import hep from "hep-js";

/** The public decoder of the makers of Homer. */
const { decapsulate } = hep as { decapsulate(packet: Buffer): Decoded | false };

interface Decoded {
  readonly rcinfo: {
    readonly protocolFamily: number;
    readonly protocol: number;
    /** Of IPv4 only. */
    readonly srcIp?: string;
    readonly dstIp?: string;
    readonly srcPort: number;
    readonly dstPort: number;
    readonly timeSeconds: number;
    readonly timeUseconds: number;
    readonly payloadType: number;
    readonly captureId: number;
    readonly capturePass?: string;
    readonly correlation_id: string;
  };
  readonly payload: string;
}

/** A packet, as the public decoder reads it, and its chunks by their numbers. */
export interface HepPacket extends Decoded {
  readonly chunks: ReadonlyMap<number, Buffer>;
}

/** The packets at the beginning of a stream, and the octets behind the last whole one. @throws Error if they are not HEP3 */
export function readHepPackets(octets: Buffer): { readonly packets: readonly HepPacket[]; readonly rest: Buffer } {
  const packets: HepPacket[] = [];
  let rest = octets;
  while (rest.length >= 6) {
    if (rest.toString("latin1", 0, 4) !== "HEP3") throw new Error("this is not HEP3");
    const length = rest.readUInt16BE(4);
    if (rest.length < length) break;
    packets.push(readPacket(rest.subarray(0, length)));
    rest = rest.subarray(length);
  }
  return { packets, rest };
}

function readPacket(packet: Buffer): HepPacket {
  const decoded = decapsulate(packet);
  if (decoded === false) throw new Error("the decoder does not know this packet");
  return { ...decoded, chunks: chunksOf(packet.subarray(6)) };
}

/** Each once, and all of vendor 0. */
function chunksOf(octets: Buffer): ReadonlyMap<number, Buffer> {
  const chunks = new Map<number, Buffer>();
  for (let place = 0; place < octets.length;) {
    const [vendor, kind, length] = [octets.readUInt16BE(place), octets.readUInt16BE(place + 2), octets.readUInt16BE(place + 4)];
    const end = place + length;
    if (vendor !== 0 || length < 6 || end > octets.length || chunks.has(kind)) throw new Error(`the chunk ${kind} is not valid`);
    chunks.set(kind, octets.subarray(place + 6, end));
    place = end;
  }
  return chunks;
}
