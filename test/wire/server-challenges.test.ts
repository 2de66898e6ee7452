import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, shortSdp } from "../support/compose.ts";
import { copiedLines, dialogOfCaller } from "../support/dialog.ts";
import { type ReceivedMessage, header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

/** Within a call the server of a trunk challenges the phone, which would answer with a hash of its password. */
let serverUnderTest: ServerUnderTest;
let provider: SipServer;

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
});
afterAll(() => serverUnderTest.close());
beforeEach(async () => {
  provider = await startSipServer();
  const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", { server, prefixes: ["+1"], maximum_calls: 1 });
});
afterEach(() => provider.close());

const challenge = 'Proxy-Authenticate: Digest realm="evil.example", nonce="chosen", algorithm=MD5';
const contact = () => `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;

/** Answers a request with another branch than the one that was sent. */
function answersFalsely(request: ReceivedMessage, status: string, branch: (own: string) => string, lines: readonly string[] = []): void {
  const [via = "", ...rest] = copiedLines(request, "far");
  const written = via.replace(/branch=([^;]+)/, (_whole, own: string) => `branch=${branch(own)}`);
  provider.send(compose(`SIP/2.0 ${status}`, [written, ...rest, ...lines]));
}

const changes: readonly (readonly [string, (own: string) => string])[] = [
  ["as it was sent", (own) => own],
  ["with another loop mark", (own) => own.replace(/\.[^.]*$/, ".zz")],
  ["with the mark of credentials", (own) => `${own}-a`],
  ["with the mark of another CSeq", (own) => `${own}-1`],
];

describe("a challenge within a call does not reach the phone", () => {
  it.each(changes)("the branch %s", async (_how, change) => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const sent = alice.request("INVITE", "sip:+15550001@localhost", { body: shortSdp, headers: [["Content-Type", "application/sdp"]] });
    const invite = await provider.next("INVITE");
    provider.reply(invite, 200, [contact(), "Content-Type: application/sdp"], shortSdp);
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    for (const method of ["INFO", "BYE"]) {
      const asked = alice.inDialog(method, dialog);
      const request = await provider.next(method);
      answersFalsely(request, "407 Proxy Authentication Required", change, [challenge]);
      provider.reply(request, 200);
      const answer = await alice.finalResponse(asked);
      expect([header(answer, "proxy-authenticate"), answer.status === 200 || change("x") === "x"]).toEqual([undefined, true]);
    }
  });
});

describe("a refusal with a branch that was not sent is none", () => {
  it.each(changes.slice(1))("the branch %s", async (_how, change) => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const sent = alice.request("INVITE", "sip:+15550001@localhost", { body: shortSdp, headers: [["Content-Type", "application/sdp"]] });
    const invite = await provider.next("INVITE");
    answersFalsely(invite, "486 Busy Here", change);
    provider.reply(invite, 603);
    expect((await alice.finalResponse(sent)).status).toBe(603);
    expect((await provider.next("ACK")).method).toBe("ACK");
    const next = alice.request("INVITE", "sip:+15550002@localhost", { body: shortSdp, headers: [["Content-Type", "application/sdp"]] });
    provider.reply(await provider.next("INVITE"), 486);
    expect((await alice.finalResponse(next)).status).toBe(486);
  });
});
