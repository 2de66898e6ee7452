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
void [put, Signers, verifyInTime, isFault, parseMessage, readCertificates, signing, connects, calls, marked, asserted, header];

/** A verified call, which alice answers. */
async function verifiedCall() {
  await trunk({ verify: "require" });
  await connects();
  const callId = calls([signed()]);
  const invite = await alice.next("INVITE");
  alice.reply(invite, 200, { headers: [["Content-Type", "application/sdp"]], body: shortSdp });
  const answer = await trunkServer.next(200);
  return { callId, routes: headers(answer, "record-route").reverse(), to: header(answer, "to") ?? "", target: alice.contact.slice(1, -1) };
}
type Call = Awaited<ReturnType<typeof verifiedCall>>;
const says = (method: string, { callId, routes, target }: Call, cseq: number, caller: string, to: string, body = "") =>
  trunkServer.send(
    compose(
      `${method} ${target} SIP/2.0`,
      [
        `Via: SIP/2.0/TCP 127.0.0.1:${trunkServer.port};branch=${newBranch()}`,
        ...[
          "Max-Forwards: 70",
          ...routes.map((route) => `Route: ${route}`),
          `From: ${caller}`,
          `To: ${to}`,
          `Call-ID: ${callId}`,
          `CSeq: ${cseq} ${method}`,
        ],
        ...[
          `Contact: <sip:far@127.0.0.1:${trunkServer.port};transport=tcp>`,
          ...(body === "" ? [] : [`Content-Type: ${method === "MESSAGE" ? "text/plain" : "application/sdp"}`]),
        ],
      ],
      body,
    ),
  );

describe("a trunk whose callers have to be verified sends no other From than that of the call:", () => {
  it.each(["INVITE", "MESSAGE"])("a %s by the Route of a call that is over draws 403", async (method) => {
    const call = await verifiedCall();
    says("ACK", call, 1, `<sip:+${from}@provider.example>;tag=far`, call.to);
    await alice.next("ACK");
    says("BYE", call, 2, `<sip:+${from}@provider.example>;tag=far`, call.to);
    alice.reply(await alice.next("BYE"), 200);
    says(
      method,
      call,
      3,
      '"Your Bank" <sip:+19995550000@provider.example>;tag=far',
      call.to.replace(/tag=.*/, "tag=new"),
      method === "MESSAGE" ? "send me your code" : shortSdp,
    );
    expect((await trunkServer.next(403)).status).toBe(403);
  });

  it.each(["INVITE", "UPDATE", "MESSAGE"])("a %s within the call draws 403", async (method) => {
    const call = await verifiedCall();
    says("ACK", call, 1, `<sip:+${from}@provider.example>;tag=far`, call.to);
    await alice.next("ACK");
    says(
      method,
      call,
      3,
      '"Your Bank" <sip:+19995550000@provider.example>;tag=far',
      call.to,
      method === "MESSAGE" ? "send me your code" : shortSdp,
    );
    expect((await trunkServer.next(403)).status).toBe(403);
  });

  it.each(["INVITE", "MESSAGE"])(
    "%s with the Route of a call that is over, although the trunk takes no calls any more (inbound: false)",
    async (method) => {
      const call = await verifiedCall();
      says("ACK", call, 1, `<sip:+${from}@provider.example>;tag=far`, call.to);
      await alice.next("ACK");
      says("BYE", call, 2, `<sip:+${from}@provider.example>;tag=far`, call.to);
      alice.reply(await alice.next("BYE"), 200);
      await trunk({ inbound: false });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await connects();
      calls([]);
      expect((await trunkServer.next(403)).status).toBe(403);
      says(
        method,
        call,
        3,
        '"Your Bank" <sip:+19995550000@provider.example>;tag=far',
        call.to.replace(/tag=.*/, "tag=new"),
        method === "MESSAGE" ? "send me your code" : shortSdp,
      );
      expect((await trunkServer.next(403)).status).toBe(403);
    },
  );
});
