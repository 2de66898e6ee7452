import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { tokenVerifierOf } from "../../platform/tokens/token-verifier.ts";
import { audience, encoded, issuer, newSigner } from "../support/tokens.ts";
import { api } from "./support/homes.ts";
import { newDomain } from "./support/keys.ts";

const signer = await newSigner();
const other = await newSigner();
const domains: string[] = [];
vi.stubGlobal("fetch", async () => Response.json({ keys: [signer.publicKey] }));

const put = (domain: string, body: object) =>
  api(`/domains/${domain}/issuers/login`, { method: "PUT", body: JSON.stringify({ issuer, audience: [audience], ...body }) });

beforeAll(async () => {
  for (let count = 0; count < 12; count += 1) {
    const domain = await newDomain();
    domains.push(domain);
    await put(domain, { jwks_uri: "https://1.1.1.1/jwks.json" });
  }
});
afterAll(async () => {
  for (const domain of domains) await api(`/domains/${domain}`, { method: "DELETE" });
});
afterEach(() => void vi.restoreAllMocks());

/** What the verification of one token costs that strangers show at so many hosts. */
async function cost(token: string, hosts: readonly string[]) {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const prepared = vi.spyOn(env.DIRECTORY, "prepare");
  const verify = vi.spyOn(crypto.subtle, "verify");
  for (const preferred of hosts) await tokenVerifierOf(env).verify(token, { preferred }, Date.now());
  const questions = prepared.mock.calls.filter(([query]) => query.includes("FROM issuers")).length;
  return { questions, signatures: verify.mock.calls.length };
}

const hosts = Array.from({ length: 20 }, (_, count) => `h${count}.example`);

describe("an issuer that many domains share", () => {
  it("costs a stranger's token one signature for each key set, and the directory one question for all hosts", async () => {
    const claims = { iss: issuer, aud: audience, sub: "alice", exp: 9_999_999_999 };
    const forged = `${encoded({ alg: "ES256", kid: signer.kid })}.${encoded(claims)}.${"A".repeat(86)}`;
    tokenVerifierOf(env).forget();
    const { questions, signatures } = await cost(forged, hosts);
    expect(questions).toBeLessThanOrEqual(2);
    expect(signatures).toBe(hosts.length);
  });

  it("is read without the keys, which are in memory once", async () => {
    const rows = await env.DIRECTORY.prepare("SELECT count(*) AS count FROM issuers WHERE keys IS NOT NULL").first("count");
    expect(rows).toBeGreaterThanOrEqual(12);
    const prepared = vi.spyOn(env.DIRECTORY, "prepare");
    tokenVerifierOf(env).forget();
    const token = await signer.sign({ sub: "alice" });
    expect(await tokenVerifierOf(env).verify(token, { only: domains[3] }, Date.now())).toMatchObject({ user: "alice", domain: domains[3] });
    const list = prepared.mock.calls.find(([query]) => query.includes("FROM issuers"));
    expect(list?.[0]).not.toMatch(/SELECT [^(]*\bkeys\b/);
  });

  it("is accepted for the domain of the host, and for that of the URL only", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const token = await signer.sign({ sub: "alice" });
    const verify = (wanted: { only?: string | undefined; preferred?: string | undefined }) =>
      tokenVerifierOf(env).verify(token, wanted, Date.now());
    expect(await verify({ preferred: domains[5] })).toMatchObject({ domain: domains[5] });
    expect(await verify({ only: domains[7] })).toMatchObject({ domain: domains[7] });
    expect(await verify({ preferred: "unknown.example" })).toBeUndefined();
    expect(await verify({ only: "unknown.example" })).toBeUndefined();
  });

  it("may have keys of its own in one domain, which count there at once and nowhere else", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const [own = "", second = ""] = domains;
    await put(own, { jwks: { keys: [other.publicKey] } });
    const verify = async (by: typeof signer, only: string) =>
      (await tokenVerifierOf(env).verify(await by.sign({ sub: "alice" }), { only }, Date.now())) !== undefined;
    expect([await verify(other, own), await verify(signer, own)]).toEqual([true, false]);
    expect([await verify(other, second), await verify(signer, second)]).toEqual([false, true]);
    await put(own, { jwks: { keys: [signer.publicKey] } });
    expect([await verify(other, own), await verify(signer, own)]).toEqual([false, true]);
  });
});
