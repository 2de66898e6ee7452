import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listLines, recipientList } from "../support/list-watching.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

/** A user makes this server connect to a few other servers at a time, whatever the user sends. */
let serverUnderTest: ServerUnderTest;
let others: readonly SipServer[];
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
  others = await Promise.all(Array.from({ length: 40 }, () => startSipServer()));
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { calls_out: true });
});
afterAll(async () => {
  await serverUnderTest.close();
  for (const other of others) other.close();
});

const uriAt = ({ port }: SipServer): string => `sip:bob@127.0.0.1:${port};transport=tcp`;

describe("of forty other servers", () => {
  it("thirty get a message, and the sender is told for the others to wait: 480", async () => {
    const [alice] = await serverUnderTest.phones("direct", "alice");
    const sent = others.map((other) => alice.request("MESSAGE", uriAt(other), { body: "hello" }));
    for (const other of others)
      void other
        .next("MESSAGE")
        .then((message) => other.reply(message, 200))
        .catch(() => undefined);
    const statuses = (await Promise.all(sent.map((one) => alice.finalResponse(one)))).map(({ status }) => status);
    const refused = statuses.filter((status) => status === 480).length;
    // One more in five seconds.
    expect(refused).toBeGreaterThan(6);
    expect(refused).toBeLessThanOrEqual(10);
    expect(statuses.filter((status) => status === 200)).toHaveLength(40 - refused);
  });

  it("thirty are connected to for one list", async () => {
    for (const other of others) other.cut();
    const before = others.map((other) => other.ended() + other.connections());
    const [carol] = await serverUnderTest.phones("direct", "carol");
    const answer = await carol.transact("SUBSCRIBE", "sip:list.adhoc@localhost", {
      headers: [
        ["Event", "presence"],
        ["Expires", "600"],
        ["Require", "recipient-list-subscribe"],
        ["Content-Type", "application/resource-lists+xml"],
        ["Content-Disposition", "recipient-list"],
        ...listLines.map((line) => line.split(": ") as [string, string]),
      ],
      body: recipientList(...others.map(uriAt)),
    });
    expect(answer.status).toBe(200);
    const connected = () => others.filter((other, index) => other.ended() + other.connections() > (before[index] ?? 0)).length;
    await expect.poll(connected).toBeGreaterThan(27);
    await new Promise((resume) => setTimeout(resume, 3000));
    expect(connected()).toBeLessThan(34);
  });
});
