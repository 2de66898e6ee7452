import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compose, newBranch, shortSdp } from "../support/compose.ts";
import { type Dialog, copiedLines, dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import type { ReceivedMessage } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";

let serverUnderTest: ServerUnderTest;
let provider: SipServer;
let alice: Phone;

const put = (path: string, body: object) => serverUnderTest.server.api("PUT", `/domains/localhost${path}`, body);

beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
});
beforeEach(async () => {
  provider = await startSipServer();
  const server = `sip:127.0.0.1:${provider.port};transport=tcp`;
  await put("/trunks/provider", { server, prefixes: ["+1"], maximum_calls: 1, forbidden_destinations: ["+1900"] });
  [alice] = (await serverUnderTest.phones("direct", "alice")) as [Phone];
});
afterAll(() => serverUnderTest.close());

async function recordsOf({ account }: Phone): Promise<readonly Record<string, unknown>[]> {
  const response = await serverUnderTest.server.api("GET", `/domains/localhost/calls?user=${account}`);
  return ((await response.json()) as { readonly calls: readonly Record<string, unknown>[] }).calls;
}

async function answers(invite: ReceivedMessage): Promise<void> {
  provider.reply(invite, 200, [`Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`], shortSdp);
}

async function talks(to = "sip:+15550000@localhost"): Promise<Dialog> {
  const sent = alice.request("INVITE", to, { body: shortSdp });
  await answers(await provider.next("INVITE"));
  const dialog = dialogOfCaller(await alice.finalResponse(sent));
  alice.ack(dialog);
  await provider.next("ACK");
  return dialog;
}

async function hangsUp(dialog: Dialog): Promise<void> {
  const bye = alice.bye(dialog);
  provider.reply(await provider.next("BYE"), 200);
  await alice.finalResponse(bye);
}

describe("the record of a call over a trunk", () => {
  it.each([
    ["with all lines in use", "sip:+15550002@localhost", undefined, { status: 480, why: "all lines of the trunk are in use" }],
    [
      "with a number that is forbidden",
      "sip:+19005550@localhost",
      undefined,
      { status: 403, why: expect.stringContaining("provider") as string },
    ],
    [
      "with the Call-ID of another call",
      "sip:+15550002@localhost",
      "same",
      { status: 482, why: expect.stringContaining("Call-ID") as string },
    ],
  ] as const)("says that the server has refused it, and why: %s", async (_name, to, same, refusal) => {
    const dialog = await talks();
    const callId = same === undefined ? {} : { callId: dialog.callId };
    const refused = alice.request("INVITE", to, { body: shortSdp, ...callId });
    expect((await alice.finalResponse(refused)).status).toBe(refusal.status);
    await expect.poll(() => recordsOf(alice)).toMatchObject([{ ...refusal, ended_by: "server" }]);
    await hangsUp(dialog);
  });

  it.each([
    ["in its reason phrase", "SIP/2.0 486 Bu\0sy", [], 486],
    ["in a header", "SIP/2.0 486 Busy", ["X: a\0b"], 502],
  ] as const)("is of a refused one, though the refusal has a NUL: %s", async (_name, startLine, lines, status) => {
    const sent = alice.request("INVITE", "sip:+15550002@localhost", { body: shortSdp });
    provider.send(compose(startLine, [...copiedLines(await provider.next("INVITE"), "far"), ...lines]));
    expect((await alice.finalResponse(sent)).status).toBe(status);
    await provider.next("ACK");
    await expect.poll(() => recordsOf(alice)).toMatchObject([{ status, ended_by: "callee" }]);
  });

  it("says that the trunk's server has refused it", async () => {
    const refused = alice.request("INVITE", "sip:+15550002@localhost", { body: shortSdp });
    provider.reply(await provider.next("INVITE"), 480);
    await alice.finalResponse(refused);
    await expect.poll(() => recordsOf(alice)).toMatchObject([{ status: 480, why: null, ended_by: "callee" }]);
  });

  it("goes on after the BYE of a phone that rang beside it, which this server refuses", async () => {
    const [dave] = (await serverUnderTest.phones("direct", "dave")) as [Phone];
    const path = `/domains/localhost/subscribers/${dave.account}/bindings`;
    await serverUnderTest.server.api("POST", path, { contact: "sip:+15550001@localhost" });
    const sent = alice.request("INVITE", dave.aor, { body: shortSdp });
    const rings = await dave.next("INVITE");
    dave.reply(rings, 180);
    await alice.next(180);
    await answers(await provider.next("INVITE"));
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    dave.reply(await dave.next("CANCEL"), 200);
    const tag = /;tag=([^;>]+)/.exec(dialog.remote)?.[1] ?? "";
    const bye = dave.inDialog("BYE", dialogOfCallee(rings, tag));
    expect((await dave.finalResponse(bye)).status).toBe(481);
    await new Promise((resume) => setTimeout(resume, 500));
    expect(await recordsOf(alice)).toEqual([]);
    await hangsUp(dialog);
    await expect
      .poll(() => recordsOf(alice))
      .toMatchObject([{ outcome: "answered", ended_by: "caller", callee: dave.aor.slice(4), trunk: "provider" }]);
  });

  it("goes on after a BYE that this server refuses, which the trunk never hears", async () => {
    const dialog = await talks();
    const long = "x".repeat(60_000);
    for (let count = 0; count < 18; count += 1) alice.inDialog("INFO", dialog, { body: long });
    await provider.next((message) => message.method === "INFO");
    const bye = alice.inDialog("BYE", dialog, { body: long });
    expect((await alice.finalResponse(bye)).status).toBe(480);
    expect(await recordsOf(alice)).toEqual([]);
    await hangsUp(dialog);
    await expect.poll(() => recordsOf(alice)).toMatchObject([{ outcome: "answered", ended_by: "caller" }]);
  });
});

