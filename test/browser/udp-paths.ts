import { type Socket, createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";

/** Makes a browser send its media by ports of the test, which can be closed. Runs in the page before its own scripts. */
export const byOurPaths = `
  const setRemote = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
    const lines = await Promise.all(description.sdp.split("\\r\\n").map(async (line) => {
      const parts = line.split(" ");
      if (!line.startsWith("a=candidate:")) return line;
      if (parts[2].toLowerCase() !== "udp" || parts[4].includes(":")) return undefined;
      parts[5] = String(await window.pathTo(parts[4], Number(parts[5])));
      parts[4] = "127.0.0.1";
      return parts.join(" ");
    }));
    const sdp = lines.filter((line) => line !== undefined).join("\\r\\n");
    return setRemote.call(this, { type: description.type, sdp });
  };`;

/** The ports by which the browsers of a test reach each other. */
export class UdpPaths {
  #open: Socket[] = [];

  /** Lets a page use these ports. */
  async serve(page: Page): Promise<void> {
    await page.exposeFunction("pathTo", (host: string, port: number) => this.#pathTo(host, port));
  }

  /** Closes all ports that are in use; those of later offers are other ones. */
  close(): void {
    for (const socket of this.#open.splice(0)) socket.close();
  }

  get count(): number {
    return this.#open.length;
  }

  /** A port whose datagrams go to an address, with a port of its own for each sender, so that answers find the way back. */
  async #pathTo(host: string, port: number): Promise<number> {
    const near = createSocket("udp4");
    const senders = new Map<string, Socket>();
    this.#open.push(near);
    near.on("message", (datagram, { address, port: from }) => {
      const sender = `${address}:${from}`;
      const far = senders.get(sender) ?? this.#far((answer) => near.send(answer, from, address));
      senders.set(sender, far);
      if (this.#open.includes(far)) far.send(datagram, port, host);
    });
    await once(near.bind(0, "127.0.0.1"), "listening");
    return (near.address() as AddressInfo).port;
  }

  #far(answered: (datagram: Buffer) => void): Socket {
    const far = createSocket("udp4");
    this.#open.push(far);
    far.on("message", (datagram) => {
      if (this.#open.includes(far)) answered(datagram);
    });
    far.on("error", () => undefined);
    return far.bind(0, "127.0.0.1");
  }
}
