import { readFileSync } from "node:fs";
import * as JsSIP from "jssip";
import * as sipJs from "sip.js";
import { afterAll, describe, expect, it } from "vitest";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ subscribers: [{ domain: "example.com", username: "alice", password: "secret" }] });
afterAll(() => serverUnderTest.close());

/** The code of a page that stands behind this text, with our server and password in it. */
function codeOf(page: string, mark: string): string {
  const text = readFileSync(page, "utf8");
  const blocks = text.split("```js\n").slice(1);
  const block = blocks.find((one) => one.includes(mark))?.split("```")[0];
  if (block === undefined) throw new Error(`${page} has no code with ${mark}`);
  return block.replaceAll("wss://sip.example.com", serverUnderTest.server.wsUrl).replaceAll("…", "secret");
}

type Code = (...scope: readonly unknown[]) => Promise<unknown>;
const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as new (...names: readonly string[]) => Code;

/** Runs code as it stands, with these names known to it; returns what it calls by this name. */
function run(code: string, scope: Readonly<Record<string, unknown>>, result: string): Promise<unknown> {
  return new AsyncFunction(...Object.keys(scope), `${code}\nreturn ${result};`)(...Object.values(scope));
}

async function bindings(username: string): Promise<number> {
  const answer = await serverUnderTest.server.api("GET", `/domains/example.com/subscribers/${username}/bindings`);
  return ((await answer.json()) as { readonly bindings: readonly unknown[] }).bindings.length;
}

describe("the examples, as they stand", () => {
  it("JsSIP registers", async () => {
    const ua = (await run(codeOf("README.md", "// JsSIP"), { JsSIP }, "ua")) as JsSIP.UA;
    await expect.poll(() => bindings("alice")).toBe(1);
    ua.stop();
    await expect.poll(() => bindings("alice")).toBe(0);
  });

  it("SIP.js registers, and watches somebody", async () => {
    const scope = { ...sipJs, console: { log: (text: string) => told.push(text) } };
    const told: string[] = [];
    const { UserAgent } = sipJs;
    const quiet = class extends UserAgent {
      constructor(options: sipJs.UserAgentOptions) {
        super({ ...options, logBuiltinEnabled: false });
      }
    };
    const userAgent = (await run(codeOf("README.md", "// SIP.js"), { ...scope, UserAgent: quiet }, "userAgent")) as sipJs.UserAgent;
    await expect.poll(() => bindings("alice")).toBe(1);
    await serverUnderTest.server.provision({ domain: "example.com", username: "bob", password: "secret" });
    await serverUnderTest.connect("bob", "general", { domain: "example.com", password: "secret" }).then((bob) => bob.register());
    await run(
      codeOf("docs/presence.md", '"presence", { extraHeaders: ["Accept: application/pidf+xml"]'),
      { ...scope, userAgent },
      "subscriber",
    );
    await expect.poll(() => told.join()).toContain("<basic>open</basic>");
    await userAgent.transport.disconnect();
  });
});
