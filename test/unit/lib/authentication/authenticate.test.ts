import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type AccountSecret, authenticate, guessesIn, nobody } from "../../../../lib/authentication/authenticate.ts";
import { mintNonce } from "../../../../lib/authentication/nonce.ts";
import { brakeDelay, brakeHarder, released } from "../../../../lib/authentication/brake.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { keyring, receive } from "../support/sip.ts";

const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest("hex");
const hashes = (username: string) => ({
  md5: hash("md5", `${username}:example.com:offhook`),
  sha256: hash("sha256", `${username}:example.com:offhook`),
});
const at = { flow: "flow", now: 1_700_000_000_000, counts: [], nonceLifetime: 300 };

/** A REGISTER by whoever types this username, as it stands in the header: as Unicode, or as octets. */
function verdictOf(typed: string, user: string, secret: AccountSecret, inHeader = typed): "accepted" | number {
  const nonce = mintNonce(keyring, { ...at, request: "one" });
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

  it.each([
    ["sip:example.com", "authentication is required"],
    ["sip:EXAMPLE.com", "authentication is required"],
    ["sip:other.example", "the uri of the credentials is not the Request-URI"],
    ["rubbish", "the uri of the credentials is not the Request-URI"],
  ])("a digest for the uri %s is challenged with the Warning %s (RFC 7616 §3.4.6)", (uri, why) => {
    const nonce = mintNonce(keyring, { ...at, request: "one" });
    const credentials = `Digest username="alice", realm="example.com", nonce="${nonce}", uri="${uri}", response="${"0".repeat(32)}"`;
    for (const [startLine, header, status] of [
      ["REGISTER sip:example.com", "Authorization", 401],
      ["MESSAGE sip:example.com", "Proxy-Authorization", 407],
    ] as const) {
      const { request } = receive(startLine, `${header}: ${credentials}`);
      const verdict = authenticate(keyring, request, { user: "alice", domain: "example.com", secret: hashes("alice"), at });
      expect(verdict).toMatchObject({ status, fault: why });
    }
  });

  it("nobody is authenticated as nobody, whatever they know of this code", () => {
    const nonce = mintNonce(keyring, { ...at, request: "one" });
    const response = hash("md5", `${nobody.md5}:${nonce}:00000001:c:auth:${hash("md5", "REGISTER:sip:example.com")}`);
    const { request } = receive(
      "REGISTER sip:example.com",
      `Authorization: Digest username="ghost", realm="example.com", nonce="${nonce}", uri="sip:example.com", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"`,
    );
    expect(authenticate(keyring, request, { user: "ghost", domain: "example.com", secret: nobody, at })).toMatchObject({ status: 401 });
  });
});

/** Credentials with a password, as a header line. */
function line(
  password: string,
  { algorithm = "MD5", realm = "example.com", nonce = mintNonce(keyring, { ...at, request: "one" }) } = {},
): string {
  const name = algorithm === "MD5" ? "md5" : "sha256";
  const first = hash(name, `alice:${realm}:${password}`);
  const response = hash(name, `${first}:${nonce}:00000001:c:auth:${hash(name, "REGISTER:sip:example.com")}`);
  return `Authorization: Digest username="alice", realm="${realm}", nonce="${nonce}", uri="sip:example.com", response="${response}", algorithm=${algorithm}, qop=auth, nc=00000001, cnonce="c"`;
}

function tried(...lines: readonly string[]) {
  const { request } = receive("REGISTER sip:example.com", ...lines);
  const verdict = authenticate(keyring, request, { user: "alice", domain: "example.com", secret: hashes("alice"), at });
  return isFault(verdict) ? { status: verdict.status, guesses: guessesIn(request, verdict), headers: verdict.headers } : { status: 200 };
}

describe("guessing", () => {
  it("one credential of a realm, user and algorithm is tried; more are refused, and the right one among them is worth nothing", () => {
    expect(tried(line("offhook"))).toEqual({ status: 200 });
    expect(tried(line("wrong"), line("offhook"))).toMatchObject({ status: 400 });
    const many = Array.from({ length: 240 }, (_none, index) => line(`guess ${index}`));
    expect(tried(...many)).toMatchObject({ status: 400, guesses: 1 });
    expect(tried(line("wrong").replace("MD5", "md5"), line("offhook"))).toMatchObject({ status: 400 });
    expect(tried(line("wrong").replace("algorithm=MD5, ", ""), line("offhook"))).toMatchObject({ status: 400 });
    expect(tried(line("wrong").replace('"alice"', '"%61lice"'), line("offhook"))).toMatchObject({ status: 400 });
  });

  it("one of each algorithm, and those of other realms, may be there, and each counts", () => {
    expect(tried(line("wrong"), line("offhook", { algorithm: "SHA-256" }))).toEqual({ status: 200 });
    expect(tried(line("wrong"), line("wrong", { algorithm: "SHA-256" }))).toMatchObject({ status: 401, guesses: 2 });
    expect(tried(line("x", { realm: "one" }), line("x", { realm: "two" }), line("wrong"))).toMatchObject({ status: 401, guesses: 3 });
  });

  it("slows an account down after 20, never for more than 4 s, and until 10 minutes after the last", () => {
    let brake = released;
    for (let guess = 0; guess < 20; guess += 1) brake = brakeHarder(brake, 1, 1000);
    expect(brakeDelay(brake, 1000)).toBe(0);
    expect(brakeDelay(brakeHarder(brake, 1, 1000), 1000)).toBe(200);
    brake = brakeHarder(brake, 10_000, 1000);
    expect(brakeDelay(brake, 601_000)).toBe(4000);
    expect(brakeDelay(brake, 601_001)).toBe(0);
    expect(brakeHarder(brake, 1, 601_001).failedAttempts).toBe(1);
  });
});

describe("a nonce of another connection (RFC 7616 §3.3)", () => {
  const former = mintNonce(keyring, { flow: "former", now: at.now, request: "one" });
  const isStale = (password: string, nonce = former) =>
    tried(line(password, { nonce })).headers?.every(([, value]) => value.includes("stale=true"));

  it("with the right password draws stale=true, with a wrong one it is a guess", () => {
    expect(isStale("offhook")).toBe(true);
    expect(isStale("wrong")).toBe(false);
    expect(tried(line("offhook", { nonce: former }))).toMatchObject({ status: 401, guesses: 0 });
    expect(tried(line("wrong", { nonce: former }))).toMatchObject({ status: 401, guesses: 1 });
    expect(isStale("offhook", "never.ours")).toBe(false);
  });

  it("each challenge has a nonce of its own", () => {
    const challenges = [1, 2].map((cseq) => {
      const { request } = receive("REGISTER sip:example.com", `CSeq: ${cseq} REGISTER`);
      return JSON.stringify(authenticate(keyring, request, { user: "alice", domain: "example.com", secret: nobody, at }));
    });
    expect(challenges[0]).not.toBe(challenges[1]);
  });
});
