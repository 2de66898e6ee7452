import { describe, expect, it } from "vitest";
import { presentedBy } from "../../../../lib/authentication/presented-credentials.ts";

const good = { certVerified: "SUCCESS", certRevoked: "0", certFingerprintSHA256: "AB12" };

describe("what a connection shows of who it is", () => {
  it.each([
    ["nothing", null, undefined, {}],
    ["a bearer token (RFC 6750 §2.1)", "Bearer secret", undefined, { token: "secret" }],
    ["no password", "Basic YTpi", undefined, {}],
    ["a certificate that the edge has verified", null, good, { certificate: "ab12" }],
    ["none that it has not", null, { ...good, certVerified: "FAILED:unable to get local issuer certificate" }, {}],
    ["none that it has not seen", null, { certVerified: "NONE", certFingerprintSHA256: "" }, {}],
    ["none that is revoked", null, { ...good, certRevoked: "1" }, {}],
    ["both", "Bearer secret", good, { token: "secret", certificate: "ab12" }],
  ])("%s", (_rule, authorization, tls, shown) => {
    expect(presentedBy(authorization, tls)).toEqual(shown);
  });
});
