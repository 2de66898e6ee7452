import { once } from "node:events";
import { type Socket, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { establish, hangUp } from "../support/call.ts";
import { listenOnOwnPort, portOf } from "../support/own-port.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const mebibyte = 1_048_576;

/** An OPTIONS for us that is answered with all its Vias. */
function question(count: number): string {
  const vias = Array.from({ length: 40 }, (_none, index) => `Via: SIP/2.0/TCP far.example;branch=z9hG4bK${index}${"v".repeat(1000)}`);
  const rest = ["From: <sip:far.example>;tag=1", "To: <sip:localhost>", `Call-ID: ${count}`, `CSeq: ${count} OPTIONS`, "Content-Length: 0"];
  return `${["OPTIONS sip:localhost SIP/2.0", ...vias, "Max-Forwards: 70", ...rest].join("\r\n")}\r\n\r\n`;
}

const silence = () => sleep(5000, false);

it("a server that asks and does not read is cut off after 10 s without room, and meanwhile others call", async () => {
  const serverUnderTest = await startServerUnderTest({ settings: { ALLOWED_NETWORKS: "127.0.0.0/8" } });
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { calls_out: true });
  const deaf = createServer();
  await listenOnOwnPort(deaf);
  const connected = once(deaf, "connection") as Promise<[Socket]>;
  const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
  alice.request("MESSAGE", `sip:x@127.0.0.1:${portOf(deaf)};transport=tcp`, { body: "hello" });
  const [socket] = await connected;
  socket.on("error", () => undefined);
  await once(socket, "data");
  socket.pause();
  // What the kernels of both ends hold is read by nobody either. When we have given it up, nothing is taken from it any more.
  // A few at a time: of those that come faster than they are answered, most are dropped.
  let asked = 0;
  let isRead = true;
  for (; isRead && asked < 200 * mebibyte; asked += 42_000) {
    if (!socket.write(question(asked + 1))) isRead = await Promise.race([once(socket, "drain").then(() => true), silence()]);
    if (asked % 168_000 === 0) await sleep(20);
  }
  expect(isRead).toBe(false);
  const call = await establish(alice, bob);
  expect((await hangUp(alice, call.callerSide, bob)).status).toBe(200);
  socket.destroy();
  deaf.close();
  await serverUnderTest.close();
});
