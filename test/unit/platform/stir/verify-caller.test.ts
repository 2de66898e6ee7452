import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Request, parseMessage } from "../../../../lib/syntax/message.ts";
import { fault, isFault } from "../../../../lib/syntax/fault.ts";
import { serialiseDate } from "../../../../lib/syntax/date.ts";
import { readCertificates } from "../../../../platform/stir/certificate.ts";
import { Signers } from "../../../../platform/stir/signers.ts";
import { type CallToVerify, verifyInTime } from "../../../../platform/stir/verify-caller.ts";
import { compose, shortSdp } from "../../../support/compose.ts";
import {
  authority,
  issue,
  issueDelegate,
  issueForNumbers,
  issueProvider,
  issueRoot,
  issueWithoutNumbers,
  oneNumber,
  shakenIdentity,
  signToken,
} from "../../../support/telephone-certificates.ts";

/** An hour from now: certificates that the tests make meanwhile are valid, too. */
const now = Date.now() + 3_600_000;
const deadline = 400;
const iat = Math.floor(now / 1000);
const x5u = "https://certificates.example/one.pem";
const [from, to] = ["12155551212", "493055510"] as const;

const root = issueRoot("root.example");
const middle = issue({ by: root, extensions: authority });
const provider = issueProvider(middle);
const chain = provider.certificate + middle.certificate;

// No call is late because the machine is busy.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

/** An INVITE of a trunk. */
function invite(identities: readonly string[], more: readonly string[] = [], caller = `<sip:+${from}@provider.example>`): Request {
  const lines = [
    "Via: SIP/2.0/TCP provider.example;branch=z9hG4bK1",
    `From: ${caller};tag=1`,
    `To: <sip:+${to}@example.com>`,
    "Call-ID: 1",
    "CSeq: 1 INVITE",
    ...identities.map((value) => `Identity: ${value}`),
    ...more,
  ];
  const message = parseMessage(compose(`INVITE sip:+${to}@example.com SIP/2.0`, lines, shortSdp));
  if (isFault(message) || message.kind !== "request") throw new Error("not a request");
  return message;
}

const asCalled = (request: Request, more: Partial<CallToVerify> = {}): CallToVerify => ({
  ...{ request, dialled: to, format: "e164", isTrusted: false },
  ...more,
});

/** What is fetched, and how often. */
function signersWith(pem: string, trusted = root.certificate): { signers: Signers; fetched: string[] } {
  const fetched: string[] = [];
  const signers = new Signers(readCertificates(trusted, 10) ?? [], async (url) => {
    fetched.push(url);
    return { pem, age: 3600 };
  });
  return { signers, fetched };
}

async function verified(call: CallToVerify, pem = chain, at = now) {
  const { signers } = signersWith(pem);
  return verifyInTime((url, time) => signers.of(url, time), call, at, deadline);
}

const usual = { from, to, iat } as const;

