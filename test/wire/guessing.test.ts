import { afterAll, describe, expect, it } from "vitest";
import type { ReceivedMessage } from "../support/received-message.ts";
import type { Phone, Sent } from "../support/phone.ts";
import { startServerUnderTest, ways, type ConnectionKind } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

/** The first request and its challenge. */
async function challenged(way: ConnectionKind): Promise<{ phone: Phone; sent: Sent; answer: ReceivedMessage }> {
  const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way);
  const sent = phone.request("REGISTER", "sip:localhost", { to: `<${phone.aor}>` });
  return { phone, sent, answer: await phone.finalResponse(sent) };
}

async function again(phone: Phone, sent: Sent, line: string): Promise<ReceivedMessage> {
  const { callId, cseq, to } = sent;
  return phone.finalResponse(phone.request(sent.method, sent.uri, { callId, cseq: cseq + 1, to }, [line]));
}

describe.each(ways)("guessing, on the %s way", (way) => {
  it("wrong passwords on several connections are slowed down, the owner's phone is not, and the right password still comes in", async () => {
    const { phone, sent, answer } = await challenged(way);
    const owner = await serverUnderTest.register(phone.account, way);
    const guess = async (on: Phone, to: typeof answer, count: number, lies: Parameters<Phone["authorization"]>[2]) =>
      (await again(on, { ...sent, cseq: sent.cseq + count }, on.authorization(to, sent, lies))).status;
    const wrong = { password: "wrong" };
    for (let count = 1; count <= 20; count += 1) expect(await guess(phone, answer, count, wrong)).toBe(401);
    const other = await serverUnderTest.connect(phone.account, way);
    const fresh = await again(other, sent, "X-Nothing: yet");
    for (let count = 1; count <= 3; count += 1) expect(await guess(other, fresh, count, wrong)).toBe(401);
    let isAnswered = false;
    const right = guess(other, fresh, 4, {}).then((status) => ((isAnswered = true), status));
    expect((await owner.register()).status).toBe(200);
    expect(isAnswered).toBe(false);
    expect(await right).toBe(200);
  });
});
