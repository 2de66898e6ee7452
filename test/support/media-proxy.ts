import { once } from "node:events";
import { createServer } from "node:http";
import { listenOnOwnPort, portOf } from "./own-port.ts";

/** What stands in front of a media engine: it counts commands, wants a token, and can refuse to work. */
export interface MediaProxy {
  readonly url: string;
  /** The commands that have passed, and who has sent them. */
  readonly passed: { readonly command: string; readonly authorization: string | undefined }[];
  /** It answers 502 instead of passing commands on. */
  isBroken: boolean;
  close(): Promise<void>;
}

export async function startMediaProxy(engine: string): Promise<MediaProxy> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts).toString();
      if (self.isBroken) return response.writeHead(502).end();
      const { command } = JSON.parse(body.slice(body.indexOf(" "))) as { command: string };
      self.passed.push({ command, authorization: request.headers.authorization });
      const headers = { "Content-Type": "application/x-rtpengine-ng" };
      return void fetch(engine, { method: "POST", headers, body }).then(
        async (answer) => response.end(await answer.text()),
        () => response.writeHead(502).end(),
      );
    });
  });
  await listenOnOwnPort(server);
  const self: MediaProxy = {
    url: `http://127.0.0.1:${portOf(server)}/ng`,
    passed: [],
    isBroken: false,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return self;
}