describe("the caller of a call is verified (RFC 8224 §6.2)", () => {
  it("a call that a service provider has signed, through an authority below the root, has passed", async () => {
    expect(await verified(asCalled(invite([shakenIdentity(provider, x5u, usual)])))).toEqual({
      result: "passed",
      number: from,
      attestation: "A",
      originId: "123e4567-e89b-12d3-a456-426655440000",
    });
  });

  it("a certificate for numbers covers these and no others (RFC 8226 §9)", async () => {
    const holder = issueForNumbers(root, from, "12155550000");
    const results = ["12155551212", "12155550000", "12155550009", "12155550010", "12155551213"].map(async (number) => {
      const request = invite([shakenIdentity(holder, x5u, { ...usual, from: number })], [], `<sip:+${number}@provider.example>`);
      return (await verified(asCalled(request), holder.certificate)).result;
    });
    expect(await Promise.all(results)).toEqual(["passed", "passed", "passed", "failed", "failed"]);
  });

  const other = { ...usual, from: "12155559999" };
  it.each<readonly [what: string, result: string, status: number, why: string, make: () => Request | readonly [Request, string]]>([
    ["no Identity header", "none", 428, "no Identity", () => invite([])],
    ["an unsupported type", "none", 428, "supported type", () => invite([`a.b.c;info=<${x5u}>;ppt="rph"`])],
    ["another caller", "failed", 438, "another caller", () => invite([shakenIdentity(provider, x5u, other)])],
    ["another number called", "failed", 438, "another number", () => invite([shakenIdentity(provider, x5u, { ...usual, to: "4930" })])],
    ["an old PASSporT", "failed", 403, "last minute", () => invite([shakenIdentity(provider, x5u, { ...usual, iat: iat - 61 })])],
    ["one of the future", "failed", 403, "last minute", () => invite([shakenIdentity(provider, x5u, { ...usual, iat: iat + 62 })])],
    ["an old Date", "failed", 403, "Date", () => invite([shakenIdentity(provider, x5u, usual)], [`Date: ${serialiseDate(now - 62_000)}`])],
    ["a forged signature", "failed", 438, "signature is wrong", () => invite([shakenIdentity(issueProvider(root), x5u, usual)])],
    [
      "a self-signed certificate",
      "failed",
      437,
      "does not lead",
      () => {
        const self = issueProvider(root, { by: undefined as never });
        return [invite([shakenIdentity(self, x5u, usual)]), self.certificate];
      },
    ],
    [
      "an authority that is none",
      "failed",
      437,
      "does not lead",
      () => {
        const below = issueProvider(provider);
        return [invite([shakenIdentity(below, x5u, usual)]), below.certificate + chain];
      },
    ],
    ...[["keyUsage=critical,digitalSignature", "basicConstraints=critical,CA:TRUE"], ["basicConstraints=critical,CA:FALSE"], []].map(
      (extensions) => {
        const make = (): readonly [Request, string] => {
          const none = issue({ by: root, extensions: ["subjectKeyIdentifier=hash", ...extensions] });
          const below = issueProvider(none);
          return [invite([shakenIdentity(below, x5u, usual)]), below.certificate + none.certificate];
        };
        return [`one with ${extensions.join(" and ")}`, "failed", 437, "does not lead", make] as const;
      },
    ),
    [
      "an authority with the name of a trusted one",
      "failed",
      437,
      "does not lead",
      () => {
        // Without a mark of its key, which would tell them apart before the signature does.
        const extensions = ["authorityKeyIdentifier=none", "1.3.6.1.5.5.7.1.26=ASN1:SEQUENCE:numbers"];
        const impostor = issueProvider(issueRoot("root.example"), { extensions });
        return [invite([shakenIdentity(impostor, x5u, usual)]), impostor.certificate];
      },
    ],
    ...[
      ["a key that may not sign", ["keyUsage=critical,keyAgreement"], "may not sign"],
      ["constraints on claims", ["1.3.6.1.5.5.7.1.27=DER:3000"], "extension"],
    ].map(([what, more, why]) => {
      const make = (): readonly [Request, string] => {
        const odd = issueProvider(root, { extensions: [...(more as string[]), "1.3.6.1.5.5.7.1.26=ASN1:SEQUENCE:numbers"] });
        return [invite([shakenIdentity(odd, x5u, usual)]), odd.certificate];
      };
      return [what as string, "failed", 437, why as string, make] as const;
    }),
    [
      "a type that the Identity header hides",
      "failed",
      438,
      "ppt",
      () => invite([shakenIdentity(provider, x5u, usual).replace(/;ppt=.*/, "")]),
    ],
    [
      "an authority below one that may have none below it",
      "failed",
      437,
      "does not lead",
      () => {
        const narrow = issue({ by: root, extensions: ["basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign"] });
        const below = issue({ by: narrow, extensions: authority });
        const holder = issueProvider(below);
        return [invite([shakenIdentity(holder, x5u, usual)]), holder.certificate + below.certificate + narrow.certificate];
      },
    ],
    [
      "a certificate without numbers, as a web server has",
      "failed",
      437,
      "TNAuthList",
      () => {
        const server = issueWithoutNumbers(root);
        return [invite([shakenIdentity(server, x5u, usual)]), server.certificate];
      },
    ],
    [
      "a critical extension that nobody knows",
      "failed",
      437,
      "extension",
      () => {
        const odd = issueProvider(root, {
          extensions: ["keyUsage=critical,digitalSignature", "1.3.6.1.5.5.7.1.26=ASN1:SEQUENCE:numbers", "1.2.3.4=critical,ASN1:NULL"],
        });
        return [invite([shakenIdentity(odd, x5u, usual)]), odd.certificate];
      },
    ],
    [
      "a key on another curve",
      "failed",
      437,
      "P-256",
      () => {
        const odd = issueProvider(root, { curve: "secp384r1" });
        return [invite([shakenIdentity(provider, x5u, usual)]), odd.certificate];
      },
    ],
    ["no certificate", "failed", 437, "none in PEM", () => [invite([shakenIdentity(provider, x5u, usual)]), "<html>not found</html>"]],
    ["a chain that is too long", "failed", 437, "more than 6", () => [invite([shakenIdentity(provider, x5u, usual)]), chain.repeat(4)]],
    ["alg none", "failed", 437, "ES256", () => invite([shakenIdentity(provider, x5u, usual, { alg: "none" })])],
    [
      "HS256 with the certificate as the secret",
      "failed",
      437,
      "ES256",
      () => {
        const [text = ""] = /^[^.]+\.[^.]+/.exec(shakenIdentity(provider, x5u, usual, { alg: "HS256" })) ?? [];
        const mac = createHmac("sha256", provider.certificate).update(text).digest("base64url");
        return invite([`${text}.${mac};info=<${x5u}>;ppt=shaken`]);
      },
    ],
    [
      "an alg in the header that is not ES256",
      "failed",
      437,
      "ES256",
      () => invite([shakenIdentity(provider, x5u, usual).replace("alg=ES256", "alg=RS256")]),
    ],
    [
      "another x5u than info",
      "failed",
      438,
      "x5u",
      () => invite([shakenIdentity(provider, x5u, usual, { x5u: "https://elsewhere.example/" })]),
    ],
    ["a URL without TLS", "none", 436, "https", () => invite([shakenIdentity(provider, "http://certificates.example/", usual)])],
    ["no info", "none", 436, "where its certificate is", () => invite([shakenIdentity(provider, x5u, usual).replace(/;info=<[^>]*>/, "")])],
    ["a URL that is too long", "none", 436, "where", () => invite([shakenIdentity(provider, `${x5u}/${"x".repeat(1024)}`, usual)])],
    ["a header that is too long", "failed", 438, "longer", () => invite([`${"a".repeat(9000)}.a.a;info=<${x5u}>`])],
    ["many headers", "failed", 438, "more than 5", () => invite(Array.from({ length: 6 }, () => shakenIdentity(provider, x5u, usual)))],
    ["claims that are not JSON", "failed", 438, "JSON", () => invite([`${tokenWith("nonsense")};info=<${x5u}>;ppt=shaken`])],
    ["claims of the wrong kind", "failed", 438, "orig", () => invite([`${tokenWith('{"orig":[1],"dest":2}')};info=<${x5u}>;ppt=shaken`])],
    ["a wrong attestation", "failed", 438, "attest", () => invite([shakenIdentity(provider, x5u, { ...usual, attest: "D" })])],
    ["a caller without a number", "none", 428, "no telephone number", () => invite([], [], "<sip:anonymous@anonymous.invalid>")],
  ])("%s: %s, %i", async (_what, result, status, why, make) => {
    const made = make();
    const [request, pem] = "kind" in made ? [made, chain] : made;
    const found = await verified(asCalled(request), pem);
    expect([found.result, found.status]).toEqual([result, status]);
    expect(found.why).toContain(why);
  });

  const tokenWith = (claims: string) => signToken({ alg: "ES256", ppt: "shaken", typ: "passport", x5u }, claims, provider.key);

  it("one valid signature is enough (§6.2.1)", async () => {
    const forged = shakenIdentity(issueProvider(root), x5u, usual);
    expect((await verified(asCalled(invite([forged, shakenIdentity(provider, x5u, usual)])))).result).toBe("passed");
  });

  it("certificates count while they are valid only", async () => {
    const at = (days: number) => now + days * 86_400_000;
    const results = [-1, 0, 1, 3].map(async (days) => {
      const identity = shakenIdentity(provider, x5u, { ...usual, iat: Math.floor(at(days) / 1000) });
      const { result, why } = await verified(asCalled(invite([identity])), chain, at(days));
      return why ?? result;
    });
    const signature = "the certificate of the caller's signature";
    expect(await Promise.all(results)).toEqual([`${signature} is not valid yet`, "passed", "passed", `${signature} has expired`]);
  });

  it("a trusted server asserts who calls; another server's assertion is nobody's", async () => {
    const request = invite([shakenIdentity(provider, x5u, usual)], [`P-Asserted-Identity: <tel:+${from}>`], "<sip:anna@provider.example>");
    expect((await verified(asCalled(request, { isTrusted: true }))).result).toBe("passed");
    expect((await verified(asCalled(request))).status).toBe(428);
  });

  it("numbers are compared as the trunk writes them (§8.3)", async () => {
    const germany = { country_code: "49", prefix: "0", international_prefix: "00" } as const;
    const request = invite([shakenIdentity(provider, x5u, { from: "493012345", to, iat })], [], "<sip:030-12345@provider.example>");
    expect((await verified(asCalled(request, { format: germany }))).result).toBe("passed");
  });

  it("a compact PASSporT is built again from the call (§4.1.1)", async () => {
    const claims = JSON.stringify({ dest: { tn: [to] }, iat, orig: { tn: from } });
    const [, , signature] = signToken({ alg: "ES256", typ: "passport", x5u }, claims, provider.key).split(".");
    const date = `Date: ${serialiseDate(iat * 1000)}`;
    expect((await verified(asCalled(invite([`..${signature};info=<${x5u}>`], [date])))).result).toBe("passed");
    expect((await verified(asCalled(invite([`..${signature};info=<${x5u}>`])))).why).toContain("no Date");
    const shaken = invite([`..${signature};info=<${x5u}>;ppt=shaken`], [date]);
    expect((await verified(asCalled(shaken))).why).toContain("never compact");
  });

  it("a PASSporT that was signed for another number than the call is for proves nothing, unless a diversion says why (RFC 8946)", async () => {
    const shaken = shakenIdentity(provider, x5u, usual);
    const dialled = "493099";
    const diverted = (before: string) => {
      const claims = { dest: { tn: [dialled] }, div: { tn: before }, iat, orig: { tn: from } };
      return `${signToken({ alg: "ES256", ppt: "div", typ: "passport", x5u }, claims, provider.key)};info=<${x5u}>;ppt=div`;
    };
    const results = [[shaken], [shaken, diverted("4911")], [shaken, diverted(to)], [diverted(to)]].map(
      async (identities) => (await verified(asCalled(invite(identities), { dialled }))).result,
    );
    expect(await Promise.all(results)).toEqual(["none", "none", "passed", "none"]);
  });

  it("a PASSporT that was copied into a call for a user's name proves nothing: To alone is not enough", async () => {
    const copied = { ...invite([shakenIdentity(provider, x5u, usual)]), requestUri: "sip:bob@example.com" };
    expect((await verified(asCalled(copied, { dialled: undefined }))).result).toBe("none");
  });

  it("who may sign for some numbers lets nobody sign for others (RFC 9060)", async () => {
    const delegate = issueDelegate(root, from);
    const [within, beyond] = [issueForNumbers(delegate, from, from.slice(0, -1)), issueProvider(delegate)];
    const found = await Promise.all(
      [within, beyond].map((one) => verified(asCalled(invite([shakenIdentity(one, x5u, usual)])), one.certificate + delegate.certificate)),
    );
    expect(found.map(({ why }) => why)).toEqual(Array(2).fill(expect.stringContaining("numbers that its issuer may not sign for")));
    const own = issue({ by: delegate, extensions: oneNumber, sections: ["[numbers]", `one=EXP:2,IA5STRING:${from}`] });
    expect((await verified(asCalled(invite([shakenIdentity(own, x5u, usual)])), own.certificate + delegate.certificate)).result).toBe(
      "passed",
    );
  });

  it("a PASSporT for other media is not valid (RFC 8225 §5.2.2)", async () => {
    const identity = (mky: object) => {
      const claims = { dest: { tn: [to] }, iat, mky, orig: { tn: from } };
      return `${signToken({ alg: "ES256", typ: "passport", x5u }, claims, provider.key)};info=<${x5u}>`;
    };
    const found = await verified(asCalled(invite([identity([{ alg: "sha-256", dig: "AA" }])])));
    expect([found.result, found.why]).toEqual(["failed", "the PASSporT is for other media"]);
  });
});

