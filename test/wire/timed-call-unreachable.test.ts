import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { Phone } from "../support/phone.ts";

import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { startSipServer } from "../support/sip-server.ts";

let s: ServerUnderTest;
beforeAll(async () => {
  s = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
});
afterAll(() => s.close());
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a call that a token allows for a time", () => {
  it("ends at a trunk's server that was away when its time was over", async () => {
    let provider = await startSipServer();
    const { port } = provider;
    const server = `sip:127.0.0.1:${port};transport=tcp`;
    await s.server.api("PUT", "/domains/localhost/trunks/provider", { server, prefixes: ["+1"] });
    const account = await s.newcomer("alice");
    await s.register(account, "direct").then((phone) => phone.socket.close());
    const minted = await s.server.api("POST", `/domains/localhost/subscribers/${account}/tokens`, {
      seconds: 3600,
      maximum_call_seconds: 10,
    });
    const { token } = (await minted.json()) as { token: string };
    const alice = await Phone.connect(s.server, { account, way: "direct", path: `/ws?access_token=${token}` });
    expect((await alice.register()).status).toBe(200);
    const sent = alice.request("INVITE", "sip:+1555@localhost", { headers: [["Content-Type", "application/sdp"]], body: shortSdp });
    const invite = await provider.next("INVITE");
    provider.reply(invite, 200, [`Contact: <sip:far@127.0.0.1:${port};transport=tcp>`, "Content-Type: application/sdp"], shortSdp);
    alice.ack(dialogOfCaller(await alice.finalResponse(sent)));
    await provider.next("ACK");
    await wait(5000);
    provider.close();
    await alice.next("BYE", { milliseconds: 12_000 });
    await wait(3000);
    provider = await startSipServer(port);
    const heard = await provider.next("BYE", { milliseconds: 30_000 }).catch(() => undefined);
    provider.close();
    expect(heard).toBeDefined();
  }, 70_000);
});
