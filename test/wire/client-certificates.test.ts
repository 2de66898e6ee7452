import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificates } from "../support/certificates.ts";
import { compose } from "../support/compose.ts";
import { startServerUnderTest, type ServerUnderTest } from "../support/server-under-test.ts";

/** Cloudflare's edge has checked the certificate, and says what it has found: the local runtime is told the same. */
let serverUnderTest: ServerUnderTest;
const folder = mkdtempSync(join(tmpdir(), "clients-"));
let alice: string;

/** A certificate of an authority of its own, `<name>/ca.pem`. */
function issue(name: string, names: string): { readonly authority: string; readonly written: string } {
  const place = join(folder, name);
  execFileSync("mkdir", [place]);
  makeCertificates(place, names);
  const der = execFileSync("openssl", ["x509", "-in", join(place, "server.pem"), "-outform", "DER"]);
  return { authority: readFileSync(join(place, "ca.pem"), "utf8"), written: `:${der.toString("base64")}:` };
}

let good: ReturnType<typeof issue>;
let byMail: ReturnType<typeof issue>;
let foreign: ReturnType<typeof issue>;
const settings = (authority: string | undefined) =>
  serverUnderTest.server.api("PUT", "/domains/localhost/settings", authority === undefined ? {} : { client_authority: authority });

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_ORIGINS: "" } });
  alice = await serverUnderTest.newcomer("alice");
  good = issue("good", `URI:sip:${alice}@localhost`);
  byMail = issue("mail", `email:${alice}@localhost`);
  foreign = issue("foreign", `URI:sip:${alice}@localhost`);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await serverUnderTest.close();
});

interface Upgrade {
  readonly path?: string;
  readonly origin?: string;
  readonly verified?: string;
  readonly revoked?: string;
}

/** The status of the answer to a REGISTER on a connection with this certificate. */
async function registers(written: string, { path = "/ws", origin, verified = "SUCCESS", revoked = "0" }: Upgrade = {}): Promise<number> {
  const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip", ...(origin === undefined ? {} : { Origin: origin }) };
  const tlsClientAuth = { certVerified: verified, certRevoked: revoked, certRFC9440: written, certFingerprintSHA256: "" };
  const runtime = serverUnderTest.server.miniflare();
  const { webSocket } = await runtime.dispatchFetch(`http://localhost${path}`, { headers, cf: { tlsClientAuth } as never });
  if (webSocket === null || webSocket === undefined) throw new Error("there is no WebSocket");
  const answer = new Promise<number>((resolve) => {
    webSocket.addEventListener("message", ({ data }) => resolve(Number(/^SIP\/2\.0 (\d+)/.exec(String(data))?.[1])));
  });
  webSocket.accept();
  const aor = `sip:${alice}@localhost`;
  const lines = [
    `From: <${aor}>;tag=a`,
    `To: <${aor}>`,
    `Call-ID: ${randomUUID()}`,
    "CSeq: 1 REGISTER",
    `Contact: <sip:${alice}@x.invalid;transport=ws>`,
  ];
  webSocket.send(compose("REGISTER sip:localhost SIP/2.0", ["Via: SIP/2.0/WS x.invalid;branch=z9hG4bKa", "Max-Forwards: 70", ...lines]));
  const status = await answer;
  webSocket.close(1000);
  return status;
}

describe("a client certificate that Cloudflare has verified", () => {
  it.each(["/ws", "path of the user"])("of the domain's authority signs its user in: %s", async (path) => {
    await settings(good.authority);
    expect(await registers(good.written, path === "/ws" ? {} : { path: `/ws/${alice}@localhost` })).toBe(200);
    await settings(byMail.authority);
    expect(await registers(byMail.written, path === "/ws" ? {} : { path: `/ws/${alice}@localhost` })).toBe(200);
  });

  it.each<readonly [string, () => readonly [string, Upgrade?]]>([
    ["was not verified", () => [good.written, { verified: "FAILED:self signed certificate" }]],
    ["was not presented", () => ["", { verified: "NONE" }]],
    ["was revoked", () => [good.written, { revoked: "1" }]],
    ["is of another authority", () => [foreign.written]],
    ["is for another user than the URL", () => [good.written, { path: "/ws/bob@localhost" }]],
    ["is shown for a page of another origin", () => [good.written, { origin: "https://evil.example" }]],
    ["cannot be read", () => [":AAAA:"]],
    ["is too long", () => [`:${"A".repeat(20_000)}:`]],
  ])("that %s does not sign its user in: the phone is challenged", async (_what, shown) => {
    await settings(good.authority);
    expect(await registers(...shown())).toBe(401);
  });

  it("does not sign its user in where the domain has no authority, nor after the user's tokens were revoked", async () => {
    await settings(undefined);
    expect(await registers(good.written)).toBe(401);
    await settings(good.authority);
    expect(await registers(good.written)).toBe(200);
    expect((await serverUnderTest.server.api("DELETE", `/domains/localhost/subscribers/${alice}/tokens`)).status).toBe(204);
    expect(await registers(good.written)).toBe(401);
  });

  it.each(["rubbish", "a certificate of no authority", "two certificates"])("an authority that is %s is refused: 400", async (what) => {
    const own = readFileSync(join(folder, "good", "server.pem"), "utf8");
    const pem = what === "rubbish" ? "-----BEGIN" : what === "two certificates" ? good.authority + foreign.authority : own;
    const answer = await settings(pem);
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("client_authority")]);
  });
});
