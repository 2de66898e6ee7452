import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { establish } from "../support/call.ts";
import { header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** A BYE that the other end may refuse, and refuses, ends nothing: neither the record, nor the count of calls. One without a reason to is binding. */
let serverUnderTest: ServerUnderTest;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest();
});
afterAll(() => serverUnderTest.close());

const get = async (path: string): Promise<{ readonly calls: readonly Record<string, unknown>[] }> =>
  (await serverUnderTest.server.api("GET", `/domains/localhost${path}`)).json() as Promise<{ readonly calls: Record<string, unknown>[] }>;

describe("a call in which a BYE is refused", () => {
  it.each(["caller", "callee"])("goes on, for its record, the live calls and the limits: of the %s", async (side) => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${bob.account}/rules`, { maximum_calls: 1 });
    const { callerSide, calleeSide } = await establish(alice, bob);
    const [sender, dialog, receiver] = side === "caller" ? ([alice, callerSide, bob] as const) : ([bob, calleeSide, alice] as const);
    const refused = sender.inDialog("BYE", dialog, { headers: [["Require", "x-unknown"]] });
    receiver.reply(await receiver.next("BYE"), 420);
    expect((await sender.finalResponse(refused)).status).toBe(420);
    for (const { account } of [alice, bob]) {
      expect((await get(`/subscribers/${account}/calls`)).calls).toHaveLength(1);
      expect((await get(`/calls?user=${account}`)).calls).toEqual([]);
    }
    const [carol] = await serverUnderTest.phones("direct", "carol");
    expect((await carol.finalResponse(carol.request("INVITE", bob.aor))).status).toBe(486);
    const second = new Date().toISOString();
    const accepted = sender.inDialog("BYE", dialog);
    receiver.reply(await receiver.next("BYE"), 200);
    expect((await sender.finalResponse(accepted)).status).toBe(200);
    const ofAlice = async () => (await get(`/calls?user=${alice.account}`)).calls;
    await expect.poll(ofAlice).toMatchObject([{ outcome: "answered", ended_by: side }]);
    expect(String((await ofAlice())[0]?.["ended"]) >= second).toBe(true);
    expect((await get(`/subscribers/${bob.account}/calls`)).calls).toEqual([]);
  });

  it.each(["caller", "callee"])("without a reason ends, and the other end gets a BYE of the server: of the %s", async (side) => {
    const [alice, bob, carol] = await serverUnderTest.phones("direct", "alice", "bob", "carol");
    const limited = side === "caller" ? alice : bob;
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${limited.account}/rules`, { maximum_calls: 1 });
    const { callerSide, calleeSide } = await establish(alice, bob);
    const [sender, dialog, receiver] = side === "caller" ? ([alice, callerSide, bob] as const) : ([bob, calleeSide, alice] as const);
    const refused = sender.inDialog("BYE", dialog);
    receiver.reply(await receiver.next("BYE"), 500);
    expect((await sender.finalResponse(refused)).status).toBe(500);
    const again = await receiver.next("BYE");
    expect([header(again, "call-id"), header(again, "cseq")]).toEqual([dialog.callId, "2147483000 BYE"]);
    receiver.reply(again, 500);
    const records = async () => (await get(`/calls?user=${alice.account}`)).calls;
    await expect.poll(records).toMatchObject([{ outcome: "answered", ended_by: side }]);
    for (const { account } of [alice, bob]) expect((await get(`/subscribers/${account}/calls`)).calls).toEqual([]);
    const next = limited.request("INVITE", carol.aor);
    expect((await carol.next("INVITE")).method).toBe("INVITE");
    limited.cancel(next);
  });
});
