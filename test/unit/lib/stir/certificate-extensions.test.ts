import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readExtensions } from "../../../../lib/stir/certificate-extensions.ts";
import { coversNumber } from "../../../../lib/stir/number-authority.ts";
import { authority, issue, issueForNumbers, issueProvider, issueRoot } from "../../../support/telephone-certificates.ts";

const root = issueRoot();
const octetsOf = (pem: string) => new Uint8Array(new X509Certificate(pem).raw);

describe("the extensions of a certificate (RFC 5280 §4.2)", () => {
  it("say whether it is of an authority, and how many may be below it", () => {
    const narrow = issue({ by: root, extensions: ["basicConstraints=critical,CA:TRUE,pathlen:2", authority[1] ?? ""] });
    expect(readExtensions(octetsOf(narrow.certificate))).toMatchObject({ isAuthority: true, pathLength: 2, maySignMessages: false });
    expect(readExtensions(octetsOf(root.certificate))).toMatchObject({
      isAuthority: true,
      pathLength: undefined,
      maySignCertificates: true,
    });
  });

  it("say for whose numbers it is (RFC 8226 §9)", () => {
    const provider = readExtensions(octetsOf(issueProvider(root).certificate));
    expect(provider).toMatchObject({ isAuthority: false, maySignMessages: true, numbers: { providers: ["1234"], ranges: [] } });
    const numbers = readExtensions(octetsOf(issueForNumbers(root, "15", "100").certificate))?.numbers;
    expect(numbers).toEqual({
      providers: [],
      ranges: [
        { start: "15", count: 1 },
        { start: "100", count: 10 },
      ],
    });
    const covered = ["15", "100", "109", "110", "0100", "10"].map((number) => numbers !== undefined && coversNumber(numbers, number));
    expect(covered).toEqual([true, true, true, false, false, false]);
  });

  it("are read without harm from any octets, and from any part or change of a certificate", () => {
    const good = octetsOf(issueForNumbers(root, "15", "100").certificate);
    const changed = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length)).map(([at, octet, end]) => {
      const octets = good.slice(0, end < 8 ? good.length : end);
      if (at < octets.length) octets[at] = octet;
      return octets;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), changed), (octets) => {
        expect(() => readExtensions(octets)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});
