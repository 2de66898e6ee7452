import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { writeSigningSettings } from "../../lib/stir/signing-settings.ts";
import { createKeyring } from "../../platform/crypto/keyring.ts";
import { api } from "./support/homes.ts";

const x5u = "https://certificates.example/1.pem";
const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
if (!("privateKey" in pair)) throw new Error("no pair of keys");
const jwk = (await crypto.subtle.exportKey("jwk", pair.privateKey)) as JsonWebKey;
const pkcs8 = (await crypto.subtle.exportKey("pkcs8", pair.privateKey)) as ArrayBuffer;
const pem = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(pkcs8).toString("base64")}\n-----END PRIVATE KEY-----\n`;

let count = 0;
async function newDomain(): Promise<string> {
  count += 1;
  await api(`/domains/signing-${count}.example`, { method: "PUT" });
  return `signing-${count}.example`;
}

const put = (domain: string, body: object): Promise<Response> =>
  api(`/domains/${domain}/signing`, { method: "PUT", body: JSON.stringify(body) });
const stored = (domain: string): Promise<string | null> =>
  env.DIRECTORY.prepare("SELECT settings FROM signing WHERE domain = ?").bind(domain).first<string>("settings");

describe("how a domain's calls are signed", () => {
  it("is stored with the private key sealed, and shown without it", async () => {
    const domain = await newDomain();
    const shown = { x5u, numbers: [], attest: { own_number: "A", other_number: "B", elsewhere: "C" }, lost: false };
    for (const key of [pem, JSON.stringify(jwk)]) expect(await (await put(domain, { x5u, key })).json()).toEqual(shown);
    expect(await (await api(`/domains/${domain}/signing`)).json()).toEqual(shown);
    expect(await stored(domain)).not.toContain(jwk.d);
  });

  it("keeps the private key if it is left out", async () => {
    const domain = await newDomain();
    expect((await put(domain, { x5u })).status).toBe(400);
    await put(domain, { x5u, key: pem });
    const changed = { x5u: `${x5u}?2`, numbers: ["+4930"], attest: { elsewhere: "none" } };
    expect((await put(domain, changed)).status).toBe(200);
    expect(await (await api(`/domains/${domain}/signing`)).json()).toMatchObject({ ...changed, lost: false });
  });

  it("is lost with the key in SEAL_KEYS, and says so: 409 until the private key is sent again", async () => {
    const domain = await newDomain();
    const policy = { ownNumber: "A", otherNumber: "B", elsewhere: "C" } as const;
    const lost = writeSigningSettings({ x5u, key: "{}", policy, numbers: [] }, domain, createKeyring([new Uint8Array(32)]));
    await env.DIRECTORY.prepare("INSERT INTO signing (domain, settings) VALUES (?, ?)").bind(domain, lost).run();
    expect(await (await api(`/domains/${domain}/signing`)).json()).toMatchObject({ lost: true });
    expect((await put(domain, { x5u })).status).toBe(409);
    expect(await (await put(domain, { x5u, key: pem })).json()).toMatchObject({ lost: false });
  });

  it.each<[member: string, body: object]>([
    ["x5u", { x5u: "http://certificates.example/1.pem", key: pem }],
    ["x5u", { x5u: "https://certificates.example/>;x", key: pem }],
    ["key", { x5u, key: "nonsense" }],
    ["key", { x5u, key: pem.replace("MIGH", "MIGG") }],
    ["key", { x5u, key: JSON.stringify({ ...jwk, d: undefined }) }],
    ["key", { x5u, key: "x".repeat(9000) }],
    ["numbers.0", { x5u, key: pem, numbers: ["030"] }],
    ["attest.own_number", { x5u, key: pem, attest: { own_number: "D" } }],
  ])("with a wrong %s is refused, without the key in the answer", async (member, body) => {
    const answer = await put(await newDomain(), body);
    const text = await answer.text();
    expect([answer.status, text]).toEqual([400, expect.stringContaining(`${member}:`)]);
    expect(text).not.toContain(jwk.d);
  });

  it("ends when it is deleted, and with the domain", async () => {
    const domain = await newDomain();
    await put(domain, { x5u, key: pem });
    expect((await api(`/domains/${domain}/signing`, { method: "DELETE" })).status).toBe(204);
    expect((await api(`/domains/${domain}/signing`)).status).toBe(404);
    await put(domain, { x5u, key: pem });
    await api(`/domains/${domain}`, { method: "DELETE" });
    expect(await stored(domain)).toBeNull();
  });
});

describe("a trunk", () => {
  const trunk = (domain: string, more: object): Promise<Response> =>
    api(`/domains/${domain}/trunks/t`, { method: "PUT", body: JSON.stringify({ server: "sip:pbx.example;transport=tcp", ...more }) });

  it("signs only for a domain with a key, and says so", async () => {
    const domain = await newDomain();
    const refused = await trunk(domain, { identity: "sign" });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(`PUT /domains/${domain}/signing first`)]);
    await put(domain, { x5u, key: pem });
    expect(await (await trunk(domain, { identity: "sign" })).json()).toMatchObject({ identity: "sign", verify: "off" });
    expect(await (await trunk(domain, {})).json()).toMatchObject({ identity: "pass", verify: "off" });
  });

  it("verifies only with authorities to trust, and says so", async () => {
    const refused = await trunk(await newDomain(), { verify: "note" });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("STIR_ROOTS")]);
  });
});

it("a user may take verified callers only", async () => {
  const domain = await newDomain();
  await api(`/domains/${domain}/subscribers/alice`, { method: "PUT", body: JSON.stringify({ password: "correct-horse" }) });
  const rules = { method: "PUT", body: JSON.stringify({ blocked: ["unverified"] }) };
  expect(await (await api(`/domains/${domain}/subscribers/alice/rules`, rules)).json()).toMatchObject({ blocked: ["unverified"] });
});
