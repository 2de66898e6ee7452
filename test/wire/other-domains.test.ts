import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { establish } from "../support/call.ts";
import { shortSdp } from "../support/compose.ts";
import { Phone } from "../support/phone.ts";
import { header } from "../support/received-message.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";

let serverUnderTest: ServerUnderTest;
let mallory: Phone;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ subscribers: [{ domain: "tenant.example", username: "mallory", password: "offhook" }] });
  mallory = await Phone.connect(serverUnderTest.server, { account: "mallory", domain: "tenant.example", way: "general" });
  await mallory.register();
});
afterAll(async () => {
  mallory.socket.cut();
  await serverUnderTest.close();
});

/** What phones answer by themselves for, ring differently for, or load. */
const commands: readonly (readonly [string, string])[] = [
  ["Answer-Mode", "Auto;require"],
  ["Priv-Answer-Mode", "Auto"],
  ["P-Auto-Answer", "normal"],
  ["X-AutoAnswer", "true"],
  ["Answer-After", "0"],
  ["Alert-Info", "<http://tenant.example/x>;info=alert-autoanswer"],
  ["Call-Info", "<sip:tenant.example>;answer-after=0"],
];

describe("a user of another domain of this server, as a server that is not trusted,", () => {
  it.each(commands)("has no phone do by %s what its user has not asked for", async (name, value) => {
    const [alice, bob] = await serverUnderTest.phones("direct", "alice", "bob");
    const heard = async (by: Phone) => {
      const sent = by.request("INVITE", bob.aor, { body: shortSdp, headers: [[name, value]] });
      const invite = await bob.next("INVITE");
      bob.reply(invite, 486);
      await by.finalResponse(sent);
      return header(invite, name.toLowerCase());
    };
    expect([await heard(mallory), await heard(alice)]).toEqual([undefined, value]);
  });

  it.each(["check-sync", "service-control", "report", "ua-profile", "x-cisco-remotecc"])(
    "nor by a NOTIFY for %s within a call: 489",
    async (event) => {
      const [bob] = await serverUnderTest.phones("direct", "bob");
      const { callerSide } = await establish(mallory, bob);
      const notifies = (name: string) => {
        const headers: [string, string][] = [
          ["Event", name],
          ["Subscription-State", "active"],
        ];
        return mallory.inDialog("NOTIFY", callerSide, { headers });
      };
      expect((await mallory.finalResponse(notifies(event))).status).toBe(489);
      const ofTransfer = notifies("refer");
      const heard = await bob.next("NOTIFY");
      bob.reply(heard, 200);
      expect([header(heard, "event"), (await mallory.finalResponse(ofTransfer)).status]).toEqual(["refer", 200]);
      const bye = mallory.bye(callerSide);
      bob.reply(await bob.next("BYE"), 200);
      await mallory.finalResponse(bye);
    },
  );

  it("nor in a MESSAGE", async () => {
    const [bob] = await serverUnderTest.phones("general", "bob");
    const sent = mallory.request("MESSAGE", bob.aor, { body: "hello", headers: [["Call-Info", "<sip:x>;answer-after=0"]] });
    const message = await bob.next("MESSAGE");
    bob.reply(message, 200);
    expect([header(message, "call-info"), (await mallory.finalResponse(sent)).status]).toEqual([undefined, 200]);
  });
});
