import { existsSync } from "node:fs";
import { build } from "esbuild";
import { cached } from "./cache.ts";
import { type Browser, type BrowserContext, chromium } from "playwright-core";

const whole = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
/** The same engine without what surrounds a page, in half the time: Debian has it in a package of its own. */
const shell = "/usr/bin/chromium-headless-shell";

/** Without Chromium the browser tests are skipped, except in CI, where they fail. */
export const canBrowse = existsSync(whole) || process.env["CI"] !== undefined;

export interface BrowserOptions {
  /** All of Chromium, with notifications and names of devices that outlive a page; absent: the shell, if there is one. */
  readonly isWhole?: boolean | undefined;
}

/** Chromium with a microphone that beeps, and no way out of this machine. */
export function startBrowser({ isWhole = process.env["CHROMIUM"] !== undefined }: BrowserOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: isWhole || !existsSync(shell) ? whole : shell,
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

/** The script of a test page, bundled. Many test files use the same ones. */
export function bundlePage(name: string): Promise<string> {
  return cached(`page-${name}.js`, ["test/browser/pages", "test/support/browser.ts", "package-lock.json"], () => bundledPage(name));
}

async function bundledPage(name: string): Promise<string> {
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
