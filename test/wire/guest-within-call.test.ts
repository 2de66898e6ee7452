import { afterAll, expect, it } from "vitest";
import { establish } from "../support/call.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());

it.each(["REFER", "SUBSCRIBE", "PUBLISH"])(
  "a guest, who may call and write only, gets no %s through within a call: a desk phone would dial the number in it",
  async (method) => {
    await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: true });
    const [support] = await serverUnderTest.phones("direct", "support");
    const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "visitor", {});
    const guest = new Phone(socket, { account: "visitor", domain: "anonymous.invalid", way: "general" });
    const call = await establish(guest, support);
    const sent = guest.inDialog(method, call.callerSide, {
      headers: [
        ["Refer-To", "<sip:+4990012345@localhost>"],
        ["Event", "dialog"],
      ],
    });
    const result = await Promise.race([
      guest.finalResponse(sent).then(({ status }) => status),
      support.next(method).then(() => "it reaches the phone"),
    ]);
    expect(result).toBe(403);
  },
);
