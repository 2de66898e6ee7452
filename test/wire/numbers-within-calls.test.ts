import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { type Dialog, dialogOfCaller } from "../support/dialog.ts";
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
  const put = (path: string, body: object) => serverUnderTest.server.api("PUT", `/domains/localhost${path}`, body);
  await put("/trunks/provider", { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], format: "plain" });
  await put("/routes/no-premium", { match: { user: { pattern: "^\\+1900" } }, action: { kind: "reject", status: 403 } });
  [alice] = await serverUnderTest.phones("direct", "alice");
});
afterAll(async () => {
  await serverUnderTest.close();
  provider.close();
});

const at = (user: string): string => `sip:${user}@127.0.0.1:${provider.port};transport=tcp`;

/** Alice has called a number, and the provider's Contact has another one. */
async function talks(): Promise<Dialog> {
  const sent = alice.request("INVITE", "sip:+15550000@localhost", { body: shortSdp });
  provider.reply(await provider.next("INVITE"), 200, [`Contact: <${at("19990000")}>`], shortSdp);
  const dialog = dialogOfCaller(await alice.finalResponse(sent));
  alice.ack(dialog);
  await provider.next("ACK");
  return { ...dialog, cseq: 7 };
}

/** The status of a request within the call: the provider answers 202. */
async function asks(method: string, dialog: Dialog, headers: readonly (readonly [string, string])[] = []): Promise<number> {
  const sent = alice.inDialog(method, dialog, { headers, body: shortSdp });
  const isOfCall = (message: ReceivedMessage) => message.method === method && header(message, "call-id") === dialog.callId;
  provider.next(isOfCall).then(
    (request) => provider.reply(request, 202),
    () => undefined,
  );
  return (await alice.finalResponse(sent)).status;
}

describe("a request within a call over a trunk", () => {
  it("names no number that the caller could not call", async () => {
    const dialog = await talks();
    for (const user of ["+19005551234", "19005551234", "1-900-555", "+1900;x=y"])
      expect([user, await asks("INVITE", { ...dialog, target: at(user), remote: "<sip:+1900@localhost>;tag=made-up" })]).toEqual([
        user,
        403,
      ]);
    const strict = { ...dialog, target: /<([^>]+)>/.exec(dialog.routes[0] ?? "")?.[1] ?? "", routes: [`<${at("+19005551234")}>`] };
    expect(await asks("INVITE", strict)).toBe(403);
    const own = dialog.routes[0] ?? "";
    const behind = [own, `<${at("+19005551234")}>`];
    expect(await asks("INVITE", { ...dialog, routes: behind })).toBe(403);
    expect(await asks("INVITE", { ...dialog, target: at("+19005551234"), routes: [own, `<${at("far")}>`] })).toBe(403);
    for (const user of ["+1900~555", "+1900555a"]) {
      expect(await asks("INVITE", { ...dialog, target: at(user) })).toBe(403);
      expect(await asks("REFER", dialog, [["Refer-To", `<sip:${user}@localhost>`]])).toBe(403);
    }
    const two = [
      ["Refer-To", "<sip:+15551111@localhost>"],
      ["Refer-To", "<sip:+1900555@localhost>"],
    ] as const;
    expect(await asks("REFER", dialog, two)).toBe(400);
    expect(await asks("REFER", dialog, [["Refer-To", "<sip:+15551111@localhost>, <sip:+1900555@localhost>"]])).toBe(400);
    expect(await asks("REFER", dialog, [["Refer-To", "<sip:+1-900-555@localhost>"]])).toBe(403);
  });

  it("goes to the Contact of the other end, to what was dialled, and to names", async () => {
    const dialog = await talks();
    for (const user of ["19990000", "+15550000", "far", "+15550000-0x5581f0a2b3c0"])
      expect(await asks("INVITE", { ...dialog, target: at(user) })).toBe(202);
    expect(await asks("REFER", dialog, [["Refer-To", "<sip:+15551111@localhost>"]])).toBe(202);
    expect(await asks("INFO", { ...dialog, target: at("+19005551234") })).toBe(202);
  });
});
