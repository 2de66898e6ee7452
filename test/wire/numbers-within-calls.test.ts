import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { type Dialog, dialogOfCaller } from "../support/dialog.ts";
import { Phone } from "../support/phone.ts";
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
async function talks(user = "19990000", by = alice, to = "sip:+15550000@localhost"): Promise<Dialog> {
  const sent = by.request("INVITE", to, { body: shortSdp });
  provider.reply(await provider.next("INVITE"), 200, [`Contact: <${at(user)}>`], shortSdp);
  const dialog = dialogOfCaller(await by.finalResponse(sent));
  by.ack(dialog);
  await provider.next("ACK");
  return { ...dialog, cseq: 7 };
}

/** The status of a request within the call: the provider answers 202. */
async function asks(
  method: string,
  dialog: Dialog,
  headers: readonly (readonly [string, string])[] = [],
  by: Phone = alice,
): Promise<number> {
  const sent = by.inDialog(method, dialog, { headers, body: shortSdp });
  const isOfCall = (message: ReceivedMessage) => message.method === method && header(message, "call-id") === dialog.callId;
  provider.next(isOfCall).then(
    (request) => provider.reply(request, 202),
    () => undefined,
  );
  return (await by.finalResponse(sent)).status;
}

async function hangsUp(dialog: Dialog, by = alice): Promise<void> {
  const bye = by.bye(dialog);
  provider.reply(await provider.next("BYE"), 200);
  await by.finalResponse(bye);
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
    for (const user of ["*31%23+1900555", "w+1900555", "%2331%23+1900555"])
      for (const method of ["INVITE", "MESSAGE"]) expect([user, await asks(method, { ...dialog, target: at(user) })]).toEqual([user, 403]);
  });

  it("goes to the Contact of the other end, to what was dialled, and to names", async () => {
    const dialog = await talks();
    for (const user of ["19990000", "+15550000", "far"]) expect(await asks("INVITE", { ...dialog, target: at(user) })).toBe(202);
    const [handle, other] = ["+15550000-0x5581f0a2b3c0", "+15550000-0x5581f0a2b3c1"];
    const behind = await talks(handle);
    for (const [user, status] of [
      [handle, 202],
      [other, 403],
    ] as const)
      expect(await asks("INVITE", { ...behind, target: at(user) })).toBe(status);
    expect(await asks("REFER", dialog, [["Refer-To", "<sip:+15551111@localhost>"]])).toBe(202);
    expect(await asks("INFO", { ...dialog, target: at("+19005551234") })).toBe(202);
  });

  it("is none with a made-up tag, or after the call", async () => {
    const dialog = await talks();
    const made = { ...dialog, remote: "<sip:+15550000@localhost>;tag=made-up" };
    for (const method of ["INVITE", "MESSAGE"]) expect([method, await asks(method, made)]).toEqual([method, 481]);
    expect(await asks("REFER", made, [["Refer-To", "<sip:+15551111@localhost>"]])).toBe(481);
    await hangsUp(dialog);
    expect(await asks("INVITE", dialog)).toBe(481);
  });

  it.each(["+19005551234", "+15551111"])("is no message to another number: %s", async (number) => {
    const dialog = await talks();
    for (const target of [`tel:${number}`, at(number)])
      expect([target, await asks("MESSAGE", { ...dialog, target })]).toEqual([target, 403]);
    expect(await asks("MESSAGE", dialog)).toBe(202);
  });

  it("keeps to the targets and the calls of a token", async () => {
    const account = await serverUnderTest.newcomer("bob");
    const limits = { scope: ["call"], targets: ["+15550000"], maximum_calls: 1 };
    const minted = await serverUnderTest.server.api("POST", `/domains/localhost/subscribers/${account}/tokens`, limits);
    const { token } = (await minted.json()) as { token: string };
    const bob = await Phone.connect(serverUnderTest.server, { account, way: "direct", path: `/ws?access_token=${token}` });
    const dialog = await talks("far", bob);
    expect(await asks("INVITE", { ...dialog, target: at("+15559999") }, [], bob)).toBe(403);
    expect(await asks("INVITE", dialog, [], bob)).toBe(202);
    await hangsUp(dialog, bob);
    for (const tag of ["made-up", "other"])
      expect(await asks("INVITE", { ...dialog, remote: `<sip:+15550000@localhost>;tag=${tag}` }, [], bob)).toBe(403);
    bob.socket.cut();
  });

  it("names no number if its sender may not use the trunk, and its call was forwarded there", async () => {
    await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
    const [carol] = await serverUnderTest.phones("direct", "carol");
    const forward = { forward: { always: "sip:+15551234@localhost" } };
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${carol.account}/rules`, forward);
    const guest = await Phone.connect(serverUnderTest.server, {
      account: "visitor",
      domain: "anonymous.invalid",
      way: "general",
      path: "/ws",
    });
    const dialog = await talks("19990000", guest, carol.aor);
    for (const user of ["+15559999", "+4477777"]) expect(await asks("INVITE", { ...dialog, target: at(user) }, [], guest)).toBe(403);
    expect(await asks("INVITE", { ...dialog, remote: "<sip:x@localhost>;tag=made-up", target: at("+15559999") }, [], guest)).toBe(481);
    expect(await asks("INVITE", dialog, [], guest)).toBe(202);
    for (const phone of [guest, carol]) phone.socket.cut();
  });
});

describe("a request within a call over a trunk goes to the Contact of its server, whatever digits that has", () => {
  it.each(["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "btpsh-5f3b-7a21-1900", "gw-10.0.0.7"])("%s", async (user) => {
    const dialog = await talks(user);
    expect(await asks("INVITE", { ...dialog, target: at(user) })).toBe(202);
    await hangsUp(dialog);
  });

  it.each(["INVITE", "MESSAGE"])("but by a %s not to a number before the one that was dialled", async (method) => {
    const dialog = await talks("far");
    expect(await asks(method, { ...dialog, target: at("*19005551234*15550000") })).toBe(403);
    await hangsUp(dialog);
  });
});
