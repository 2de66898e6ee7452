import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { buildWeb } from "./build-web.ts";
import { demo, ensureLocalSettings, prepareLocalState } from "./local-state.ts";

const { values } = parseArgs({ options: { port: { type: "string", default: "8787" }, "sip-port": { type: "string" } } });

Object.assign(process.env, { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_HIDE_BANNER: "true" });
ensureLocalSettings();
await Promise.all([buildWeb(), prepareLocalState()]);

const token = /^ADMIN_TOKEN=(.*)$/m.exec(readFileSync(".dev.vars", "utf8"))?.[1] ?? "";
console.log(`
Offhook starts at http://localhost:${values.port}
  softphone   open that page in two tabs; accounts ${demo.usernames.join(", ")} @ ${demo.domain}, password ${demo.password}
  phones      ws://localhost:${values.port}/ws
${values["sip-port"] === undefined ? "" : `  SIP on TCP  localhost:${values["sip-port"]}, for desk phones and tools on this machine\n`}  API         http://localhost:${values.port}/api/v1, Authorization: Bearer ${token}
`);

const config = values["sip-port"] === undefined ? [] : ["--config", withTcp(Number(values["sip-port"]))];
const server = spawn("wrangler", ["dev", ...config, "--port", values.port, "--show-interactive-dev-session=false"], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => server.kill(signal));
server.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 0)));

/** The configuration with a listener for SIP over TCP, which the platform has locally and not in production. */
function withTcp(port: number): string {
  const path = "wrangler.local.toml";
  const listener = `connect = [{ protocol = "tcp", port = ${port} }]\n`;
  writeFileSync(path, listener + readFileSync("wrangler.toml", "utf8"));
  return path;
}
