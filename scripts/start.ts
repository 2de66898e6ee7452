import "./installed.mjs";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { port: { type: "string", default: "8787" }, "sip-port": { type: "string" } } });
const { port, "sip-port": sipPort } = values;

await refuseUsed("port", port);
if (sipPort !== undefined) await refuseUsed("sip-port", sipPort);

Object.assign(process.env, { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_HIDE_BANNER: "true" });
// These need what `npm install` brings, so they are read after it was seen to be there.
const [{ buildWeb }, { demo, ensureLocalSettings, prepareLocalState }] = await Promise.all([
  import("./build-web.ts"),
  import("./local-state.ts"),
]);
ensureLocalSettings();
await Promise.all([buildWeb(), prepareLocalState()]);

const config = sipPort === undefined ? [] : ["--config", withTcp(Number(sipPort))];
// Without the option wrangler warns that it does not run what wrangler.toml has for once a day.
const options = ["--port", port, "--show-interactive-dev-session=false", "--test-scheduled"];
const server = spawn("wrangler", ["dev", ...config, ...options], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => server.kill(signal));
server.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 0)));

await answers(server, `http://localhost:${port}/`);
const token = /^ADMIN_TOKEN=(.*)$/m.exec(readFileSync(".dev.vars", "utf8"))?.[1] ?? "";
console.log(`
Offhook is ready: http://localhost:${port}
  softphone   open that page in two tabs; accounts ${demo.usernames.join(", ")} @ ${demo.domain}, password ${demo.password}
  console     http://localhost:${port}/console/, key ${token}
  phones      ws://localhost:${port}/ws
${sipPort === undefined ? "" : `  SIP on TCP  127.0.0.1:${sipPort}, for desk phones and tools on this machine\n`}  API         http://localhost:${port}/api/v1, Authorization: Bearer ${token}
  stop it     Ctrl-C
`);

/** Ends the program, and says so, if a port cannot be listened on. */
async function refuseUsed(option: string, written: string): Promise<void> {
  const number = Number(written);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) return end(`--${option} ${written}: not a port from 1 to 65535.`);
  for (const host of ["127.0.0.1", "::1"]) {
    if (await isUsed(number, host))
      return end(
        `Port ${number} is used by another program. Stop that, or choose another port:\n\n  npm start -- --${option} ${number + 1}`,
      );
  }
}

function end(text: string): void {
  console.error(`${text}\n`);
  process.exit(1);
}

/** False also where the machine has no such address. */
function isUsed(number: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer();
    listener.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
    listener.listen(number, host, () => listener.close(() => resolve(false)));
  });
}

/** Waits until a server serves its page; for as long as the server runs. */
async function answers(child: ChildProcess, url: string): Promise<void> {
  while (child.exitCode === null) {
    try {
      if ((await fetch(url)).ok) return;
    } catch (error) {
      // It does not listen yet.
      if (!(error instanceof TypeError)) throw error;
    }
    await pause(200);
  }
}

/** The configuration with a listener for SIP over TCP, which the platform has locally and not in production. */
function withTcp(number: number): string {
  const path = "wrangler.local.toml";
  const listener = `connect = [{ protocol = "tcp", port = ${number} }]\n`;
  writeFileSync(path, listener + readFileSync("wrangler.toml", "utf8"));
  return path;
}
