import { createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { CallerStanding } from "../../../../lib/stir/attestation.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { parseMessage } from "../../../../lib/syntax/message.ts";
import { readCertificates } from "../../../../platform/stir/certificate.ts";
import { signCall } from "../../../../platform/stir/signer.ts";
import { Signers } from "../../../../platform/stir/signers.ts";
import { readSigningKey } from "../../../../platform/stir/signing-key.ts";
import { verifyInTime } from "../../../../platform/stir/verify-caller.ts";
import { compose } from "../../../support/compose.ts";
import { issueProvider, issueRoot } from "../../../support/telephone-certificates.ts";

const root = issueRoot();
const provider = issueProvider(root);
const read = readSigningKey(provider.key);
const policy = { ownNumber: "A", otherNumber: "B", elsewhere: "C" } as const;
const settings = { x5u: "https://certificates.example/1.pem", key: "key" in read ? read.key : "", policy, numbers: [] };
const call = { number: "12155551212", called: { tn: "4930555" }, dialled: "4930555" } as const;
/** The certificate is valid. */
const now = Date.now() + 60_000;

const partsOf = (value: string) => {
  const [token = ""] = value.split(";");
  const [header = "", claims = "", signature = ""] = token.split(".");
  const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  return { header: decode(header), claims: decode(claims), signed: `${header}.${claims}`, signature };
};

describe("a call is signed (RFC 8224 §6.1, RFC 8588)", () => {
  it("so that openssl's key verifies it", async () => {
    const [value = ""] = await signCall(settings, { call, standing: "own number", isSigned: false }, now);
    expect(value).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+;info=<https:\/\/certificates\.example\/1\.pem>;alg=ES256;ppt="shaken"$/);
    const { header, claims, signed, signature } = partsOf(value);
    expect(header).toEqual({ alg: "ES256", ppt: "shaken", typ: "passport", x5u: settings.x5u });
    const { origid, ...more } = claims;
    expect(more).toEqual({ attest: "A", dest: { tn: ["4930555"] }, iat: Math.floor(now / 1000), orig: { tn: "12155551212" } });
    expect(origid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    const key = { key: createPublicKey(provider.certificate), dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", Buffer.from(signed), key, Buffer.from(signature, "base64url"))).toBe(true);
  });

  it.each<[CallerStanding, string]>([
    ["own number", "A"],
    ["other number", "B"],
    ["elsewhere", "C"],
  ])("%s: %s", async (standing, attest) => {
    const [value = ""] = await signCall(settings, { call, standing, isSigned: false }, now);
    expect(partsOf(value).claims["attest"]).toBe(attest);
    const none = { ...settings, policy: { ownNumber: "none", otherNumber: "none", elsewhere: "none" } as const };
    expect(await signCall(none, { call, standing, isSigned: false }, now)).toEqual([]);
  });

  it("a call that another server has signed is not signed again; its forwarding is (RFC 8946)", async () => {
    expect(await signCall(settings, { call, standing: "elsewhere", isSigned: true }, now)).toEqual([]);
    const forwarded = { ...call, dialled: "49999" };
    const [only = "", ...more] = await signCall(settings, { call: forwarded, standing: "elsewhere", isSigned: true }, now);
    expect([partsOf(only).header["ppt"], partsOf(only).claims["div"], more.length]).toEqual(["div", { tn: "4930555" }, 0]);
  });

  it("a forwarded call is verified by the other side, by both signatures", async () => {
    const identities = await signCall(settings, { call: { ...call, dialled: "49999" }, standing: "own number", isSigned: false }, now);
    const lines = [
      "Via: SIP/2.0/TCP a.example;branch=z9hG4bK1",
      "From: <sip:+12155551212@example.com>;tag=1",
      "To: <sip:+4930555@example.com>",
    ];
    const more = ["Call-ID: 1", "CSeq: 1 INVITE", ...identities.map((value) => `Identity: ${value}`)];
    const request = parseMessage(compose("INVITE sip:+49999@example.com SIP/2.0", [...lines, ...more]));
    if (isFault(request) || request.kind !== "request") throw new Error("not a request");
    const signers = new Signers(readCertificates(root.certificate, 1) ?? [], async () => ({ pem: provider.certificate, age: 60 }));
    const found = { request, dialled: "49999", format: "e164", isTrusted: false } as const;
    expect(await verifyInTime((url, at) => signers.of(url, at), found, now, 60_000)).toMatchObject({ result: "passed", attestation: "A" });
  });
});

describe("a private key", () => {
  it("is taken in PEM and as a JSON Web Key, and kept as the same", () => {
    if ("why" in read) throw new Error(read.why);
    expect(readSigningKey(read.key)).toEqual(read);
  });

  it.each([
    ["nonsense", "neither"],
    ["{", "neither"],
    ['{"kty":"oct","k":"AAAA"}', "neither"],
    [issueProvider(root, { curve: "secp384r1" }).key, "P-256"],
    [provider.certificate, "neither"],
  ])("is refused: %s", (written, why) => {
    const found = readSigningKey(written);
    expect("why" in found && found.why).toContain(why);
  });
});