describe("certificates are fetched as seldom as possible", () => {
  it("nothing is fetched for claims about another call", async () => {
    const { signers, fetched } = signersWith(chain);
    const call = asCalled(invite([shakenIdentity(provider, x5u, { ...usual, from: "1" })]));
    await verifyInTime((url, at) => signers.of(url, at), call, now, deadline);
    expect(fetched).toEqual([]);
  });

  it("a chain is kept for its time, and asked for once by calls at the same time", async () => {
    const { signers, fetched } = signersWith(chain);
    await Promise.all([signers.of(x5u, now), signers.of(x5u, now)]);
    await signers.of(x5u, now + 3_599_000);
    expect(fetched).toHaveLength(1);
    await signers.of(x5u, now + 3_601_000);
    expect(fetched).toHaveLength(2);
  });

  it("a failure is remembered for ten seconds", async () => {
    let asked = 0;
    const signers = new Signers(readCertificates(root.certificate, 1) ?? [], async () => {
      asked += 1;
      return fault(436, "the URL of the certificate could not be reached");
    });
    for (const at of [now, now + 9_000, now + 11_000]) expect(await signers.of(x5u, at)).toMatchObject({ status: 436 });
    expect(asked).toBe(2);
  });

  it.each(["brainpoolP256r1", "prime192v1", "secp224r1"])("so is a key of a kind that cannot be used: %s", async (curve) => {
    let asked = 0;
    const signers = new Signers(readCertificates(root.certificate, 1) ?? [], async () => {
      asked += 1;
      return { pem: issueProvider(root, { curve }).certificate, age: 3600 };
    });
    for (let count = 0; count < 3; count += 1) expect(await signers.of(x5u, now)).toMatchObject({ status: 437 });
    expect(asked).toBe(1);
  });

  it("URLs that lead nowhere displace no signer that is known", async () => {
    const fetched: string[] = [];
    const signers = new Signers(readCertificates(root.certificate, 10) ?? [], async (url) => {
      fetched.push(url);
      return url === x5u ? { pem: chain, age: 3600 } : fault(436, "the URL of the certificate could not be reached");
    });
    await signers.of(x5u, now);
    for (let count = 0; count < 600; count += 1) await signers.of(`https://nowhere.example/${count}`, now);
    await signers.of(x5u, now);
    expect(fetched.filter((url) => url === x5u)).toHaveLength(1);
  });

  it("without roots nobody is trusted, and nothing is fetched", async () => {
    const signers = new Signers([], async () => {
      throw new Error("fetched");
    });
    expect(await signers.of(x5u, now)).toMatchObject({ status: 437 });
  });

  it("a certificate that is slow does not hold the call up: 400 milliseconds", async () => {
    const call = asCalled(invite([shakenIdentity(provider, x5u, usual)]));
    const verification = verifyInTime(() => new Promise(() => undefined), call, now, deadline);
    await vi.advanceTimersByTimeAsync(399);
    const early = await Promise.race([verification, Promise.resolve("waits")]);
    await vi.advanceTimersByTimeAsync(1);
    expect([early, await verification]).toMatchObject(["waits", { result: "none", status: 436, number: from }]);
  });

  it("what goes wrong in this server is no verdict on the caller", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const call = asCalled(invite([shakenIdentity(provider, x5u, usual)]));
    const found = await verifyInTime(() => Promise.reject(new TypeError("broken")), call, now, deadline);
    expect([found.result, found.status, log.mock.calls.length]).toEqual(["none", 436, 1]);
    log.mockRestore();
  });
});
