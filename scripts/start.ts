import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { buildWeb } from "./build-web.ts";
import { demo, ensureLocalSettings, prepareLocalState } from "./local-state.ts";

const { values } = parseArgs({ options: { port: { type: "string", default: "8787" } } });

Object.assign(process.env, { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_HIDE_BANNER: "true" });
ensureLocalSettings();
await Promise.all([buildWeb(), prepareLocalState()]);

const token = /^ADMIN_TOKEN=(.*)$/m.exec(readFileSync(".dev.vars", "utf8"))?.[1] ?? "";
console.log(`
Offhook starts at http://localhost:${values.port}
  softphone   open that page in two tabs; accounts ${demo.usernames.join(", ")} @ ${demo.domain}, password ${demo.password}
  phones      ws://localhost:${values.port}/ws
  API         http://localhost:${values.port}/api/v1, Authorization: Bearer ${token}
`);

const server = spawn("wrangler", ["dev", "--port", values.port, "--show-interactive-dev-session=false"], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => server.kill(signal));
server.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 0)));
