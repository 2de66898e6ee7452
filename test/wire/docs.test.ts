import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { listenOnOwnPort, portOf } from "../support/own-port.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";
import { issueRoot } from "../support/telephone-certificates.ts";
import { newSigner } from "../support/tokens.ts";

/** What the documents call app.example.com and login.example.com: it takes everything, and has the keys of an issuer. */
const { publicKey } = await newSigner();
const others = createServer((_request, response) => response.end(JSON.stringify({ keys: [publicKey] })));
await listenOnOwnPort(others);
const settings = { ALLOWED_NETWORKS: "127.0.0.0/8", STIR_ROOTS: issueRoot().certificate };
const serverUnderTest = await startServerUnderTest({ settings });
const { server } = serverUnderTest;
const folder = mkdtempSync(join(tmpdir(), "docs-"));
afterAll(async () => {
  await serverUnderTest.close();
  others.close();
  others.closeAllConnections();
  await once(others, "close");
  rmSync(folder, { recursive: true });
});

const password = "correct-horse-battery";
const documents = [
  "api",
  "call-records",
  "media",
  "operations",
  "other-servers",
  "push",
  "sign-in",
  "verified-callers",
  "web-hooks",
  "your-app",
] as const;
const blocksOf = (name: string, language: string) => {
  const text = readFileSync(`docs/${name}.md`, "utf8");
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, "g"))].map(([, block = ""]) => block);
};

/** Names and secrets that stand for those of the reader. */
function ofReader(block: string): string {
  const here = `http://127.0.0.1:${portOf(others)}`;
  return block
    .replaceAll(/https:\/\/(?:app|login)\.example\.com\/(?!")/g, `${here}/`)
    .replaceAll("sip:pbx.example.com;transport=tcp", `sip:127.0.0.1:${portOf(others)};transport=tcp`)
    .replaceAll("REPLACE-BY-THE-OUTPUT-OF-openssl-rand-hex-32", "0".repeat(64))
    .replaceAll("PASSWORD", password)
    .replace(/^curl .*ofh_k3jd92mfa0qx41zb_….*$/m, "")
    .replaceAll("…", "x");
}

/** Runs the commands of a block as a reader does, but each has to succeed. */
async function run(block: string): Promise<string> {
  const before = [
    'curl() { command curl --silent --show-error --fail-with-body "$@"; }',
    `api=${server.url}/api/v1; auth="Authorization: Bearer ${server.adminToken}"; json="Content-Type: application/json"`,
  ];
  const commands = block.replace(/^api=.*$/m, "");
  const { stdout } = await promisify(execFile)("bash", ["-e", "-o", "pipefail", "-c", [...before, commands].join("\n")], { cwd: folder });
  return stdout;
}

beforeEach(async () => {
  writeFileSync(join(folder, "users.csv"), blocksOf("api", "csv")[0] ?? "");
  await server.api("PUT", "/domains/example.com", {});
  await server.api("PUT", "/domains/example.com/subscribers/alice", { password });
});

describe("the commands in the documents, one after another", () => {
  it.each(documents)("docs/%s.md", async (name) => {
    const blocks = blocksOf(name, "sh").filter(
      (block) => /^(?:curl|api=|user=)/m.test(block) && !/npx|mysql|https:\/\/sip\.|cloudflare/.test(block),
    );
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) await expect(run(ofReader(block))).resolves.toBeDefined();
  });

  it("are found to fail if they do", async () => {
    await expect(run('curl -H "$auth" $api/domains/none.example/subscribers')).rejects.toThrow("404");
  });
});
