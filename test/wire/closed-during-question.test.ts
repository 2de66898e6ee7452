import { once } from "node:events";
import { afterAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { compose } from "../support/compose.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());
const url = `${serverUnderTest.server.wsUrl}/ws`;

const open = async (): Promise<WebSocket> => {
  const socket = new WebSocket(url, "sip");
  await once(socket, "open");
  return socket;
};
const register = (user: string, branch: string) =>
  compose("REGISTER sip:localhost SIP/2.0", [
    ...[`Via: SIP/2.0/WSS x.invalid;branch=z9hG4bK${branch}${user}`, "Max-Forwards: 70", `Call-ID: ${branch}${user}`, "CSeq: 1 REGISTER"],
    ...[`From: <sip:${user}@localhost>;tag=1`, `To: <sip:${user}@localhost>`, `Contact: <sip:${user}@x.invalid;transport=ws>`],
  ]);
const users = Array.from({ length: 30 }, (_, index) => `leaver${index}`);

/** The first line of the answer to a REGISTER, or that there was none in five seconds. */
async function answerTo(user: string): Promise<string> {
  const socket = await open();
  socket.send(register(user, "b"));
  const heard = once(socket, "message", { signal: AbortSignal.timeout(5000) }).then(
    ([message]) => String(message).split("\r\n", 1)[0] ?? "",
    () => "no answer",
  );
  try {
    return await heard;
  } finally {
    socket.terminate();
  }
}

it.each([
  ["break off", (socket: WebSocket) => socket.terminate()],
  ["close", (socket: WebSocket) => socket.close(1001)],
])("connections that %s while the directory is asked keep nobody else from the answer", async (_how, leave) => {
  for (const user of users) {
    const socket = await open();
    socket.send(register(user, "a"), () => leave(socket));
  }
  const answers = await Promise.all(users.map(answerTo));
  expect(answers.filter((line) => !line.startsWith("SIP/2.0 401"))).toEqual([]);
});
