import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

/** A wire between a phone and the server that can be cut, and mended. */
export interface Relay {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** Ends all connections without a word, and takes no new ones. */
  cut(): void;
  mend(): void;
  /** Once so many connections were refused while it was cut. */
  refuses(count: number): Promise<void>;
  /** The present connections stay open, and nothing goes by them any more. */
  stall(): void;
  /** What the phone sends by them goes no further. */
  mute(): void;
  close(): void;
}

/** @param target `http://127.0.0.1:port` */
export async function openRelay(target: string): Promise<Relay> {
  const port = Number(new URL(target).port);
  const sockets = new Set<Socket>();
  const phones = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      server.emit("refused");
      return void near.destroy();
    }
    const far = connect(port, "127.0.0.1");
    phones.add(near);
    near.on("close", () => phones.delete(near));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend: () => {
      isCut = false;
    },
    refuses: async (count) => {
      for (let refused = 0; refused < count; refused += 1) await once(server, "refused");
    },
    mute: () => {
      for (const socket of phones) socket.unpipe().resume();
    },
    stall: () => {
      for (const socket of sockets) socket.unpipe().resume();
    },
    close: () => {
      cut();
      server.close();
    },
  };
}
