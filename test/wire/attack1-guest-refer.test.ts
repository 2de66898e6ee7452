import { afterAll, expect, it } from "vitest";
import { establish } from "../support/call.ts";
import { Phone } from "../support/phone.ts";
import { openSocket } from "../support/sip-socket.ts";
import { openTown } from "../support/town.ts";

const town = await openTown();
afterAll(() => town.close());

it.each(["REFER", "SUBSCRIBE", "PUBLISH"])(
  "attack: a guest, who may call and write only, sends %s within a call: a desk phone dials the number in it by our trunk",
  async (method) => {
    await town.server.api("PUT", "/domains/localhost/settings", { guests: true });
    const [support] = await town.phones("direct", "support");
    const socket = await openSocket(`${town.server.wsUrl}/ws`, "visitor", {});
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
