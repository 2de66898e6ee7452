import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { randomText } from "./compose.ts";
import { end, freePort, listens } from "./kamailio.ts";

const rtpengine = "/usr/bin/rtpengine";

/** Whether the real media engine is here: Debian's package rtpengine-daemon. In CI it has to be. */
export const hasRtpengine = existsSync(rtpengine) || process.env["CI"] !== undefined;

/** An rtpengine on this machine, in user space. */
export interface Rtpengine {
  readonly url: string;
  /** The sessions that it has. */
  sessions(): Promise<string[]>;
  /** It is killed, and another one with the same address begins, which knows nothing. */
  restarts(): Promise<void>;
  close(): Promise<void>;
}

export async function startRtpengine(): Promise<Rtpengine> {
  const port = await freePort();
  const first = await freeBlock();
  const start = async (): Promise<ChildProcess> => {
    const settings = ["-f", "-E", "--table=-1", "--interface=127.0.0.1", `--listen-http=127.0.0.1:${port}`, "--log-level=5"];
    const child = spawn(rtpengine, [...settings, `--port-min=${first}`, `--port-max=${first + 200}`], { stdio: "ignore" });
    await listens(port);
    return child;
  };
  let child = await start();
  const url = `http://127.0.0.1:${port}/ng`;
  return {
    url,
    sessions: async () => {
      // It answers a cookie that it knows as before.
      const cookie = randomText(8);
      const body = `${cookie} ${JSON.stringify({ command: "list", limit: 100 })}`;
      const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/x-rtpengine-ng" }, body });
      const text = await answer.text();
      return (JSON.parse(text.slice(cookie.length + 1)) as { calls: string[] }).calls;
    },
    restarts: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
      child = await start();
    },
    close: () => end(child),
  };
}

/** The first of 200 ports for media, above those that the system gives to others. */
async function freeBlock(): Promise<number> {
  return 61_000 + ((await freePort()) % 20) * 200;
}
