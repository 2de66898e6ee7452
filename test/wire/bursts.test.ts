import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { header } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** What comes all at once to a phone that is back; with the settings as they are. */
let serverUnderTest: ServerUnderTest;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest();
});
afterAll(() => serverUnderTest.close());

const type = ["Content-Type", "text/plain"] as const;
const large = "x".repeat(200_000);

async function staysAfterReturn(phone: Phone): Promise<Phone> {
  const back = await serverUnderTest.register(phone.account, "direct", { instance: phone.instance });
  // It answers when it has read all.
  expect((await back.register()).status).toBe(200);
  expect((await back.transact("MESSAGE", "sip:nobody@localhost", { body: "?" })).status).toBe(404);
  return back;
}

/** Whether the server takes the phone for connected. */
async function isReachable({ account }: Phone): Promise<boolean> {
  const answer = await serverUnderTest.server.api("GET", `/domains/localhost/subscribers/${account}/bindings`);
  return ((await answer.json()) as { bindings: { reachable: boolean }[] }).bindings.some(({ reachable }) => reachable);
}

describe("a phone that was away", () => {
  it("gets BYEs without their bodies, and stays, however large they were", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const call = await establish(alice, bob);
    bob.socket.cut();
    for (let sent = 0; sent < 40; sent += 1) alice.inDialog("BYE", call.callerSide, { headers: [type], body: large });
    expect((await alice.register()).status).toBe(200);
    const back = await staysAfterReturn(bob);
    const bye = await back.next("BYE");
    expect([bye.body.length, header(bye, "content-length"), header(bye, "content-type")]).toEqual([0, "0", undefined]);
  });

  it("gets no more of one sender than 512 KiB of what waits within calls", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const call = await establish(alice, bob);
    bob.socket.cut();
    await expect.poll(() => isReachable(bob)).toBe(false);
    const sent = Array.from({ length: 20 }, () => alice.inDialog("INFO", call.callerSide, { headers: [type], body: large }));
    // When he is back, nothing may be on its way any more.
    for (const info of sent.slice(2)) expect((await alice.finalResponse(info)).status).toBe(480);
    const back = await staysAfterReturn(bob);
    expect(back.socket.rest().filter(({ method }) => method === "INFO").length).toBeLessThan(3);
  });
});

describe("calls that ring", () => {
  it("are no more of one caller than 1 MiB of INVITEs: 480 beyond, and a phone that registers anew stays", async () => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const invites = [];
    for (let sent = 0; sent < 10; sent += 1) invites.push(alice.request("INVITE", bob.aor, { headers: [type], body: large }));
    const refusals = await Promise.all(invites.slice(5).map((invite) => alice.finalResponse(invite)));
    expect(refusals.map(({ status }) => status)).toEqual([480, 480, 480, 480, 480]);
    expect(refusals.map((refusal) => header(refusal, "warning"))[0]).toContain("too many requests wait at this user");
    bob.socket.cut();
    const back = await staysAfterReturn(bob);
    for (let heard = 0; heard < 5; heard += 1) await back.next("INVITE");
    const carol = await serverUnderTest.register(await serverUnderTest.newcomer("carol"), "direct");
    const call = await establish(carol, back);
    expect((await hangUp(carol, call.callerSide, back)).status).toBe(200);
  });
});
