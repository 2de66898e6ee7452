import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import type { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { startSipServer } from "../support/sip-server.ts";
import { startWebSocketSipServer } from "../support/sip-web-socket-server.ts";

let serverUnderTest: ServerUnderTest;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
});
afterAll(() => serverUnderTest.close());

const mebibyte = 1_048_576;
const large = { cseq: 1, body: "x".repeat(220_000), headers: [["Content-Type", "text/plain"]] as const };
const calls = (phone: Phone, number: string) =>
  phone.request("INVITE", `sip:${number}@localhost`, { body: shortSdp, headers: [["Content-Type", "application/sdp"]] });

it.each([
  ["tcp", startSipServer],
  ["ws", startWebSocketSipServer],
] as const)(
  "one user's ACKs neither fill the memory nor end the calls of others when a server reads slowly: %s",
  async (transport, start) => {
    const server = await start();
    const trunk = { server: `sip:127.0.0.1:${server.port};transport=${transport}`, prefixes: ["+1"] };
    await serverUnderTest.server.api("PUT", `/domains/localhost/trunks/provider`, trunk);
    const [alice, mallory] = await serverUnderTest.phones("direct", "alice", "mallory");
    const sent = calls(mallory, "+15550001");
    const contact = `Contact: <sip:far@127.0.0.1:${server.port};transport=${transport}>`;
    server.reply(await server.next("INVITE"), 200, [contact, "Content-Type: application/sdp"], shortSdp);
    const dialog = dialogOfCaller(await mallory.finalResponse(sent));
    mallory.ack(dialog);
    await server.next("ACK");
    const ringing = calls(alice, "+15550002");
    const invite = await server.next("INVITE");
    server.deafen();
    for (let count = 0; count < 80; count += 1) {
      mallory.inDialog("ACK", dialog, large);
      if (count % 5 === 4) await sleep(20);
    }
    // What comes after them on this connection, the server has as well.
    expect((await mallory.finalResponse(mallory.request("OPTIONS", "sip:localhost"))).status).toBe(200);
    server.hearAgain();
    server.reply(invite, 486);
    expect([(await alice.finalResponse(ringing)).status, server.connections()]).toEqual([486, 1]);
    await server.next("ACK", { milliseconds: 10_000 });
    mallory.bye(dialog);
    await server.next("BYE");
    const octets = server.rest().reduce((sum, { raw }) => sum + raw.length, 0);
    expect(octets).toBeLessThan(11 * mebibyte);
    server.close();
  },
);
