import { type Server, type Socket, createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type HepPacket, readHepPackets } from "./hep-packets.ts";
import { listenOnOwnPort, portOf } from "./own-port.ts";

/** A HEP server over TCP, as Homer has one. */
export interface HepCollector {
  readonly port: number;
  /** What it was sent, in the order of arrival. */
  readonly packets: readonly HepPacket[];
  /** Connections since it has begun, and those that are open. */
  readonly connections: { readonly all: number; readonly open: number };
  /** Octets that were no packets. */
  readonly faults: readonly string[];
  /** Takes no more connections, and cuts those that there are. */
  close(): Promise<void>;
}

/** @param certificate with one it is reached over TLS only */
export async function startHepCollector(certificate?: { readonly key: Buffer; readonly cert: Buffer }): Promise<HepCollector> {
  const packets: HepPacket[] = [];
  const faults: string[] = [];
  const sockets = new Set<Socket>();
  let all = 0;
  const serve = (socket: Socket): void => {
    let rest = Buffer.alloc(0);
    all += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      if (rest.length > 0) faults.push(`${rest.length} octets too many`);
    });
    socket.on("data", (octets) => {
      try {
        const read = readHepPackets(Buffer.concat([rest, octets]));
        packets.push(...read.packets);
        rest = Buffer.from(read.rest);
      } catch (error) {
        faults.push(String(error));
        socket.destroy();
      }
    });
  };
  const server: Server = certificate === undefined ? createServer(serve) : createTlsServer(certificate, serve);
  await listenOnOwnPort(server);
  return {
    port: portOf(server),
    packets,
    faults,
    get connections() {
      return { all, open: sockets.size };
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
