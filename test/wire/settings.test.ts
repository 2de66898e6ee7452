import { describe, expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { headers } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { setting } from "../support/setting.ts";
import { type ServerUnderTest, startServerUnderTest, ways } from "../support/server-under-test.ts";

/** Settings of what stands before the homes; those of homes are in test/scenarios/settings/. */
async function inTown(
  settings: Readonly<Record<string, string>>,
  check: (serverUnderTest: ServerUnderTest) => Promise<void>,
): Promise<void> {
  const serverUnderTest = await startServerUnderTest({ settings });
  try {
    await check(serverUnderTest);
  } finally {
    await serverUnderTest.close();
  }
}

setting("MAXIMUM_LEGS", 2, 12, "so many accounts may be on one socket of the general way: 403", (value) =>
  inTown({ MAXIMUM_LEGS: String(value) }, async (serverUnderTest) => {
    const [first] = await serverUnderTest.phones("general", "alice");
    const beside = async () => new Phone(first.socket, { account: await serverUnderTest.newcomer("bob"), way: "general" });
    for (let count = 1; count < value; count += 1) expect((await (await beside()).register()).status).toBe(200);
    expect((await (await beside()).register()).status).toBe(403);
  }),
);

describe("PUBLIC_HOST", () => {
  it.each(ways)("is what the server calls itself in Via and Record-Route, and a call goes by it, on the %s way", (way) =>
    inTown({ PUBLIC_HOST: "SIP.example.net" }, async (serverUnderTest) => {
      const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
      const call = await establish(alice, bob);
      expect(headers(call.heard, "via")[0]).toMatch(/^SIP\/2\.0\/WSS? sip\.example\.net;/);
      expect(headers(call.heard, "record-route")).toEqual([expect.stringMatching(/^<sips?:[^>]*@sip\.example\.net;/)]);
      expect((await hangUp(bob, call.calleeSide, alice)).status).toBe(200);
    }),
  );
});
