import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { SlowFilesFirst } from "./test/support/slow-files-first.ts";
import { patience as patienceOfOneWait } from "./test/support/patience.ts";

/** Upper bounds only, in milliseconds: no test passes or fails by how busy the machine is. */
const patience = {
  testTimeout: 600_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: patienceOfOneWait, interval: 20 } },
};

const standIn = (module: string) => fileURLToPath(new URL(`test/scenarios/world/cloudflare-${module}.ts`, import.meta.url));

/** Miniflare reads NODE_EXTRA_CA_CERTS when it is loaded: these files set it first. */
const withCertificates = [
  ...["hep", "kamailio", "next-hop-web-socket", "verified-callers"].map((name) => `test/wire/${name}.test.ts`),
  "test/browser/telephone-network-tls.test.ts",
];

/** A question to a page costs as much as many to a server. */
const expectOfPages = { poll: { ...patience.expect.poll, interval: 60 } };

interface More {
  readonly include?: string[];
  readonly exclude?: string[];
  /** False: one process for many files, which leave nothing behind. */
  readonly isolate?: boolean;
  readonly expect?: typeof patience.expect;
}

const node = (name: string, folders: readonly string[], more: More = {}) => ({
  // Scenarios run the homes on a simulated platform.
  resolve: { alias: { "cloudflare:workers": standIn("workers"), "cloudflare:sockets": standIn("sockets") } },
  test: {
    name,
    include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
    environment: "node" as const,
    ...patience,
    ...more,
  },
});

const routerScript = readFileSync(fileURLToPath(new URL("test/rooms/support/router-worker.js", import.meta.url)), "utf8");

const report = process.env["TEST_REPORT"];

export default defineConfig({
  test: {
    // Many tests wait for a server or a browser most of the time.
    maxWorkers: 6,
    sequence: { sequencer: SlowFilesFirst },
    ...(report === undefined ? {} : { reporters: ["default", "json"], outputFile: { json: report } }),
    projects: [
      node("unit", ["unit", "torture", "properties"], { isolate: false }),
      node("scenarios", ["scenarios"], { isolate: false }),
      node("house", ["house"]),
      node("wire", ["wire"], { isolate: false, exclude: withCertificates }),
      node("browser", ["browser"], { isolate: false, exclude: withCertificates, expect: expectOfPages }),
      node("certificates", [], { include: withCertificates }),
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                LOCAL_DEVELOPMENT: "true",
                LOGGING: "false",
                ADMIN_TOKEN: "test-admin-token",
                SEAL_KEYS: "b2ZmaG9vay10ZXN0LWtleS0wMTIzNDU2Nzg5YWJjZGU=",
                TEST_MIGRATIONS: await readD1Migrations("migrations"),
              },
              // A customer's Worker that decides where calls go.
              serviceBindings: { ROUTER: { name: "router", entrypoint: "Router" } },
              workers: [{ name: "router", modules: true, script: routerScript, compatibilityDate: "2026-11-01" }],
            },
          })),
        ],
        test: {
          name: "rooms",
          include: ["test/rooms/**/*.test.ts"],
          setupFiles: ["test/rooms/setup.ts"],
          ...patience,
        },
      },
    ],
  },
});
