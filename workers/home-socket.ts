import type { Opening } from "../lib/transport/opening.ts";
import { homeName } from "./directory.ts";
import type { Environment } from "./environment.ts";

/** Hands a socket to a home: the Worker is out of its path from then on. */
export async function connectDirectly(environment: Environment, opening: Opening): Promise<Response> {
  const stub = environment.ADDRESS_OF_RECORD.getByName(homeName(opening.subscriber));
  const headers = { Upgrade: "websocket", "offhook-opening": JSON.stringify(opening) };
  return stub.fetch("https://home/", { headers });
}

/** Opens a leg: a WebSocket from the door to a home. */
export async function connectLeg(environment: Environment, opening: Opening): Promise<WebSocket> {
  const { webSocket } = await connectDirectly(environment, opening);
  if (webSocket === null) throw new Error("the home did not accept the leg");
  webSocket.binaryType = "arraybuffer";
  webSocket.accept();
  return webSocket;
}
