import { once } from "node:events";
import { WebSocket } from "ws";
import type { Line, Network } from "./simulated-phone.ts";
import { patience } from "./patience.ts";
import type { ConnectionKind } from "./server-under-test.ts";

/** A running server as desks see it. */
export function wireNetwork(server: { readonly wsUrl: string }, way: ConnectionKind): Network & { readonly faults: readonly unknown[] } {
  const faults: unknown[] = [];
  const domain = "localhost";
  return {
    domain,
    faults,
    connect: (account) => connect(`${server.wsUrl}${way === "direct" ? `/ws/${account}@${domain}` : "/ws"}`),
    settle: becomes,
    attempt: (work) => void work.catch((error: unknown) => faults.push(error)),
  };
}

async function connect(url: string): Promise<Line> {
  const socket = new WebSocket(url, "sip");
  await once(socket, "open");
  return {
    send: (frame) => socket.send(frame),
    cut: (code = 1006) => (code === 1006 ? socket.terminate() : socket.close(code)),
    listen: ({ heard, lost }) => {
      socket.on("message", (octets: Buffer) => heard(octets.toString()));
      socket.on("error", () => undefined);
      socket.on("close", lost);
    },
  };
}

/** Waits until it is so. */
export async function becomes(until: () => boolean, what = "what was waited for"): Promise<void> {
  const end = Date.now() + patience;
  while (!until()) {
    if (Date.now() > end) throw new Error(`${what} has not come within ${patience} ms`);
    await new Promise((resume) => setTimeout(resume, 5));
  }
}
