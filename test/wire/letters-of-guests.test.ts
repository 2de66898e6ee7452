import { afterAll, expect, it } from "vitest";
import { establish, ring } from "../support/call.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

it("guests do not crowd out the BYE of a subscriber's call", async () => {
  await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
  const [alice] = await serverUnderTest.phones("direct", "alice");
  const account = await serverUnderTest.newcomer("bob");
  const bob = await serverUnderTest.register(account, "direct");
  const guests: { guest: Phone; dialog: ReturnType<typeof dialogOfCaller> }[] = [];
  for (let count = 0; count < 5; count += 1) {
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "visitor", {});
    const guest = new Phone(socket, { account: "visitor", domain: "anonymous.invalid", way: "general" });
    const { ringing, invite } = await ring(guest, bob);
    guests.push({ guest, dialog: dialogOfCaller(ringing) });
    guest.cancel(invite);
    bob.reply(await bob.next("CANCEL"), 200);
  }
  const call = await establish(alice, bob);
  await bob.register({ expires: 0 });
  bob.socket.cut();
  // Each guest needs one answer that says that the phone is away.
  for (const { guest, dialog } of guests) {
    for (let count = 0; count < 42; count += 1) {
      const sent = guest.inDialog("BYE", dialog);
      expect((await guest.finalResponse(sent)).status).toBe(480);
    }
  }
  const bye = alice.bye(call.callerSide);
  expect((await alice.finalResponse(bye)).status).toBe(480);
  const again = await serverUnderTest.register(account, "direct", { instance: bob.instance });
  const heard = await again
    .next((message) => message.method === "BYE" && message.raw.includes(call.callerSide.callId), { milliseconds: 4000 })
    .catch(() => "nothing");
  expect(heard).not.toBe("nothing");
});
