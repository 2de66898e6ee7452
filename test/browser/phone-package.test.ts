import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type ComponentUnderTest, startComponent } from "./component-phone.ts";

/** The example of docs/phone-component.md. */
const example = readFileSync("docs/phone-component.md", "utf8").split("```ts\n")[1]?.split("```")[0] ?? "";

describe.skipIf(!canBrowse)("the package @offhook/phone", () => {
  let component: ComponentUnderTest;
  let folder = "";
  beforeAll(async () => {
    execFileSync(process.execPath, ["scripts/build-phone.ts"]);
    folder = mkdtempSync(join(tmpdir(), "offhook-package-"));
    mkdirSync(join(folder, "node_modules/@offhook"), { recursive: true });
    symlinkSync(resolve("dist/phone"), join(folder, "node_modules/@offhook/phone"));
    component = await startComponent();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await component?.close();
  });

  const compile = (source: string): string => {
    writeFileSync(join(folder, "app.ts"), source);
    const options = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--target",
      "es2024",
      "--lib",
      "es2024,dom",
      "--module",
      "nodenext",
      "--types",
      "",
    ];
    try {
      return execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", ...options, join(folder, "app.ts")], { encoding: "utf8" });
    } catch (error) {
      return (error as { readonly stdout: string }).stdout;
    }
  };
  const declared = `
    import type { Call, Connection } from "@offhook/phone";
    import type { OffhookPhone } from "@offhook/phone/element";
    declare const token: string;
    declare function newToken(): Promise<string>;
    declare function draw(connection: Connection, calls: readonly Call[]): void;
    export const element: OffhookPhone | null = document.querySelector("offhook-phone");
    export {};\n`;

  it("has types for the example of its page, and they are not any", () => {
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    expect(example).toContain("@offhook/phone");
    expect(compile(declared + example)).toBe("");
    expect(compile(`${declared}${example}phone.call(5); phone.on("rang", () => undefined); element?.hangUp();`)).toMatch(
      /TS2345[^]*TS2345[^]*TS2339/,
    );
  });

  it("registers and calls in a page of its own, without a view, and logs no token", async () => {
    const [alice, bob] = [await component.serverUnderTest.newcomer("alice"), await component.phone("bob")];
    const account = {
      ...{ server: component.serverUnderTest.server.url, address: `${alice}@localhost`, way: "direct", ice: [] },
      credentials: { token: await component.token(alice) },
    };
    const source = `
      import { Phone, instanceOfTab } from "@offhook/phone";
      const phone = new Phone({ instance: await instanceOfTab() });
      phone.on("changed", ({ connection, calls }) => { document.title = [connection.kind, calls[0]?.phase].join(" "); });
      phone.on("measured", ({ quality }) => { window.packets = quality.packetsReceived; });
      window.written = "";
      phone.signIn(${JSON.stringify(account)}, (direction, text) => { window.written += text; });
      window.phone = phone;`;
    const stdin = { contents: source, resolveDir: folder, sourcefile: "page.js" };
    const { outputFiles } = await build({ stdin, bundle: true, write: false, format: "esm", target: "es2022", logLevel: "error" });
    // Only the host in it is read by the site, for its policy.
    const host = `<!-- script src="${component.serverUnderTest.server.url}/offhook -->`;
    const page = await component.visit(
      `${host}<script type="module">${(outputFiles[0]?.text ?? "").replaceAll("</script", "<\\/script")}</script>`,
    );
    await expect.poll(() => page.title()).toBe("registered");
    await page.evaluate(`phone.call(${JSON.stringify(bob.address)})`);
    await bob.page.click("offhook-phone button.answer");
    await expect.poll(() => page.title()).toBe("registered talking");
    await expect.poll(() => page.evaluate("window.packets")).toBeGreaterThan(50);
    const token = await component.token(alice);
    await page.evaluate(`phone.renewToken(${JSON.stringify(token)})`);
    await expect.poll(() => page.evaluate("window.written")).toContain("Authorization: Bearer …");
    expect(await page.evaluate("window.written")).not.toContain(token);
  });
});
