import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBaresip } from "../support/baresip.ts";
import { canBrowse } from "../support/browser.ts";
import { freePort } from "../support/kamailio.ts";
import { hasRtpengine } from "../support/rtpengine.ts";
import { type Parlour, openParlour } from "./browser-phone.ts";
import { dial, hears, open, reads } from "./softphone-page.ts";

/** The blocks of the section, in order. */
const [, section = ""] =
  /## A call to a desk phone, in ten minutes\n([^]*?)\n## /.exec(readFileSync("docs/other-servers.md", "utf8")) ?? [];
const blocks = [...section.matchAll(/```sh\n([^]*?)```/g)].map(([, block = ""]) => block);

describe.skipIf(!canBrowse || !hasBaresip || !hasRtpengine)("docs/other-servers.md: a call to a desk phone", () => {
  const folder = mkdtempSync(join(tmpdir(), "desk-phone-"));
  let parlour: Parlour;
  let ofReader: (block: string) => string;
  beforeAll(async () => {
    parlour = await openParlour({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
    // baresip takes the next port too, for TLS.
    const [sip] = [await freePort(), await freePort()];
    const [control, media] = [await freePort(), 61_000 + ((await freePort()) % 20) * 200];
    const { url, adminToken } = parlour.serverUnderTest.server;
    // The first block starts what is started already; what is installed stays, and other tests have the same ports.
    ofReader = (block) =>
      block
        .replace(/^(?:npm start|sudo apt-get .*)$/m, "true")
        .replace("$(hostname -I | cut -d' ' -f1)", "127.0.0.1")
        .replace("http://localhost:8787", url)
        .replace("dev-admin-token", adminToken)
        .replaceAll("5062", String(sip))
        .replaceAll("22230", String(control))
        .replace("--port-min=30000 --port-max=30100", `--port-min=${media} --port-max=${media + 100}`)
        .replace("sip_listen", "net_interface 127.0.0.1\nsip_listen")
        .replaceAll("desk-phone", `${folder}/desk-phone`)
        .replaceAll("curl ", "curl --silent --show-error --fail-with-body ");
  });
  const run = async (block: string): Promise<string> => {
    const { stdout } = await promisify(execFile)("bash", ["-e", "-o", "pipefail", "-c", ofReader(block)], { cwd: folder });
    return stdout;
  };
  afterAll(async () => {
    await run(blocks.at(-1) ?? "");
    await parlour?.close();
    rmSync(folder, { recursive: true });
  });

  it("each command is executed, and the caller hears", async () => {
    expect(blocks).toHaveLength(5);
    const said: string[] = [];
    for (const block of blocks.slice(0, -1)) said.push(await run(block));
    expect(said.at(-1)).toContain("reachable");
    const page = await open(parlour, await parlour.serverUnderTest.newcomer("alice"));
    await dial(page, "+4930100");
    await reads(page, "#progress", "In a call");
    await hears(page);
    await page.click("#hangup");
  });
});
