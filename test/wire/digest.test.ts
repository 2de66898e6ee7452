import { afterAll, describe, expect, it } from "vitest";
import { readChallenge } from "../support/digest.ts";
import { hasty } from "../support/hasty.ts";
import { headers, type ReceivedMessage } from "../support/received-message.ts";
import type { Phone, Sent } from "../support/phone.ts";
import { startServerUnderTest, ways, type ConnectionKind } from "../support/server-under-test.ts";

// A connection on which nothing is said is closed when nonces that are as old as it are too old.
const settings = { NONCE_LIFETIME: hasty, FIRST_MESSAGE_TIMEOUT: `${Number(hasty) + 1}` };
const [patientTown, hastyTown] = await Promise.all([startServerUnderTest(), startServerUnderTest({ settings })]);
afterAll(() => Promise.all([patientTown.close(), hastyTown.close()]));

/** The first request and its challenge. */
async function challenged(
  way: ConnectionKind,
  serverUnderTest = patientTown,
): Promise<{ phone: Phone; sent: Sent; answer: ReceivedMessage }> {
  const phone = await serverUnderTest.connect(await serverUnderTest.newcomer("alice"), way);
  const sent = phone.request("REGISTER", "sip:localhost", { to: `<${phone.aor}>` });
  return { phone, sent, answer: await phone.finalResponse(sent) };
}

async function again(phone: Phone, sent: Sent, line: string): Promise<ReceivedMessage> {
  const { callId, cseq, to } = sent;
  return phone.finalResponse(phone.request(sent.method, sent.uri, { callId, cseq: cseq + 1, to }, [line]));
}

const isStale = (answer: ReceivedMessage): boolean =>
  headers(answer, "www-authenticate").some((value) => readChallenge(value)["stale"] === "true");

describe.each(ways)("digest (RFC 7616, RFC 8760), on the %s way", (way) => {
  it("challenges in one line each, the strongest first, MD5 last, since the stock phones take the last one", async () => {
    const { answer } = await challenged(way);
    const challenges = headers(answer, "www-authenticate").map(readChallenge);
    expect(challenges.map((challenge) => challenge["algorithm"])).toEqual(["SHA-256", "MD5"]);
    for (const challenge of challenges) expect(challenge).toMatchObject({ realm: "localhost", qop: "auth" });
    expect(answer.status).toBe(401);
  });

  it.each(["MD5", "SHA-256"] as const)("takes %s", async (algorithm) => {
    const { phone, sent, answer } = await challenged(way);
    expect((await again(phone, sent, phone.authorization(answer, sent, { algorithm }))).status).toBe(200);
  });

  it.each(["MESSAGE", "OPTIONS", "SUBSCRIBE", "NONSENSE"])("challenges a %s with 407 and Proxy-Authenticate", async (method) => {
    const phone = await patientTown.connect(await patientTown.newcomer("alice"), way);
    const answer = await phone.finalResponse(phone.request(method, "sip:bob@localhost"));
    expect(answer.status).toBe(407);
    expect(headers(answer, "proxy-authenticate")).toHaveLength(2);
    expect(headers(answer, "www-authenticate")).toEqual([]);
  });

  it.each([
    ["a wrong password", { password: "wrong" }],
    ["another user's name", { username: "bob" }],
    ["another realm", { lies: { realm: "elsewhere.example" } }],
    ["a nonce of nobody's", { lies: { nonce: "bm9ib2R5" } }],
    ["another request's uri", { lies: { uri: "sip:elsewhere.example" } }],
    ["an unknown algorithm", { lies: { algorithm: "ROT13" } }],
    ["qop=auth-int, which was not offered", { lies: { qop: "auth-int" } }],
    ["no nc", { lies: { nc: "" } }],
    ["a response of the wrong length", { lies: { response: "00" } }],
  ])("refuses %s with a new challenge, which is not stale", async (_name, lies) => {
    const { phone, sent, answer } = await challenged(way);
    const refusal = await again(phone, sent, phone.authorization(answer, sent, lies));
    expect(refusal.status).toBe(401);
    expect(isStale(refusal)).toBe(false);
  });

  it.each(["Digest", "Digest username=", "Basic YWxpY2U6b2ZmaG9vaw==", 'Digest username="alice', "Digest ,,,,"])(
    "an Authorization that cannot be used (%s) is as none",
    async (value) => {
      const { phone, sent } = await challenged(way);
      expect((await again(phone, sent, `Authorization: ${value}`)).status).toBe(401);
    },
  );

  it("whoever tries passwords is cut off after twenty wrong ones, and the owner is not", async () => {
    const { phone, sent, answer } = await challenged(way);
    const owner = await patientTown.register(phone.account, way);
    for (let tried = 0; tried < 20; tried += 1) {
      const line = phone.authorization(answer, sent, {
        password: `guess${tried}`,
        lies: { nc: (tried + 1).toString(16).padStart(8, "0") },
      });
      expect((await again(phone, { ...sent, cseq: sent.cseq + tried }, line)).status).toBe(401);
    }
    expect(await phone.socket.closed).toEqual({ code: 4403, reason: "too many wrong passwords: connect again" });
    expect((await owner.register()).status).toBe(200);
  });

  it("a request with many passwords is refused, and none of them is tried", async () => {
    const { phone, sent, answer } = await challenged(way);
    const lines = Array.from({ length: 200 }, (_none, count) => phone.authorization(answer, sent, { password: `guess${count}` }));
    const right = phone.authorization(answer, sent);
    expect((await again(phone, sent, [...lines, right].join("\r\n"))).status).toBe(400);
    expect((await again(phone, { ...sent, cseq: sent.cseq + 1 }, right)).status).toBe(200);
  });

  it("a nonce is good for its own socket only", async () => {
    const { phone, sent, answer } = await challenged(way);
    const thief = await patientTown.connect(phone.account, way);
    expect((await again(thief, sent, phone.authorization(answer, sent))).status).toBe(401);
  });

  it("a nonce that is too old draws stale=true, and the phone comes in with the new one without asking its user", async () => {
    const clock = await hastyTown.connect(await hastyTown.newcomer("clock"), "general");
    const { phone, sent, answer } = await challenged(way, hastyTown);
    await clock.socket.closed;
    const refusal = await again(phone, sent, phone.authorization(answer, sent));
    expect(refusal.status).toBe(401);
    expect(isStale(refusal)).toBe(true);
    expect((await again(phone, { ...sent, cseq: sent.cseq + 1 }, phone.authorization(refusal, sent))).status).toBe(200);
  });
});
