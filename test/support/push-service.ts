import { once } from "node:events";
import { createServer } from "node:http";
import { listenOnOwnPort, portOf } from "./own-port.ts";
import { type ReceivedNote, WebPushDevice, readVapid } from "./web-push-device.ts";

/** A push message as it arrived: it was signed, and is decrypted. */
export interface ArrivedPush {
  readonly note: ReceivedNote;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The public key of its sender. */
  readonly key: string;
}

/** Stands in for the push service of a browser, with one device. */
export interface PushService {
  readonly device: WebPushDevice;
  readonly arrived: readonly ArrivedPush[];
  /** Why messages were refused. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

export async function startPushService(): Promise<PushService> {
  const arrived: ArrivedPush[] = [];
  const refused: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      readVapid(request.headers.authorization ?? "")
        .then(({ key, claims }) => {
          if (claims.aud !== new URL(device.url).origin) throw new Error("it was signed for another service");
          arrived.push({ note: device.read(Buffer.concat(parts)), headers: request.headers, key });
          return response.writeHead(201).end();
        })
        .catch((error: unknown) => {
          refused.push(String(error));
          response.writeHead(401).end();
        });
    });
  });
  await listenOnOwnPort(server);
  const device = new WebPushDevice(`http://127.0.0.1:${portOf(server)}/push/1`);
  return {
    device,
    arrived,
    refused,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
