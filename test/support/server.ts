import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { V4WorkerOptions } from "miniflare";
import { bundle } from "./bundle.ts";
import { Secrets } from "./secrets.ts";
import { migratedDirectory } from "./migrated-directory.ts";
import { callApi, hashesOf, provision, type Subscription } from "./provision.ts";
import { startRuntime, type Runtime, type RuntimeOptions } from "./runtime.ts";
import { type WorkerDescription, describeWorker } from "./worker-description.ts";

/** Offhook on a real workerd, with the bindings of wrangler.toml, so that nothing is written twice. */
export interface Server extends Runtime {
  /** `ws://127.0.0.1:port` */
  readonly wsUrl: string;
  readonly adminToken: string;
  /** Makes another subscriber, or changes one. */
  provision(subscription: Subscription): Promise<void>;
  /** A call of the administrator's API, by the path behind `/api/v1`; with a body as JSON. */
  api(method: string, path: string, body?: unknown): Promise<Response>;
  /** The homes that exist, by name (`sip:alice@localhost#1`); by id if they are no provisioned subscriber's. */
  listHomes(): Promise<string[]>;
  /** Takes a home out of memory between two messages: "hibernate" keeps its sockets open, "close" does not. */
  evict(home: string, webSockets: "hibernate" | "close"): Promise<void>;
  /** The rows an SQL query finds in the storage of a home, or of a next hop. It wakes the object. */
  query(name: string, sql: string, className?: "AddressOfRecord" | "NextHop"): Promise<Record<string, unknown>[]>;
}

export interface ServerOptions extends RuntimeOptions {
  /** Settings of platform/configuration.ts by their environment names, laid over those of .dev.vars.example; "" unsets one. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where SIP over TCP is taken. */
  readonly sipPort?: number;
  /** How many connections of one address pass in a minute; absent: as many as there are. */
  readonly connectionLimit?: number;
  /** What guests may send in a minute, by the names of the limits in wrangler.toml; absent: as much as they like. */
  readonly guestLimits?: Readonly<Record<"GUEST_CALL_RATE" | "GUEST_RATE", number>>;
  /** The bindings of private networks: a stand-in for each finds the host `pbx.internal` on this machine, and nothing else. */
  readonly networks?: readonly string[];
  /** Subscribers besides alice, bob and carol of `localhost`; their domains are made too. */
  readonly subscribers?: readonly Subscription[];
}

const root = join(import.meta.dirname, "../..");

const accounts: readonly Subscription[] = ["alice", "bob", "carol"].map((username) => ({
  domain: "localhost",
  username,
  password: "offhook",
}));

/** Starts a server with empty storage, the tables of migrations/, and the accounts that local development has too. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const local = parseEnv(readFileSync(join(root, ".dev.vars.example"), "utf8"));
  const adminToken = options.settings?.["ADMIN_TOKEN"] ?? local["ADMIN_TOKEN"] ?? "";
  const others = options.networks === undefined ? {} : { others: [privateNetwork] };
  const description = await describeWorker(options.sipPort);
  const worker = await offhook(description, { ...local, ...options.settings }, options);
  const runtime = await startRuntime(worker, { ...options, ...others, stored: await migratedDirectory(description) });
  const subscriptions = [...accounts, ...(options.subscribers ?? [])];
  const secrets = new Secrets();
  secrets.learn(adminToken, ...((options.settings ?? local)["SEAL_KEYS"] ?? local["SEAL_KEYS"] ?? "").split(","));
  const learn = ({ username, domain, password }: Subscription) =>
    secrets.learn(password === "offhook" ? "" : password, ...Object.values(hashesOf(username, domain, password)));
  subscriptions.forEach(learn);
  if (adminToken !== "") await provision(runtime.url, adminToken, subscriptions);
  const query: Server["query"] = async (name, sql, className = objectClass) =>
    (await runtime.miniflare().unsafeGetDurableObjectStorage(workerName, className, { name })).exec(sql);

  return {
    ...runtime,
    wsUrl: runtime.url.replace("http", "ws"),
    adminToken,
    provision: async (subscription) => {
      subscriptions.push(subscription);
      learn(subscription);
      await provision(runtime.url, adminToken, [subscription]);
    },
    api: (method, path, body) => {
      secrets.learnFrom(body);
      return callApi(runtime.url, adminToken, method, path, body);
    },
    stop: async () => {
      await runtime.stop();
      const shown = secrets.shownIn(runtime.logs);
      if (shown.length > 0) throw new Error(`the server's output shows secrets: ${shown.join("\n")}`);
    },
    listHomes: async () => {
      const homes = await runtime.miniflare().getDurableObjectNamespace("ADDRESS_OF_RECORD");
      const names = subscriptions.flatMap(({ domain, username }) => homeNames(`sip:${username}@${domain}`));
      const nameOf = new Map(names.map((name) => [homes.idFromName(name).toString(), name]));
      const ids = await runtime.miniflare().listDurableObjectIds("ADDRESS_OF_RECORD");
      return ids.map((id) => nameOf.get(id) ?? id).sort();
    },
    evict: async (home, webSockets) => {
      // On a busy machine it may have left memory by itself, with its sockets open.
      await query(home, "SELECT 1");
      await runtime.miniflare().unsafeEvictDurableObject(workerName, objectClass, { name: home, webSockets });
    },
    query,
  };
}

const workerName = "offhook";
const objectClass = "AddressOfRecord";
/** All phones of a test come from one address. */
const unlimited = 1_000_000;

/** The Worker as wrangler.toml describes it. The page is served when it has been built. */
async function offhook(
  { worker, main, vars }: WorkerDescription,
  settings: Readonly<Record<string, string | undefined>>,
  { connectionLimit = unlimited, guestLimits, networks = [] }: ServerOptions,
): Promise<V4WorkerOptions> {
  return {
    ...worker,
    ratelimits: {
      CONNECTION_RATE: { namespace_id: "test", simple: { limit: connectionLimit, period: 60 } },
      ...(guestLimits === undefined ? {} : Object.fromEntries(Object.entries(guestLimits).map(limited))),
    },
    name: workerName,
    modules: true,
    ...(networks.length === 0 ? {} : { serviceBindings: Object.fromEntries(networks.map((name) => [name, "private-network"])) }),
    script: await bundle(main),
    bindings: { ...vars, ...written(settings) },
  };
}

/** What a VPC network is to a Worker: something that opens connections by names of its own. */
const privateNetwork: V4WorkerOptions = {
  ...{ name: "private-network", modules: true, compatibilityDate: "2026-11-01" },
  script: `
    import { connect } from "cloudflare:sockets";
    export default {
      async connect(socket) {
        const { localAddress } = await socket.opened;
        const [host, port] = localAddress.split(":");
        if (host !== "pbx.internal") throw new Error("this network has no " + localAddress);
        const server = connect({ hostname: "127.0.0.1", port: Number(port) });
        await Promise.all([socket.readable.pipeTo(server.writable), server.readable.pipeTo(socket.writable)]);
      },
    };`,
};

function limited([name, limit]: [string, number]) {
  return [name, { namespace_id: name, simple: { limit, period: 60 as const } }] as const;
}

/** The settings that have a value. */
function written(settings: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** The names a subscriber's home has had since the server started: a deleted and re-created one counts up. */
function homeNames(addressOfRecord: string): string[] {
  return [1, 2, 3, 4].map((generation) => `${addressOfRecord}#${generation}`);
}
