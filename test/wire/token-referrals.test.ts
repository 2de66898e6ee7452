import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { dialogOfCallee } from "../support/dialog.ts";
import { Phone } from "../support/phone.ts";
import { header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

let s: ServerUnderTest;
let provider: SipServer;
beforeAll(async () => {
  s = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
  provider = await startSipServer();
});
afterAll(async () => {
  provider.close();
  await s.close();
});

const contact = () => `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`;

/** Who has a token only to be reachable is called over the trunk, by an accomplice. */
async function called(limits: object, refer: string) {
  const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
  await s.server.api("PUT", "/domains/localhost/trunks/provider", { server, prefixes: ["+1"], inbound: true, refer });
  const bob = await s.register(await s.newcomer("bob"), "direct");
  const number = `+4930${Math.floor(Math.random() * 1e7)}`;
  const account = await s.newcomer("alice", [number]);
  await s.register(account, "direct").then((phone) => phone.socket.close());
  const minted = await s.server.api("POST", `/domains/localhost/subscribers/${account}/tokens`, { seconds: 3600, ...limits });
  const { token } = (await minted.json()) as { token: string };
  const alice = await Phone.connect(s.server, { account, way: "direct", path: `/ws?access_token=${token}` });
  expect((await alice.register()).status).toBe(200);
  // There is a connection to the provider.
  const sent = bob.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
  provider.reply(await provider.next("MESSAGE"), 200);
  await bob.finalResponse(sent);
  provider.send(
    compose(
      `INVITE sip:${number}@localhost SIP/2.0`,
      [
        `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`,
        ...["Max-Forwards: 70", `From: <sip:+12155551212@provider.example>;tag=far`, `To: <sip:${number}@localhost>`],
        ...[`Call-ID: ${newBranch()}`, "CSeq: 1 INVITE", contact(), "Content-Type: application/sdp"],
      ],
      shortSdp,
    ),
  );
  const invite = await alice.next("INVITE");
  alice.reply(invite, 200, { headers: [["Content-Type", "application/sdp"]], body: shortSdp });
  await provider.next(200);
  return { alice, dialog: { ...dialogOfCallee(invite, alice.tag), cseq: 1 } };
}

describe("a token with the scope register only has no number called by a REFER over a trunk", () => {
  it("that the trunk's server gets", async () => {
    const { alice, dialog } = await called({ scope: ["register"] }, "pass");
    const direct = await alice.finalResponse(
      alice.request("INVITE", "sip:+1900555@localhost", { headers: [["Content-Type", "application/sdp"]], body: shortSdp }),
    );
    expect(direct.status).toBe(403);
    const refer = alice.inDialog("REFER", dialog, { headers: [["Refer-To", "<sip:+1900555@localhost>"]] });
    const outcome = await Promise.race([
      provider.next("REFER").then((heard) => `the provider is asked to call ${header(heard, "refer-to")}`),
      alice.finalResponse(refer).then(({ status }) => `refused with ${status}`),
    ]);
    expect(outcome).toBe("refused with 403");
  });

  it("that this server handles", async () => {
    const { alice, dialog } = await called({ scope: ["register"] }, "handle");
    const refer = alice.inDialog("REFER", dialog, { headers: [["Refer-To", "<sip:+1900555@localhost>"]] });
    const { status } = await alice.finalResponse(refer);
    expect(status).toBe(403);
  });
});
