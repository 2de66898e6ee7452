import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from "miniflare";

/** One workerd process of our own, which can be stopped, killed without notice and started again on the same port. */
export interface Runtime {
  /** `http://127.0.0.1:port`; the port stays the same over a restart. */
  readonly url: string;
  /** The folder with all that it stores. */
  readonly storage: string;
  /** What the Worker logged, and what it threw without catching, oldest first. */
  readonly logs: readonly string[];
  /** The living Miniflare; another one after `restart()`. */
  miniflare(): Miniflare;
  /** The process id of workerd, whose CPU time the benchmarks read. */
  pid(): number;
  /** SIGKILL, as a power cut does it: nothing is told, nothing is flushed. */
  kill9(): Promise<void>;
  /** Starts workerd again on the same port and storage, after `kill9()` or in the middle of its life. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RuntimeOptions {
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** Listen with the Worker itself and not with Miniflare's entry in front of it: for benchmarks, where the entry would be measured too. */
  readonly bare?: boolean;
  /** Workers beside it, which it may be bound to. */
  readonly others?: readonly V4WorkerOptions[];
  /** What its storage has from the start: files in base64, by their paths. */
  readonly stored?: Readonly<Record<string, string>>;
  /** Where a debugger may look in, or take a profile; absent: nowhere. */
  readonly inspectorPort?: number;
}

export async function startRuntime(worker: V4WorkerOptions, options: RuntimeOptions = {}): Promise<Runtime> {
  const storage = await mkdtemp(join(memoryFolder(), "offhook-"));
  storages.add(storage);
  for (const [path, content] of Object.entries(options.stored ?? {})) {
    mkdirSync(join(storage, dirname(path)), { recursive: true });
    writeFileSync(join(storage, path), content, "base64");
  }
  const logs: string[] = [];
  let { miniflare, url, pid } = await start(options.port ?? 0);

  /** One after the other: each tells its process by what there was before. */
  function start(port: number): Promise<{ miniflare: Miniflare; url: string; pid: number }> {
    const started = starting.then(() => startNow(port));
    starting = started.catch(() => undefined);
    return started;
  }

  async function startNow(port: number): Promise<{ miniflare: Miniflare; url: string; pid: number }> {
    const before = workerds();
    const started = new Miniflare(
      convertV4MiniflareOptions({
        ...(options.others === undefined ? worker : { workers: [worker, ...options.others] }),
        ...(options.bare === true ? { unsafeDirectSockets: [{ host: "127.0.0.1", port }] } : { port }),
        host: "127.0.0.1",
        cf: false,
        // Its wrapper of each object makes a table of its own, and would be measured too.
        unsafeInspectDurableObjects: options.bare !== true,
        ...(options.inspectorPort === undefined ? {} : { inspectorPort: options.inspectorPort }),
        resourcePersistencePath: storage,
        handleStructuredLogs: ({ message }) => logs.push(message),
        handleUncaughtError: (error) => logs.push(error.stack ?? error.message),
      }),
    );
    const entry = await started.ready;
    const address = options.bare === true ? await started.unsafeGetDirectURL() : entry;
    const child = workerds().find((candidate) => !before.includes(candidate));
    if (child === undefined) throw new Error("workerd started, but /proc does not show it");
    return { miniflare: started, url: `http://127.0.0.1:${address.port}`, pid: child };
  }

  const end = async (): Promise<void> => {
    if (workerds().includes(pid)) await miniflare.dispose();
  };

  return {
    url,
    storage,
    logs,
    miniflare: () => miniflare,
    pid: () => pid,
    kill9: async () => {
      process.kill(pid, "SIGKILL");
      await miniflare.dispose();
    },
    restart: async () => {
      await end();
      ({ miniflare, pid } = await start(Number(new URL(url).port)));
    },
    stop: async () => {
      await end();
      await rm(storage, { recursive: true, force: true });
      storages.delete(storage);
    },
  };
}

let starting: Promise<unknown> = Promise.resolve();

/** What a run that ended in the middle leaves behind is removed as well. */
const storages = new Set<string>();
process.once("exit", () => {
  for (const storage of storages) rmSync(storage, { recursive: true, force: true });
});

/** Storage on tmpfs where there is one, so that no test waits for a disk. */
function memoryFolder(): string {
  return existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
}

/** The workerd processes this process started: read from /proc, or asked of ps where there is none (macOS). */
function workerds(): number[] {
  if (!existsSync("/proc")) return listed();
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids.map(Number).filter((pid) => isOurWorkerd(pid));
}

function listed(): number[] {
  const listing = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,comm="], { encoding: "utf8" });
  return listing.split("\n").flatMap((line) => {
    const [pid, parent, state = "", ...command] = line.trim().split(/\s+/);
    const isOurs = Number(parent) === process.pid && !state.startsWith("Z") && command.join(" ").endsWith("workerd");
    return isOurs ? [Number(pid)] : [];
  });
}

function isOurWorkerd(pid: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    if (hasEnded(error)) return false;
    throw error;
  }
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat.includes("(workerd)") && Number(parent) === process.pid && state !== "Z";
}

/** A process may end between the listing of /proc and the reading of its entry. */
function hasEnded(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ESRCH";
}
