import { existsSync } from "node:fs";
import { build } from "esbuild";
import { type Browser, type BrowserContext, chromium } from "playwright-core";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Without Chromium the browser tests are skipped, except in CI, where they fail. */
export const canBrowse = existsSync(executablePath) || process.env["CI"] !== undefined;

/** Chromium with a microphone that beeps, and no way out of this machine. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      "--allow-loopback-in-peer-connection",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks",
      "--autoplay-policy=no-user-gesture-required",
      "--no-first-run",
    ],
  });
}

/** The script of a test page, bundled. */
export async function bundlePage(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`test/browser/pages/${name}.ts`],
    bundle: true,
    write: false,
    format: "iife",
    define: { global: "globalThis" },
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
}

/** Serves the test pages under the server's own origin. */
export async function servePages(context: BrowserContext, origin: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const script = await bundlePage(name);
    await context.route(`${origin}/test/${name}`, (route) =>
      route.fulfill({ contentType: "text/html", body: `<!doctype html><title>${name}</title><script>${script}</script>` }),
    );
  }
}
