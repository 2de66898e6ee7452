import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { header } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { registerTcpPhone } from "../support/tcp-phone.ts";

const parts = ["durable-objects", "lib", "migrations", "platform", "presets", "scripts", "web", "workers"];
const files = ["wrangler.toml", "package.json", "tsconfig.base.json", "tsconfig.json", ".dev.vars.example"];

/** What a clone has after `npm install`, and nothing that was made since. */
const clone = mkdtempSync(join(tmpdir(), "offhook-clone-"));
for (const name of [...parts, ...files]) cpSync(name, join(clone, name), { recursive: true });
symlinkSync(join(process.cwd(), "node_modules"), join(clone, "node_modules"));

let started: ChildProcess | undefined;
let output = "";
afterAll(async () => {
  await stop();
  rmSync(clone, { recursive: true, force: true });
});

async function stop(): Promise<void> {
  const group = started;
  started = undefined;
  if (group?.pid === undefined || group.exitCode !== null) return;
  const ended = once(group, "exit");
  process.kill(-group.pid, "SIGTERM");
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const run = async (...words: string[]): Promise<string> => {
  const environment = { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "true" };
  const { stdout, stderr } = await promisify(execFile)("npx", words, { cwd: clone, env: environment });
  return stdout + stderr;
};

describe("npm start in a fresh clone", () => {
  it("serves the page, the demo accounts and the API within a minute, at the port it is told, and warns of nothing", async () => {
    const [port, sipPort] = [await freePort(), await freePort()];
    const options = ["--port", String(port), "--sip-port", String(sipPort)];
    started = spawn("npm", ["start", "--", ...options], { cwd: clone, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [started.stdout, started.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await expect.poll(() => output).toContain(`Offhook is ready: http://localhost:${port}`);
    expect(output).toMatch(/accounts alice, bob, carol @ localhost, password offhook/);

    const page = await fetch(`http://localhost:${port}/`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<title>Offhook</title>")]);
    const administrators = await fetch(`http://localhost:${port}/console`);
    expect([administrators.status, await administrators.text()]).toEqual([200, expect.stringContaining("<title>Offhook console</title>")]);
    const headers = { Authorization: "Bearer dev-admin-token" };
    const answer = await fetch(`http://localhost:${port}/api/v1/domains/localhost/subscribers`, { headers });
    const { subscribers } = (await answer.json()) as { readonly subscribers: readonly { readonly username: string }[] };
    expect(subscribers.map(({ username }) => username)).toEqual(["alice", "bob", "carol"]);
    // The names of these users are taken, as those of others are.
    const csv = {
      method: "POST",
      headers: { ...headers, "Content-Type": "text/csv" },
      body: "username,password,aliases\neve,password1,carol\n",
    };
    const imported = await fetch(`http://localhost:${port}/api/v1/domains/localhost/subscribers/import`, csv);
    expect(await imported.json()).toMatchObject({ created: 0, failed: 1 });
    for (const way of ["general", "direct"] as const) {
      const phone = await Phone.connect({ wsUrl: `ws://localhost:${port}` }, { account: "alice", way });
      expect((await phone.register()).status).toBe(200);
      phone.socket.close();
    }
    // RFC 3608: what a phone on TCP comes back by.
    const { registered, socket } = await registerTcpPhone("bob", sipPort);
    expect(header(registered, "service-route")).toBe(`<sip:127.0.0.1:${sipPort};transport=tcp;lr>`);
    socket.destroy();
    expect(output).not.toMatch(/warn|▲|error|✘/i);
    await stop();
  });
});

describe("npm start where it cannot start", () => {
  const running = new Set<ChildProcess>();
  afterAll(() => {
    for (const { pid } of running) if (pid !== undefined) process.kill(-pid, "SIGKILL");
  });

  const ends = async (cwd: string, command: string, ...words: string[]): Promise<{ code: number | null; told: string }> => {
    const ended = spawn(command, words, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    running.add(ended);
    let told = "";
    for (const stream of [ended.stdout, ended.stderr]) stream.on("data", (chunk: Buffer) => (told += chunk.toString()));
    const [code] = (await once(ended, "close")) as [number | null];
    running.delete(ended);
    return { code, told };
  };

  it.each(["port", "sip-port"])("says that its --%s is used by another program, before it does anything", async (option) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const free = await freePort();
    const { code, told } = await ends(clone, "npm", "start", "--", "--port", String(free), `--${option}`, String(port));
    taken.close();
    expect([code, told]).toEqual([1, expect.stringContaining(`Port ${port} is used by another program`)]);
    expect(told).not.toMatch(/\n +at /);
  });

  it.each(["0", "many", "65536"])("says that %s is no port", async (port) => {
    const { code, told } = await ends(clone, "npm", "start", "--", "--port", port);
    expect([code, told]).toEqual([1, expect.stringContaining("not a port from 1 to 65535")]);
  });

  it("tells to install where nothing is installed, however it is started", async () => {
    const bare = mkdtempSync(join(tmpdir(), "offhook-bare-"));
    for (const name of [...parts, ...files]) cpSync(name, join(bare, name), { recursive: true });
    for (const [command, word] of Object.entries({ npm: "start", node: "scripts/start.ts" })) {
      const { code, told } = await ends(bare, command, word);
      expect([command, code, told]).toEqual([command, 1, expect.stringContaining("npm install")]);
      expect(told).not.toMatch(/ERR_MODULE_NOT_FOUND|\n +at /);
    }
    rmSync(bare, { recursive: true });
  });
});

describe("a deployment", () => {
  it("passes wrangler's dry run, with the page in it, and has nothing of local development", async () => {
    await run("node", "scripts/build-web.ts");
    const told = await run("wrangler", "deploy", "--dry-run", "--outdir", "out");
    for (const binding of ["ADDRESS_OF_RECORD", "NEXT_HOP", "DIRECTORY", "CONNECTION_RATE", "ASSETS"])
      expect(told).toContain(`env.${binding}`);
    expect(told).not.toMatch(/LOCAL_DEVELOPMENT|ADMIN_TOKEN|SEAL_KEYS|warn/i);
    const settings = readFileSync(".dev.vars.example", "utf8").matchAll(/^(?:ADMIN_TOKEN|SEAL_KEYS)=(.*)$/gm);
    const secrets = [...settings].map(([, secret = ""]) => secret);
    const bundle = readFileSync(join(clone, "out/index.js"), "utf8");
    expect([secrets.length, secrets.filter((secret) => bundle.includes(secret))]).toEqual([2, []]);
  });

  it("starts: wrangler check startup", async () => {
    expect(await run("wrangler", "check", "startup")).toContain("CPU Profile has been written");
  });

  it("has no accounts until somebody makes them: migrations make tables and copy what is there", () => {
    const statements = readdirSync("migrations").flatMap((name) => readFileSync(`migrations/${name}`, "utf8").split(";"));
    expect(statements.filter((statement) => /insert\b[^]*\bvalues\b/i.test(statement))).toEqual([]);
  });
});
