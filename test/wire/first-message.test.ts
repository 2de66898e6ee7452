import { afterAll, describe, expect, it } from "vitest";
import { hasty } from "../support/hasty.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest({ settings: { FIRST_MESSAGE_TIMEOUT: hasty } });
afterAll(() => serverUnderTest.close());

describe.concurrent.each(ways)("on the %s way", (way) => {
  it("a socket on which nothing comes in time is closed with a code and a reason", async () => {
    const silent = await serverUnderTest.connect(await serverUnderTest.newcomer("silent"), way);
    const { code, reason } = await silent.socket.closed;
    expect(code).toBeGreaterThanOrEqual(4000);
    expect(reason).not.toBe("");
  });

  it.each([
    ["keep-alives", "\r\n\r\n"],
    ["what is no SIP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["a message without its necessary headers", "OPTIONS sip:localhost SIP/2.0\r\nMax-Forwards: 70\r\n\r\n"],
    ["a response to nothing", "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ])("%s are no valid message", async (_name, frame) => {
    const mumbling = await serverUnderTest.connect(await serverUnderTest.newcomer("mumbling"), way);
    mumbling.socket.send(frame);
    expect((await mumbling.socket.closed).code).toBeGreaterThanOrEqual(4000);
  });

  it("after a valid message, which need not be an authenticated one, the socket stays", async () => {
    const talking = await serverUnderTest.connect(await serverUnderTest.newcomer("talking"), way);
    await talking.finalResponse(talking.request("REGISTER", "sip:localhost", { to: `<${talking.aor}>` }));
    const silent = await serverUnderTest.connect(await serverUnderTest.newcomer("silent"), way);
    await silent.socket.closed;
    expect((await talking.register()).status).toBe(200);
  });
});
