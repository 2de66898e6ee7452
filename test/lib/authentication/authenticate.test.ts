import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type AccountSecret, authenticate, nobody } from "../../../lib/authentication/authenticate.ts";
import { mintNonce } from "../../../lib/authentication/nonce.ts";
import { keyring, receive } from "../support/sip.ts";

const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest("hex");
const hashes = (username: string) => ({
  md5: hash("md5", `${username}:example.com:offhook`),
  sha256: hash("sha256", `${username}:example.com:offhook`),
});
const at = { flow: "flow", now: 1_700_000_000_000, counts: [], nonceLifetime: 300 };

/** A REGISTER by whoever types this username, as it stands in the header: as Unicode, or as octets. */
function verdictOf(typed: string, user: string, secret: AccountSecret, inHeader = typed): "accepted" | number {
  const nonce = mintNonce(keyring, at.flow, at.now);
  const response = hash("md5", `${hashes(typed).md5}:${nonce}:00000001:c:auth:${hash("md5", "REGISTER:sip:example.com")}`);
  const { request } = receive(
    "REGISTER sip:example.com",
    `Authorization: Digest username="${inHeader}", realm="example.com", nonce="${nonce}", uri="sip:example.com", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"`,
  );
  const verdict = authenticate(keyring, request, { user, domain: "example.com", secret, at });
  return "counts" in verdict ? "accepted" : verdict.status;
}

describe("the username of a digest (RFC 7616 §3.4)", () => {
  it.each([
    ["josé", "jos%C3%A9"],
    ["user name", "user%20name"],
    ["9901#1", "9901%231"],
    ["你好", "%E4%BD%A0%E5%A5%BD"],
    ["مريم", "%D9%85%D8%B1%D9%8A%D9%85"],
    ["😀", "%F0%9F%98%80"],
  ])("%s is the name, or its spelling in URIs: %s", (name, user) => {
    const secret = { ...hashes(name), escaped: hashes(user) };
    expect(verdictOf(name, user, secret)).toBe("accepted");
    expect(verdictOf(name, user, secret, Buffer.from(name).toString("latin1"))).toBe("accepted");
    expect(verdictOf(user, user, secret)).toBe("accepted");
  });

  it("in the spelling of URIs alone is what accounts have that were made before names were stored without escapes", () => {
    const secret = { md5: "", sha256: "", escaped: hashes("jos%C3%A9") };
    expect(verdictOf("jos%C3%A9", "jos%C3%A9", secret)).toBe("accepted");
    expect(verdictOf("josé", "jos%C3%A9", secret)).toBe(401);
  });

  it.each(["jose", "JOSÉ", "jos", "josé "])("%j is another account", (typed) => {
    expect(verdictOf(typed, "jos%C3%A9", { ...hashes(typed), escaped: hashes(typed) })).toBe(401);
  });

  it("nobody is authenticated as nobody, whatever they know of this code", () => {
    const nonce = mintNonce(keyring, at.flow, at.now);
    const response = hash("md5", `${nobody.md5}:${nonce}:00000001:c:auth:${hash("md5", "REGISTER:sip:example.com")}`);
    const { request } = receive(
      "REGISTER sip:example.com",
      `Authorization: Digest username="ghost", realm="example.com", nonce="${nonce}", uri="sip:example.com", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"`,
    );
    expect(authenticate(keyring, request, { user: "ghost", domain: "example.com", secret: nobody, at })).toMatchObject({ status: 401 });
  });
});
