import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isFault } from "../../lib/syntax/fault.ts";
import { parseMessage } from "../../lib/syntax/message.ts";
import { readCertificates } from "../../platform/stir/certificate.ts";
import { Signers } from "../../platform/stir/signers.ts";
import { verifyInTime } from "../../platform/stir/verify-caller.ts";
import { type CertificateServer, startCertificateServer } from "../support/certificate-server.ts";
import { makeCertificates } from "../support/certificates.ts";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import type { Phone } from "../support/phone.ts";
import { type ReceivedMessage, header, headers } from "../support/received-message.ts";
import type { ServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import {
  type Issued,
  authority,
  issue,
  issueProvider,
  issueRoot,
  issueWithoutNumbers,
  shakenIdentity,
} from "../support/telephone-certificates.ts";

/** Calls by a trunk whose callers are signed, with certificates that openssl has made (RFC 8224, RFC 8588). */
const folder = mkdtempSync(join(tmpdir(), "offhook-certificates-"));
let root: Issued;
let provider: Issued;
let forger: Issued;
let chain: string;
let certificates: CertificateServer;
let serverUnderTest: ServerUnderTest;
let trunkServer: SipServer;
let alice: Phone;
let number: string;
let numbers = 0;

beforeAll(async () => {
  makeCertificates(folder, "IP:127.0.0.1");
  process.env["NODE_EXTRA_CA_CERTS"] = join(folder, "ca.pem");
  root = issueRoot();
  const middle = issue({ by: root, extensions: authority });
  provider = issueProvider(middle);
  forger = issueProvider(issueRoot());
  chain = provider.certificate + middle.certificate;
  certificates = await startCertificateServer(folder, {
    "/provider.pem": chain,
    "/forger.pem": forger.certificate,
    "/server.pem": issueWithoutNumbers(root, provider.key).certificate,
    "/gone.pem": 404,
    "/large.pem": chain.repeat(40),
  });
  // Miniflare reads that when it is loaded.
  const { startServerUnderTest } = await import("../support/server-under-test.ts");
  const settings = { ALLOWED_NETWORKS: "127.0.0.0/8", TRANSACTION_TIMEOUT: "10", STIR_ROOTS: root.certificate, VERIFICATION_TIMEOUT: "60" };
  serverUnderTest = await startServerUnderTest({ settings });
});
afterAll(async () => {
  await serverUnderTest.close();
  certificates.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  trunkServer = await startSipServer();
  numbers += 1;
  number = `+4932${1000 + numbers}`;
  const account = await serverUnderTest.newcomer("alice", [number]);
  alice = await serverUnderTest.register(account, "direct");
});
afterEach(async () => {
  await serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/provider");
  await serverUnderTest.server.api("DELETE", "/domains/localhost/signing");
  trunkServer.close();
});

async function put(path: string, body: object): Promise<{ status: number; body: unknown }> {
  const answer = await serverUnderTest.server.api("PUT", `/domains/localhost/${path}`, body);
  return { status: answer.status, body: await answer.json() };
}

async function trunk(settings: object): Promise<void> {
  const server = `sip:127.0.0.1:${trunkServer.port};transport=tcp`;
  expect(await put("trunks/provider", { server, prefixes: ["+1"], inbound: true, ...settings })).toMatchObject({ status: 200 });
}

const signing = () => ({ x5u: certificates.url("/provider.pem"), key: provider.key });

/** There is a connection that the provider can call by. */
async function connects(): Promise<void> {
  const sent = alice.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
  trunkServer.reply(await trunkServer.next("MESSAGE"), 200);
  await alice.finalResponse(sent);
}

const from = "12155551212";

/** An INVITE of the trunk's server; returns its Call-ID. */
function calls(identities: readonly string[], more: readonly string[] = [], caller = `<sip:+${from}@provider.example>`): string {
  const callId = newBranch();
  const lines = [
    `Via: SIP/2.0/TCP 127.0.0.1:${trunkServer.port};branch=${newBranch()}`,
    "Max-Forwards: 70",
    `From: ${caller};tag=far`,
    `To: <sip:${number}@localhost>`,
    `Call-ID: ${callId}`,
    "CSeq: 1 INVITE",
    `Contact: <sip:far@127.0.0.1:${trunkServer.port};transport=tcp>`,
    ...identities.map((value) => `Identity: ${value}`),
    ...more,
  ];
  trunkServer.send(compose(`INVITE sip:${number}@localhost SIP/2.0`, lines, shortSdp));
  return callId;
}

const signed = (by = provider, path = "/provider.pem", to = number.slice(1)): string =>
  shakenIdentity(by, certificates.url(path), { from, to, iat: Math.floor(Date.now() / 1000) });

const asserted = (message: ReceivedMessage): string[] => headers(message, "p-asserted-identity");
const marked = (verstat: string): string[] => [`<sip:+${from};verstat=${verstat}@provider.example>`];

const claimsIn = (message: ReceivedMessage): object[] =>
  headers(message, "identity").map((value) => JSON.parse(Buffer.from(value.split(".")[1] ?? "", "base64url").toString()) as object);

/** The record of a call that alice has refused, or that was refused for her. */
async function recordOf(callId: string): Promise<Record<string, unknown>> {
  const found = async () => {
    const answer = await serverUnderTest.server.api("GET", "/domains/localhost/calls?limit=20");
    const { calls: records } = (await answer.json()) as { calls: Record<string, unknown>[] };
    return records.find(({ call_id: id }) => id === callId);
  };
  await expect.poll(found).toBeDefined();
  return (await found()) ?? {};
}

describe("a call to a trunk that wants signatures", () => {
  beforeEach(async () => {
    await put("signing", signing());
    await trunk({ identity: "sign" });
  });

  it("is signed for a user who calls with their own number, and the other side can verify it", async () => {
    alice.request("INVITE", `sip:+${from}@localhost`, { from: `<sip:${number}@localhost>`, body: shortSdp });
    const invite = await trunkServer.next("INVITE");
    const request = parseMessage(invite.raw);
    if (isFault(request) || request.kind !== "request") throw new Error("not a request");
    const signers = new Signers(readCertificates(root.certificate, 1) ?? [], async () => ({ pem: chain, age: 60 }));
    const call = { request, dialled: from, format: "e164", isTrusted: false } as const;
    const verification = await verifyInTime((url, now) => signers.of(url, now), call, Date.now(), 60_000);
    expect(verification).toMatchObject({ result: "passed", number: number.slice(1), attestation: "A" });
    expect(header(invite, "date")).toBeDefined();
  });

  it.each([
    ["a number of the domain", "+49329000", ["+4932"], "A"],
    ["another number", "+4940123", ["+4932"], "B"],
  ])("has the attestation for %s, which the trunk puts into From", async (_what, user, own, attest) => {
    await put("signing", { ...signing(), numbers: own });
    await trunk({ identity: "sign", from_user: user });
    alice.request("INVITE", `sip:+${from}@localhost`, { body: shortSdp });
    expect(claimsIn(await trunkServer.next("INVITE"))).toEqual([
      expect.objectContaining({ attest, dest: { tn: [from] }, orig: { tn: user.slice(1) } }),
    ]);
  });

  it.each<readonly [path: string, why: string | null]>([
    ["/provider.pem", null],
    ["/forger.pem", "the first certificate at the URL is for another private key"],
    ["/server.pem", "the certificate names no numbers and no provider (TNAuthList, RFC 8226)"],
    ["/gone.pem", "the URL of the certificate was answered with the status 404"],
  ])("has a status, which says whether the certificate at %s is usable: %s", async (path, why) => {
    await put("signing", { ...signing(), x5u: certificates.url(path) });
    const answer = await serverUnderTest.server.api("GET", "/domains/localhost/signing/status");
    expect(await answer.json()).toMatchObject({ usable: why === null, why });
  });

  it("goes without a signature if the caller has no number", async () => {
    alice.request("INVITE", `sip:+${from}@localhost`, { body: shortSdp });
    expect(headers(await trunkServer.next("INVITE"), "identity")).toEqual([]);
  });

  it.each(["Identity", "y", "Identity-Info"])("has no %s of the user's own", async (name) => {
    alice.request("INVITE", `sip:+${from}@localhost`, { headers: [[name, `a.b.c;info=<https://evil.example/>`]], body: shortSdp });
    const invite = await trunkServer.next("INVITE");
    expect([...headers(invite, "identity"), ...headers(invite, "identity-info"), ...headers(invite, "y")]).toEqual([]);
  });
});

describe("a call from a trunk whose callers are verified", () => {
  beforeEach(async () => {
    await trunk({ verify: "note" });
    await connects();
  });

  it("tells the phone that the number is verified, and the record who has signed", async () => {
    const callId = calls([signed()]);
    const invite = await alice.next("INVITE");
    expect(asserted(invite)).toEqual(marked("TN-Validation-Passed"));
    alice.reply(invite, 486);
    expect((await recordOf(callId))["verification"]).toEqual({
      ...{ result: "passed", number: from, attestation: "A", origin_id: "123e4567-e89b-12d3-a456-426655440000", why: null },
    });
  });

  it.each<readonly [what: string, verstat: string, why: string, identities: () => readonly string[]]>([
    ["an unknown authority", "TN-Validation-Failed", "does not lead", () => [signed(forger, "/forger.pem")]],
    ["the key of another certificate", "TN-Validation-Failed", "signature is wrong", () => [signed(forger)]],
    ["another number", "TN-Validation-Failed", "another number", () => [signed(provider, "/provider.pem", "4930")]],
    ["no signature", "No-TN-Validation", "no Identity", () => []],
    ["a certificate that is gone", "No-TN-Validation", "404", () => [signed(provider, "/gone.pem")]],
    ["a certificate that is too large", "No-TN-Validation", "octets", () => [signed(provider, "/large.pem")]],
  ])("rings with %s: %s", async (_what, verstat, why, identities) => {
    const callId = calls(identities());
    const invite = await alice.next("INVITE");
    expect(asserted(invite)).toEqual(marked(verstat));
    alice.reply(invite, 486);
    expect((await recordOf(callId))["verification"]).toMatchObject({ why: expect.stringContaining(why) });
    const trace = await serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${alice.account}/trace?format=text`);
    expect(await trace.text()).toMatch(new RegExp(`the number of the caller is not verified: .*${why}`));
  });

  it("has no verstat of the caller's own, and the caller's From comes back as it was", async () => {
    const caller = `<sip:+${from};verstat=TN-Validation-Passed@provider.example>`;
    calls([], [], caller);
    const invite = await alice.next("INVITE");
    expect(header(invite, "from")).toBe(`<sip:+${from}@provider.example>;tag=far`);
    expect(asserted(invite)).toEqual(marked("No-TN-Validation"));
    alice.reply(invite, 486);
    expect(header(await trunkServer.next(486), "from")).toBe(`${caller};tag=far`);
  });

  it("is refused for a user who takes only verified numbers, with the reason", async () => {
    expect(await put(`subscribers/${alice.account}/rules`, { blocked: ["unverified"] })).toMatchObject({ status: 200 });
    const callId = calls([]);
    const answer = await trunkServer.next(428);
    expect(header(answer, "warning")).toContain("only calls with a verified number are accepted");
    expect(await recordOf(callId)).toMatchObject({ status: 428, verification: { result: "none" } });
    calls([signed()]);
    expect(asserted(await alice.next("INVITE"))).toEqual(marked("TN-Validation-Passed"));
  });
});

describe("a trunk whose callers have to be verified", () => {
  it.each<readonly [status: number, identities: () => readonly string[]]>([
    [428, () => []],
    [436, () => [signed(provider, "/gone.pem")]],
    [437, () => [signed(forger, "/forger.pem")]],
    [438, () => [signed(forger)]],
  ])("gets %i for others (RFC 8224 §6.2.2)", async (status, identities) => {
    await trunk({ verify: "require" });
    await connects();
    const callId = calls(identities());
    expect(header(await trunkServer.next(status), "warning")).toContain("only calls with a verified number are accepted");
    expect(await recordOf(callId)).toMatchObject({ status, trunk: "provider", verification: { number: from } });
    calls([signed()]);
    expect(asserted(await alice.next("INVITE"))).toEqual(marked("TN-Validation-Passed"));
  });
});

describe("a call from one trunk that a user forwards to another", () => {
  it("keeps its signature, and has one about the forwarding (RFC 8946)", async () => {
    await put("signing", signing());
    await trunk({ identity: "sign", verify: "note" });
    await put(`subscribers/${alice.account}/rules`, { forward: { always: "tel:+15550001" } });
    await connects();
    const identity = signed();
    calls([identity]);
    const invite = await trunkServer.next("INVITE");
    const [first, , ...more] = headers(invite, "identity");
    expect([first, more]).toEqual([identity, []]);
    expect(claimsIn(invite)[1]).toMatchObject({ dest: { tn: ["15550001"] }, div: { tn: number.slice(1) }, orig: { tn: from } });
  });

  it("is signed as one from elsewhere, if nobody has signed it before", async () => {
    await put("signing", signing());
    await trunk({ identity: "sign" });
    await put(`subscribers/${alice.account}/rules`, { forward: { always: "tel:+15550001" } });
    await connects();
    calls([]);
    expect(claimsIn(await trunkServer.next("INVITE"))).toEqual([
      expect.objectContaining({ attest: "C", dest: { tn: [number.slice(1)] }, orig: { tn: from } }),
      expect.objectContaining({ div: { tn: number.slice(1) }, dest: { tn: ["15550001"] }, orig: { tn: from } }),
    ]);
  });

  it.each<readonly [what: string, identities: () => readonly string[], heard: readonly string[]]>([
    ["a caller who is not verified", () => [], []],
    ["a verified caller", () => [signed()], marked("TN-Validation-Passed")],
  ])("asserts %s to a trusted server: %j", async (_what, identities, heard) => {
    await trunk({ verify: "note" });
    const server = `sip:127.0.0.1:${trunkServer.port};transport=tcp`;
    await put("trunks/trusted", { server, prefixes: ["+1999"], trusted: true });
    await put(`subscribers/${alice.account}/rules`, { forward: { always: "tel:+19990001" } });
    await connects();
    calls(identities());
    expect(asserted(await trunkServer.next("INVITE"))).toEqual(heard);
    await serverUnderTest.server.api("DELETE", "/domains/localhost/trunks/trusted");
  });

  it("has no signature if the trunk wants none", async () => {
    await trunk({ identity: "remove" });
    await put(`subscribers/${alice.account}/rules`, { forward: { always: "tel:+15550001" } });
    await connects();
    calls([signed()]);
    expect(headers(await trunkServer.next("INVITE"), "identity")).toEqual([]);
  });
});

describe("a certificate that never comes", () => {
  it("holds no call up longer than VERIFICATION_TIMEOUT", async () => {
    const { startServerUnderTest } = await import("../support/server-under-test.ts");
    const settings = { ALLOWED_NETWORKS: "127.0.0.0/8", STIR_ROOTS: root.certificate, VERIFICATION_TIMEOUT: "0.4" };
    const [usual, itsAlice] = [serverUnderTest, alice];
    serverUnderTest = await startServerUnderTest({ settings });
    try {
      alice = await serverUnderTest.register(await serverUnderTest.newcomer("alice", [number]), "direct");
      await trunk({ verify: "note" });
      await connects();
      const callId = calls([signed(provider, "/never.pem")]);
      const invite = await alice.next("INVITE");
      expect(asserted(invite)).toEqual(marked("No-TN-Validation"));
      alice.reply(invite, 486);
      expect((await recordOf(callId))["verification"]).toMatchObject({ why: "the certificate was not there in 400 ms" });
    } finally {
      await serverUnderTest.close();
      [serverUnderTest, alice] = [usual, itsAlice];
    }
  });
});

describe("a trunk whose callers have to be verified names no other caller than that of the call", () => {
  /** A verified call, which alice has answered. */
  async function talks() {
    await trunk({ verify: "require" });
    await connects();
    const callId = calls([signed()]);
    alice.reply(await alice.next("INVITE"), 200, { headers: [["Content-Type", "application/sdp"]], body: shortSdp });
    const answer = await trunkServer.next(200);
    const routes = headers(answer, "record-route").reverse();
    const own = { from: `<sip:+${from}@provider.example>;tag=far`, to: header(answer, "to") ?? "" };
    const says = (method: string, cseq: number, names: { readonly from: string; readonly to: string } = own) => {
      const body = { INVITE: shortSdp, UPDATE: shortSdp, MESSAGE: "send me your code" }[method] ?? "";
      const lines = [
        `Via: SIP/2.0/TCP 127.0.0.1:${trunkServer.port};branch=${newBranch()}`,
        "Max-Forwards: 70",
        ...routes.map((route) => `Route: ${route}`),
        ...[`From: ${names.from}`, `To: ${names.to}`, `Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`],
        `Contact: <sip:far@127.0.0.1:${trunkServer.port};transport=tcp>`,
        `Content-Type: ${method === "MESSAGE" ? "text/plain" : "application/sdp"}`,
      ];
      trunkServer.send(compose(`${method} ${alice.contact.slice(1, -1)} SIP/2.0`, lines, body));
    };
    says("ACK", 1);
    await alice.next("ACK");
    return { says, own };
  }

  const bank = '"Your Bank" <sip:+19995550000@provider.example>;tag=far';

  it.each(["INVITE", "UPDATE", "MESSAGE"])("by a %s within it", async (method) => {
    const { says, own } = await talks();
    says(method, 3, { ...own, from: bank });
    expect((await trunkServer.next(403)).status).toBe(403);
    says(method, 4);
    expect((await alice.next(method)).method).toBe(method);
  });

  it.each(["INVITE", "MESSAGE"])("by a %s with its Route when it is over", async (method) => {
    const { says, own } = await talks();
    says("BYE", 2);
    alice.reply(await alice.next("BYE"), 200);
    says(method, 3, { from: bank, to: own.to.replace(/tag=.*/, "tag=new") });
    expect((await trunkServer.next(403)).status).toBe(403);
  });
});
