import { afterAll, describe, expect, it } from "vitest";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { BINDING_GRACE: "600", CLOSED_GRACE: "60" } });
afterAll(() => serverUnderTest.close());

/** For how many seconds the phone of a user is still waited for; undefined while it has not been missed. */
async function waitedFor(account: string): Promise<number | undefined> {
  const query = "SELECT json_extract(value, '$.awayUntil') AS until FROM bindings";
  const [row] = (await serverUnderTest.server.query(`sip:${account}@localhost#1`, query)) as { until: number | null }[];
  return typeof row?.until === "number" ? (row.until - Date.now()) / 1000 : undefined;
}

describe.each(ways)("a phone whose connection is gone, on the %s way", (way) => {
  it.each([1000, 1001])("is not waited for long if it closed it itself, with %i", async (code) => {
    const [bob] = await serverUnderTest.phones(way, "bob");
    bob.socket.close(code);
    await expect.poll(() => waitedFor(bob.account)).toBeGreaterThan(0);
    expect(await waitedFor(bob.account)).toBeLessThanOrEqual(60);
  });

  it("is waited for as long as BINDING_GRACE says if it broke", async () => {
    const [bob] = await serverUnderTest.phones(way, "bob");
    bob.socket.cut();
    await expect.poll(() => waitedFor(bob.account)).toBeGreaterThan(60);
  });
});
