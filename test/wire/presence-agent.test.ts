import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { header, headers } from "../support/received-message.ts";
import { hasKamailioPresence, openPresenceServer } from "../support/kamailio-presence.ts";
import { listLines, readNotice } from "../support/list-watching.ts";
import { type ServerUnderTest, startServerUnderTest, ways } from "../support/server-under-test.ts";
import { pidf } from "../support/watching.ts";

/** A domain whose presence agent is a real Kamailio: Offhook is a proxy between it and the phones. */
describe.skipIf(!hasKamailioPresence)("a domain with another presence agent (RFC 3856 §5)", () => {
  let agent: Awaited<ReturnType<typeof openPresenceServer>>;
  let serverUnderTest: ServerUnderTest;

  beforeAll(async () => {
    agent = await openPresenceServer();
    serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
    const server = `sip:127.0.0.1:${agent.port};transport=tcp`;
    await serverUnderTest.server.api("PUT", "/domains/localhost/trunks/presence", { server });
    const answer = await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { presence_agent: "presence" });
    expect(answer.status).toBe(200);
  });
  afterAll(async () => {
    await serverUnderTest?.close();
    await agent?.close();
  });

  it.each(ways)("SUBSCRIBE goes there, and its notifications come back to the phone, on the %s way", async (way) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    const sent = alice.request("SUBSCRIBE", bob.aor, {
      headers: [
        ["Event", "presence"],
        ["Expires", "600"],
        ["Accept", "application/pidf+xml"],
      ],
    });
    const granted = await alice.finalResponse(sent);
    expect([granted.status, header(granted, "server")]).toEqual([200, expect.stringContaining("kamailio")]);
    alice.reply(await alice.next("NOTIFY"), 200);

    const published = bob.request("PUBLISH", bob.aor, {
      headers: [
        ["Event", "presence"],
        ["Expires", "600"],
        ["Content-Type", "application/pidf+xml"],
      ],
      body: pidf(bob.aor, "open", "busy"),
    });
    expect((await bob.finalResponse(published)).status).toBe(200);
    const told = await alice.next((message) => message.method === "NOTIFY" && message.body.includes("busy"));
    alice.reply(told, 200);

    const routes = headers(granted, "record-route").reverse();
    const ended = alice.request("SUBSCRIBE", /<(.+?)>/.exec(header(granted, "contact") ?? "")?.[1] ?? "", {
      callId: sent.callId,
      from: sent.from,
      to: header(granted, "to") ?? "",
      cseq: 2,
      routes,
      headers: [
        ["Event", "presence"],
        ["Expires", "0"],
      ],
    });
    expect((await alice.finalResponse(ended)).status).toBe(200);
    const last = await alice.next((message) => header(message, "subscription-state")?.startsWith("terminated") === true);
    expect(last.method).toBe("NOTIFY");
  });

  it("that does not exist is refused by the API: 400", async () => {
    expect((await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { presence_agent: "nobody" })).status).toBe(400);
  });

  it.each(ways)("is asked for the resources of a list (RFC 4662 §2), on the %s way", async (way) => {
    const [alice, bob] = await serverUnderTest.phones(way, "alice", "bob");
    await serverUnderTest.server.api("PUT", `/domains/localhost/subscribers/${alice.account}/lists/friends`, {
      entries: [{ uri: bob.aor }],
    });
    alice.request("SUBSCRIBE", `sip:list.friends.${alice.account}@localhost`, {
      headers: [["Event", "presence"], ["Expires", "600"], ...listLines.map((line) => line.split(": ") as [string, string])],
    });
    const first = await alice.next("NOTIFY");
    alice.reply(first, 200);
    const published = bob.request("PUBLISH", bob.aor, {
      headers: [
        ["Event", "presence"],
        ["Expires", "600"],
        ["Content-Type", "application/pidf+xml"],
      ],
      body: pidf(bob.aor, "open", "busy"),
    });
    expect((await bob.finalResponse(published)).status).toBe(200);
    const told = await alice.next((message) => message.method === "NOTIFY" && message.body.includes("busy"));
    alice.reply(told, 200);
    expect(readNotice(told).resources).toEqual({ [bob.aor]: "active open" });
  });
});
