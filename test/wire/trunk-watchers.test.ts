import { afterAll, beforeAll, expect, it } from "vitest";
import { compose, newBranch } from "../support/compose.ts";
import { header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { startSipServer } from "../support/sip-server.ts";

let serverUnderTest: ServerUnderTest;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
});
afterAll(() => serverUnderTest.close());

const api = (method: string, path: string, body?: object) => serverUnderTest.server.api(method, `/domains/localhost${path}`, body);

it("the server of a trunk that watches a user waits for permission, as others do who are no users of the domain", async () => {
  const provider = await startSipServer();
  const trunk = { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"], inbound: true };
  expect((await api("PUT", "/trunks/provider", trunk)).status).toBeLessThan(300);
  const [boss] = await serverUnderTest.phones("direct", "boss");
  const opening = boss.request("MESSAGE", "sip:+1555@localhost", { body: "hello" });
  provider.reply(await provider.next("MESSAGE"), 200);
  await boss.finalResponse(opening);
  const lines = [
    `Via: SIP/2.0/TCP 127.0.0.1:${provider.port};branch=${newBranch()}`,
    ...["Max-Forwards: 70", "From: <sip:stranger@somewhere.example>;tag=far", `To: <${boss.aor}>`, `Call-ID: ${newBranch()}`],
    ...["CSeq: 1 SUBSCRIBE", "Event: presence", "Expires: 600", `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`],
  ];
  provider.send(compose(`SUBSCRIBE ${boss.aor} SIP/2.0`, lines));
  const pending = await provider.next("NOTIFY");
  expect(header(pending, "subscription-state")).toMatch(/^pending/);
  expect(pending.body).not.toContain("open");
  provider.reply(pending, 200);
  const path = `/subscribers/${boss.account}/watchers/${encodeURIComponent("trunk:provider@localhost")}`;
  expect((await api("PUT", path, { permission: "allow" })).status).toBe(200);
  const active = await provider.next("NOTIFY");
  expect(header(active, "subscription-state")).toMatch(/^active/);
  expect(active.body).toContain("open");
  provider.close();
});
