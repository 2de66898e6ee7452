import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, listens } from "./kamailio.ts";

const turnserver = "/usr/bin/turnserver";

/** Whether the real TURN server is here: Debian's package coturn. In CI it has to be. */
export const hasCoturn = existsSync(turnserver) || process.env["CI"] !== undefined;

/** A coturn on this machine, whose users have credentials that were made with a secret. */
export interface Coturn {
  readonly secret: string;
  /** `turn:127.0.0.1:20001?transport=udp` */
  readonly url: string;
  /** What it has written of those who use it. */
  log(): string;
  close(): Promise<void>;
}

export async function startCoturn(): Promise<Coturn> {
  const folder = await mkdtemp(join(tmpdir(), "offhook-coturn-"));
  const [port, secret] = [await freePort(), "the secret of coturn and Offhook"];
  const settings = [
    ...["-n", "--use-auth-secret", `--static-auth-secret=${secret}`, "--realm=localhost", "--fingerprint"],
    ...["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", `--listening-port=${port}`, "--allow-loopback-peers"],
    ...["--no-tls", "--no-dtls", "--no-multicast-peers", "--cli-password=x", `--cli-port=${await freePort()}`],
    ...[`--userdb=${join(folder, "turndb")}`, `--pidfile=${join(folder, "pid")}`, "--log-file=stdout", "--verbose"],
  ];
  const coturn = spawn(turnserver, settings, { stdio: ["ignore", "pipe", "ignore"], cwd: folder });
  let written = "";
  coturn.stdout.on("data", (text: Buffer) => (written += text.toString("latin1")));
  await listens(port);
  return {
    secret,
    url: `turn:127.0.0.1:${port}?transport=udp`,
    log: () => written,
    close: async () => {
      await end(coturn);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function end(coturn: ChildProcess): Promise<void> {
  if (coturn.exitCode !== null || coturn.signalCode !== null) return;
  const gone = once(coturn, "exit");
  coturn.kill("SIGKILL");
  await gone;
}
