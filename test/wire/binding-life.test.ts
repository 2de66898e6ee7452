import { afterAll, describe, it } from "vitest";
import { addresses, uriIn } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({
  settings: { BINDING_GRACE: "1", MINIMUM_EXPIRES: "1", EXPIRES_SPREAD: "0", LEASE_FACTOR: "1" },
});
afterAll(() => serverUnderTest.close());
const { server } = serverUnderTest;

/** How many contacts the registrar tells. */
async function bindingsOf(account: string): Promise<number> {
  const phone = await serverUnderTest.connect(account, "general");
  const count = addresses(await phone.register({ contacts: [] }), "contact").length;
  phone.socket.close();
  return count;
}

async function statusOf(caller: Phone, callee: string): Promise<number> {
  return (await caller.finalResponse(caller.request("OPTIONS", `sip:${callee}@localhost`))).status;
}

describe.concurrent.each(ways)("on the %s way", (way) => {
  it("a closed socket ends its binding, after a short grace", async ({ expect }) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    bob.socket.close(1000);
    await expect.poll(() => bindingsOf(bob.account)).toBe(0);
    expect(await statusOf(alice, bob.account)).toBe(480);
  });

  it("a socket that is cut without a word ends it too", async ({ expect }) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    bob.socket.cut();
    await expect.poll(() => bindingsOf(bob.account)).toBe(0);
    expect(await statusOf(alice, bob.account)).toBe(480);
  });

  it("a phone that comes back within the grace goes on as if nothing had been", async ({ expect }) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    bob.socket.cut();
    const back = await serverUnderTest.register(bob.account, way, { instance: bob.instance });
    alice.request("MESSAGE", bob.aor, { body: "welcome back" });
    expect((await back.next("MESSAGE")).body).toBe("welcome back");
    expect(await bindingsOf(bob.account)).toBe(1);
  });

  it("an expired binding is gone at once for callers, though the socket is open", async ({ expect }) => {
    const [alice] = await serverUnderTest.phones(way, "alice");
    const bob = await serverUnderTest.connect(await serverUnderTest.newcomer("bob"), way);
    await bob.register({ expires: 1 });
    await expect.poll(() => bindingsOf(bob.account)).toBe(0);
    expect(await statusOf(alice, bob.account)).toBe(480);
  });

  it("an expired binding's row is removed by the alarm, with nobody looking", async ({ expect }) => {
    const bob = await serverUnderTest.connect(await serverUnderTest.newcomer("bob"), way);
    await bob.register({ expires: 1 });
    const rows = (): Promise<Record<string, unknown>[]> =>
      server.query(`sip:${bob.account}@localhost#1`, "SELECT count(*) AS n FROM bindings");
    await expect.poll(rows).toEqual([{ n: 0 }]);
  });

  it("losing memory loses no binding", async ({ expect }) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    await server.evict(`sip:${bob.account}@localhost#1`, "hibernate");
    alice.request("MESSAGE", bob.aor, { body: "do you remember?" });
    const heard = await bob.next("MESSAGE");
    expect(heard.requestUri).toBe(uriIn(bob.contact));
  });
});
