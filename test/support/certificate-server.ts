import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { listenOnOwnPort, portOf } from "./own-port.ts";

/** Serves certificates by HTTPS, as their owners do. */
export interface CertificateServer {
  /** The URL of a path. */
  url(path: string): string;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
  close(): void;
}

/**
 * @param folder with `server.pem` and `server.key`
 * @param contents by path: a text, or a status; a path that is not here is never answered
 */
export async function startCertificateServer(
  folder: string,
  contents: Readonly<Record<string, string | number>>,
): Promise<CertificateServer> {
  const asked: string[] = [];
  const [cert, key] = ["server.pem", "server.key"].map((name) => readFileSync(join(folder, name)));
  const server = createServer({ cert, key }, ({ url = "" }, response) => {
    asked.push(url);
    const content = contents[url];
    if (typeof content === "number") response.writeHead(content).end();
    else if (content !== undefined) response.writeHead(200, { "Content-Type": "application/x-pem-file" }).end(content);
  });
  await listenOnOwnPort(server);
  return {
    asked,
    url: (path) => `https://127.0.0.1:${portOf(server)}${path}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