/** The answer to one of two BYEs with the names of one dialog is not that to the other one. */
describe("two BYEs of a call over a trunk, one of them to a second account", () => {
  it.each([200, 481])("the second account answers %i first: the call goes on, for its record and the limits", async (status) => {
    const [dave] = await serverUnderTest.phones("direct", "dave");
    await put(`/subscribers/${alice.account}/rules`, { maximum_calls: 1 });
    const callId = newBranch();
    const first = alice.request("INVITE", dave.aor, { body: shortSdp, callId });
    const rings = await dave.next("INVITE");
    dave.reply(rings, 180);
    const early = dialogOfCaller(await alice.next(180));
    alice.cancel(first);
    dave.reply(await dave.next("CANCEL"), 200);
    dave.reply(rings, 487);
    alice.ackRefusal(first, await alice.finalResponse(first));
    const sent = alice.request("INVITE", "sip:+15550000@localhost", { body: shortSdp, callId, cseq: 10 });
    await answers(await provider.next("INVITE"));
    const dialog = dialogOfCaller(await alice.finalResponse(sent));
    alice.ack(dialog);
    await provider.next("ACK");
    const toDave = alice.inDialog("BYE", { ...early, remote: dialog.remote, target: dave.contact.slice(1, -1) }, { cseq: 12 });
    const held = await dave.next("BYE");
    const toTrunk = alice.inDialog("BYE", dialog, { cseq: 1 });
    const refused = await provider.next("BYE");
    dave.reply(held, status);
    await alice.finalResponse(toDave);
    provider.reply(refused, 500);
    await alice.finalResponse(toTrunk);
    expect((await alice.finalResponse(alice.request("INVITE", "sip:+15550001@localhost", { body: shortSdp }))).status).toBe(403);
    const over = async () => (await recordsOf(alice)).filter(({ trunk, outcome }) => trunk === "provider" && outcome === "answered");
    expect(await over()).toEqual([]);
    await hangsUp({ ...dialog, cseq: 20 });
    await expect.poll(over).toMatchObject([{ ended_by: "caller" }]);
  });
});
