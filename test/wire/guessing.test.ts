import { afterAll, describe, expect, it } from "vitest";
import type { ReceivedMessage } from "../support/received-message.ts";
import { Phone, type Sent } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
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

describe.each(["opened before", "new"])("the owner of an account that is %s", (kind) => {
  it("comes in with the right password while others guess and crowd: credentials that wait are not closed", async () => {
    const account = await serverUnderTest.newcomer("alice");
    if (kind === "opened before") (await serverUnderTest.register(account, "direct")).socket.close();
    const url = `${serverUnderTest.server.wsUrl}/ws/${account}@localhost`;
    const from = async (address: string) =>
      new Phone(await openSocket(url, account, { headers: { "CF-Connecting-IP": address } }), { account, way: "direct" });
    for (const address of ["192.0.2.1", "192.0.2.2"]) {
      const guesser = await from(address);
      const sent = guesser.request("REGISTER", "sip:localhost", { to: `<${guesser.aor}>` });
      const answer = await guesser.finalResponse(sent);
      const line = guesser.authorization(answer, sent, { password: "wrong" });
      for (let count = 1; count <= 12; count += 1) await again(guesser, { ...sent, cseq: sent.cseq + count }, line);
    }
    const owner = await from("203.0.113.7");
    const registered = owner.register();
    const crowd = async () => {
      for (let network = 0; network < 30; network += 1)
        (await openSocket(url, "crowd", { headers: { "CF-Connecting-IP": `198.51.${network}.1` } })).closed.catch(() => 0);
    };
    await Promise.all([crowd(), expect(registered).resolves.toMatchObject({ status: 200 })]);
  });
});
