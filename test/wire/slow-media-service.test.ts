import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { compose } from "../support/compose.ts";
import { copiedLines } from "../support/dialog.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { browserSdp, telephoneSdp } from "../support/session-descriptions.ts";
import { type SipServer, startSipServer } from "../support/sip-server.ts";
import { type StandInEngine, startStandInEngine } from "../support/stand-in-engine.ts";

let serverUnderTest: ServerUnderTest;
let engine: StandInEngine;
let provider: SipServer;

const api = (path: string, body: object) => serverUnderTest.server.api("PUT", `/domains/localhost${path}`, body);
const offer = { body: browserSdp, headers: [["Content-Type", "application/sdp"]] as const };
const numbers = Array.from({ length: 6 }, (_none, at) => `+1555000${at}`);

beforeAll(async () => {
  [serverUnderTest, engine] = await Promise.all([
    startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } }),
    startStandInEngine(),
  ]);
  await api("/media/engine", { kind: "rtpengine", url: engine.url });
});
afterAll(() => Promise.all([serverUnderTest.close(), engine.close()]));
beforeEach(async () => {
  provider = await startSipServer();
  await api("/trunks/provider", { server: `sip:127.0.0.1:${provider.port};transport=tcp`, prefixes: ["+1"] });
});
afterEach(() => provider.close());

it("calls do not wait for each other one by one", async () => {
  const [alice] = await serverUnderTest.phones("direct", "alice");
  engine.delay = 1500;
  const sent = numbers.map((number) => alice.request("INVITE", `sip:${number}@localhost`, offer));
  for (const _one of sent) provider.reply(await provider.next("INVITE"), 486);
  for (const one of sent) expect((await alice.finalResponse(one)).status).toBe(486);
  // The first one is on its way while the others come: together they go after it.
  expect(engine.maxAtOnce).toBeGreaterThanOrEqual(numbers.length - 1);
});

it("what a server repeats meanwhile does not wait without limit, and the call goes on", async () => {
  const [alice] = await serverUnderTest.phones("direct", "alice");
  engine.delay = 0;
  const sent = alice.request("INVITE", `sip:${numbers[0]}@localhost`, offer);
  const invite = await provider.next("INVITE");
  const before = engine.commands.length;
  engine.delay = 1500;
  const sdp = `${telephoneSdp()}a=x:${"z".repeat(60_000)}\r\n`;
  const lines = [...copiedLines(invite, "far"), `Contact: <sip:far@127.0.0.1:${provider.port};transport=tcp>`];
  for (let count = 0; count < 300; count += 1)
    provider.send(compose("SIP/2.0 183 Session Progress", [...lines, "Content-Type: application/sdp"], sdp));
  await alice.next(183);
  engine.delay = 0;
  provider.send(compose("SIP/2.0 486 Busy Here", lines));
  expect((await alice.finalResponse(sent)).status).toBe(486);
  expect(engine.commands.slice(before).filter((command) => command === "answer").length).toBeLessThan(20);
});
