import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import type { Phone } from "../support/phone.ts";
import { type ReceivedMessage, header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let alice: Phone;

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
  provider = await startSipServer();
  const api = (path: string, body: object) => serverUnderTest.server.api("PUT", `/domains/localhost${path}`, body);
  await api("/trunks/provider", { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1", "+49", "x"] });
  await api("/routes/no-premium", {
    match: { user: { pattern: "^\\+1900" } },
    action: { kind: "reject", status: 403, reason: "no premium numbers" },
  });
  [alice] = await serverUnderTest.phones("direct", "alice");
});
afterAll(async () => {
  await serverUnderTest.close();
  provider.close();
});

/** The called user at the provider, which refuses with 486; or else the status that the caller gets. */
async function calls(uri: string): Promise<string> {
  const sent = alice.request("INVITE", uri, { body: shortSdp });
  const reached: string[] = [];
  const isOfCall = (message: ReceivedMessage) => message.method === "INVITE" && header(message, "call-id") === sent.callId;
  provider.next(isOfCall).then(
    (invite) => {
      const count = reached.push(/ sips?:([^@]*)@/.exec(invite.startLine)?.[1] ?? "");
      provider.reply(invite, 486);
      return count;
    },
    () => undefined,
  );
  const { status } = await alice.finalResponse(sent);
  return reached[0] ?? String(status);
}

describe("a number that a trunk has", () => {
  it.each([
    ["sip:+4930123@localhost", "+4930123"],
    ["sip:+49-30-123@localhost", "+4930123"],
    ["sip:+49(30)123;phone-context=x@localhost;user=phone", "+4930123"],
    ["tel:+49-30-123", "+4930123"],
    ["sip:x$'$&$$1@localhost", "x$'$&$$1"],
    ["sip:+49$'7@localhost", "484"],
    ["sip:++19005551234@localhost", "484"],
    ["sip:+%2319005551234@localhost", "484"],
    ["sip:+%E2%80%8B19005551234@localhost", "484"],
    ["sip:+;19005551234@localhost", "484"],
    ["sip:+%FF19005551234@localhost", "404"],
    ["sip:+1-900-5551234@localhost", "403"],
    [`sip:+19005551234;${"x".repeat(60)}@localhost`, "403"],
    [`tel:+19005551234${"0".repeat(60)}`, "403"],
  ])("is the same however it is written: %s", async (uri, reached) => {
    expect(await calls(uri)).toBe(reached);
  });
});
