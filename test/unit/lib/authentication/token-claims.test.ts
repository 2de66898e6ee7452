import { describe, expect, it } from "vitest";
import { mayBeFor, refuseTimes } from "../../../../lib/authentication/token-claims.ts";
import type { TokenIssuer } from "../../../../lib/authentication/token-issuer.ts";

const issuer: TokenIssuer = {
  ...{ domain: "example.com", name: "login", issuer: "https://login.example/", audience: ["offhook"], algorithms: ["ES256"] },
  ...{ userClaim: "sub", clockSkew: 30, createsUsers: false },
};
const claims = { iss: "https://login.example/", aud: "offhook", sub: "alice", exp: 2000 };

describe("the claims of a token (RFC 7519 §4.1)", () => {
  it.each<[string, object, boolean]>([
    ["its issuer, audience and user", {}, true],
    ["one of several audiences", { aud: ["other", "offhook"] }, true],
    ["another issuer", { iss: "https://login.example" }, false],
    ["another audience", { aud: "other" }, false],
    ["no audience", { aud: undefined }, false],
    ["an audience that is no text", { aud: { offhook: 1 } }, false],
    ["a user of another domain", { sub: "alice@other.example" }, false],
    ["no user", { sub: 7 }, false],
  ])("are for an issuer if they name %s", (_what, change, isFor) => {
    expect(mayBeFor({ ...claims, ...change }, issuer)).toBe(isFor);
  });

  it.each<[object, string | undefined]>([
    [{}, undefined],
    [{ exp: 971 }, undefined],
    [{ exp: 970 }, "it has expired"],
    [{ exp: undefined }, "it has no end"],
    [{ exp: "2000" }, "it has no end"],
    [{ nbf: 1030, iat: 1030 }, undefined],
    [{ nbf: 1031 }, "it is not valid yet"],
    [{ nbf: "1" }, "a time in it is no number"],
    [{ iat: 1031 }, "it was issued in the future"],
    [{ iat: "1" }, "a time in it is no number"],
  ])("count at their time, with the skew of the issuer's clock: %j", (change, refusal) => {
    expect(refuseTimes({ ...claims, ...change }, issuer, 1_000_999)).toBe(refusal);
  });
});
