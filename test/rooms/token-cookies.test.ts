import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Phone } from "../support/phone.ts";
import { audience, issuer, newSigner } from "../support/tokens.ts";
import { api, newcomers, phoneOn, registered } from "./support/homes.ts";

const signer = await newSigner();
vi.stubGlobal("fetch", async () => Response.json({ keys: [signer.publicKey] }));

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  await api("/domains/localhost", { method: "PUT" });
  const body = { issuer, jwks_uri: "https://1.1.1.1/jwks.json", audience: [audience] };
  await api("/domains/localhost/issuers/login", { method: "PUT", body: JSON.stringify(body) });
});
afterEach(() => void vi.restoreAllMocks());

const upgrade = (path: string, more: Readonly<Record<string, string>> = {}, scheme = "http") =>
  exports.default.fetch(`${scheme}://localhost${path}`, { headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip", ...more } });

async function phoneAt(path: string, account: string, Cookie: string, scheme = "http"): Promise<Phone> {
  const { webSocket, status } = await upgrade(path, { Cookie, Origin: `${scheme}://localhost` }, scheme);
  if (webSocket === null) throw new Error(`the upgrade was refused with ${status}`);
  webSocket.accept();
  return phoneOn(webSocket, { account, way: "direct" });
}

describe("a token in a cookie", () => {
  it("that is not accepted does not refuse a phone with a password", async () => {
    const [alice] = await newcomers("alice");
    const expired = await signer.sign({ sub: alice, exp: Math.floor(Date.now() / 1000) - 100 });
    expect((await (await phoneAt("/ws", alice, `offhook_access_token=${expired}`)).register()).status).toBe(200);
  });

  it.each([
    ["http", "offhook_access_token", 200],
    ["http", "__Host-offhook_access_token", 401],
    ["https", "offhook_access_token", 401],
    ["https", "__Host-offhook_access_token", 200],
  ])("counts by the name that fits the scheme: %s, %s", async (scheme, name, status) => {
    const [alice] = await newcomers("alice");
    const phone = await phoneAt("/ws", alice, `${name}=${await signer.sign({ sub: alice })}`, scheme);
    const sent = phone.request("REGISTER", "sip:localhost", { to: `<${phone.aor}>`, contact: phone.contact });
    expect((await phone.finalResponse(sent)).status).toBe(status);
  });

  it("makes no guest of the user whom the URL names", async () => {
    const [alice, bob] = await newcomers("alice", "bob");
    await registered({ account: alice, way: "direct" });
    const made = await api("/domains/localhost/guest-tokens", { method: "POST", body: JSON.stringify({ users: [bob] }) });
    const { token } = (await made.json()) as { token: string };
    expect((await (await phoneAt(`/ws/${alice}@localhost`, alice, `offhook_access_token=${token}`)).register()).status).toBe(200);
    expect((await upgrade(`/ws/${alice}@localhost?access_token=${token}`)).status).toBe(401);
    expect((await upgrade(`/ws?access_token=${token}`)).status).toBe(101);
  });
});
