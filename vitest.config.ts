import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const node = (name: string, folders: readonly string[], seconds: number) => ({
  // Scenarios run the homes on a simulated platform.
  resolve: { alias: { "cloudflare:workers": fileURLToPath(new URL("test/scenarios/world/cloudflare-workers.ts", import.meta.url)) } },
  test: {
    name,
    include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
    environment: "node" as const,
    testTimeout: seconds * 1000,
    hookTimeout: seconds * 1000,
  },
});

const report = process.env["TEST_REPORT"];

export default defineConfig({
  test: {
    // Many tests wait for a server or a browser most of the time.
    maxWorkers: 2,
    ...(report === undefined ? {} : { reporters: ["default", "json"], outputFile: { json: report } }),
    projects: [
      node("lib", ["lib", "scenarios", "torture", "properties", "house"], 30),
      node("wire", ["wire"], 60),
      node("browser", ["browser"], 60),
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
            },
          })),
        ],
        test: {
          name: "rooms",
          include: ["test/rooms/**/*.test.ts"],
          setupFiles: ["test/rooms/setup.ts"],
          testTimeout: 30_000,
        },
      },
    ],
  },
});
