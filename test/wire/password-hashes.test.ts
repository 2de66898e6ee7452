import { afterAll, describe, expect, it } from "vitest";
import { establish } from "../support/call.ts";
import { header, type ReceivedMessage } from "../support/received-message.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startServerUnderTest, ways } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

const challenges = [
  [407, "Proxy-Authenticate", "proxy-authorization"],
  [401, "WWW-Authenticate", "authorization"],
] as const;
const challenge = 'Digest realm="mallory", nonce="chosen", algorithm=MD5';

/** What SIP.js does with any challenge: it answers it with its password, whoever it is of. @returns the credentials that arrive */
async function leaked(
  victim: Phone,
  attacker: Phone,
  status: number,
  send: (line: readonly string[]) => ReturnType<Phone["request"]>,
  heard: ReceivedMessage,
) {
  const [, written, credentials] = challenges.find(([one]) => one === status) ?? challenges[0];
  attacker.reply(heard, status, { headers: [[written, challenge]] });
  const answer = await victim.next(status);
  if (header(answer, written.toLowerCase()) === undefined) return "nothing";
  send([victim.authorization(answer, { method: heard.method, uri: heard.raw.split(" ")[1] ?? "" } as never)]);
  const again = await attacker.next(heard.method);
  return header(again, credentials) ?? "nothing";
}

describe("no hash of a password reaches the other side of a call that asks for it", () => {
  it.each(ways.flatMap((way) => challenges.map(([status]) => [way, status] as const)))(
    "a subscriber who is called, on the %s way, by %i",
    async (way, status) => {
      const [alice, mallory] = await serverUnderTest.phones(way, "alice", "mallory");
      const sent = alice.request("INVITE", mallory.aor);
      const heard = await mallory.next("INVITE");
      const result = await leaked(
        alice,
        mallory,
        status,
        (lines) => {
          alice.request("ACK", mallory.aor, { ...sent });
          return alice.request("INVITE", mallory.aor, { callId: sent.callId, cseq: 2 }, lines);
        },
        heard,
      );
      expect(result).toBe("nothing");
    },
  );

  it("a guest, when the one whom he has called hangs up", async () => {
    await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
    const [support] = await serverUnderTest.phones("direct", "support");
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "visitor", {});
    const guest = new Phone(socket, { account: "visitor", domain: "anonymous.invalid", way: "general" });
    const call = await establish(guest, support);
    support.bye(call.calleeSide);
    const heard = await guest.next("BYE");
    const result = await leaked(
      support,
      guest,
      407,
      (lines) =>
        support.request(
          "BYE",
          call.calleeSide.target,
          {
            callId: call.calleeSide.callId,
            from: call.calleeSide.local,
            to: call.calleeSide.remote,
            routes: call.calleeSide.routes,
            cseq: 9,
          },
          lines,
        ),
      heard,
    );
    expect(result).toBe("nothing");
  });
});
