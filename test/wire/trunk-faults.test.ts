import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import type { Phone } from "../support/phone.ts";
import { header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

/** The server of a trunk sends what has no meaning. */
let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let bob: Phone;
let numbers = 0;

beforeAll(async () => {
  [serverUnderTest, provider] = await Promise.all([
    startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } }),
    startSipServer(),
  ]);
  const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
  await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/provider", { server, prefixes: ["+1"], inbound: true });
  [bob] = await serverUnderTest.phones("direct", "bob");
  const sent = bob.request("MESSAGE", "sip:+15550001@localhost", { body: "hello" });
  provider.reply(await provider.next("MESSAGE"), 200);
  await bob.finalResponse(sent);
});
afterAll(async () => {
  provider.close();
  await serverUnderTest.close();
});

interface Asked {
  readonly from?: string;
  readonly to?: string;
  readonly lines?: readonly string[];
}

/** What is answered, and whether the phone has heard of it. */
async function asks(method: string, { from = "<sip:+4930@provider.example>;tag=far", to = "", lines = [] }: Asked): Promise<unknown> {
  numbers += 1;
  const cseq = `${numbers} ${method}`;
  const shared = [
    `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`,
    "Max-Forwards: 70",
    `From: ${from}`,
    `To: <${bob.aor}>${to}`,
    `Call-ID: without-call-${numbers}`,
    `CSeq: ${cseq}`,
    `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`,
  ];
  provider.send(compose(`${method} ${bob.aor} SIP/2.0`, [...shared, ...lines], method === "INVITE" ? shortSdp : ""));
  const answer = await provider.next((one) => one.status >= 200 && header(one, "cseq") === cseq);
  return [answer.status, bob.socket.rest().map((one) => one.startLine)];
}

describe("the server of a trunk is answered, and the phone hears nothing, when it sends", () => {
  it.each(["BYE", "PRACK", "UPDATE", "INFO"])("%s without a call: 481", async (method) => {
    expect(await asks(method, {})).toEqual([481, []]);
    expect(await asks(method, { to: ";tag=x" })).toEqual([481, []]);
  });

  it.each([
    ["a From that is no telephone number", { from: "<tel:alice>;tag=f" }],
    ["a From without a URI", { from: "<>;tag=f" }],
    ["an octet that no header may have", { lines: ["Subject: a\0b"] }],
  ])("an INVITE with %s: 400", async (_what, asked) => {
    expect(await asks("INVITE", asked)).toEqual([400, []]);
  });
});
