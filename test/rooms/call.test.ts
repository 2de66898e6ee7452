import { describe, expect, it } from "vitest";
import { dialogOfCallee, dialogOfCaller } from "../support/dialog.ts";
import { header } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { forgetEverything, newcomers, registered } from "./support/homes.ts";

/** What happens between any two messages of a call. */
const losses: Readonly<Record<string, () => Promise<void>>> = {
  "nothing is lost": async () => undefined,
  "both homes lose their memory": forgetEverything,
};

describe.each(["direct", "general"] as const)("on the %s way", (way) => {
  describe.each(Object.entries(losses))("%s between any two messages", (_loss, lose) => {
    let callee = "";
    const both = async (): Promise<[Phone, Phone]> => {
      const [alice, bob] = await newcomers("alice", "bob");
      callee = bob;
      return [await registered({ account: alice, way }), await registered({ account: bob, way })];
    };

    it("a call rings, is answered, and ends by the callee", async () => {
      const [alice, bob] = await both();
      await lose();
      const invite = alice.request("INVITE", bob.aor);
      await alice.next(100);
      const ringing = await bob.next("INVITE");
      await lose();
      bob.reply(ringing, 180);
      await alice.next(180);
      await lose();
      bob.reply(ringing, 200);
      const answer = await alice.next(200);
      const dialog = dialogOfCaller(answer);
      await lose();
      alice.ack(dialog);
      expect((await bob.next("ACK")).requestUri).toBe(/<(.*)>/.exec(bob.contact)?.[1]);
      await lose();
      bob.bye(dialogOfCallee(ringing, bob.tag));
      const bye = await alice.next("BYE");
      await lose();
      alice.reply(bye, 200);
      expect((await bob.next(200)).headers).toContainEqual(["cseq", "1 BYE"]);
      expect(header(answer, "via")).toContain(invite.branch);
    });

    it("a ringing call is cancelled: 200 to the CANCEL, 487 to the INVITE", async () => {
      const [alice, bob] = await both();
      const invite = alice.request("INVITE", bob.aor);
      const ringing = await bob.next("INVITE");
      bob.reply(ringing, 180);
      await alice.next(180);
      await lose();
      alice.cancel(invite);
      expect((await alice.next(200, { method: "CANCEL" })).status).toBe(200);
      const cancel = await bob.next("CANCEL");
      expect(header(cancel, "via")).toBe(header(ringing, "via"));
      await lose();
      bob.reply(cancel, 200);
      await lose();
      bob.reply(ringing, 487);
      expect((await bob.next("ACK")).requestUri).toBe(ringing.requestUri);
      const refusal = await alice.next(487);
      await lose();
      alice.ackRefusal(invite, refusal);
    });

    it("a rejected call: the final response goes up, the ACK is ours", async () => {
      const [alice, bob] = await both();
      const invite = alice.request("INVITE", bob.aor);
      const ringing = await bob.next("INVITE");
      await lose();
      bob.reply(ringing, 486);
      expect(header(await bob.next("ACK"), "via")).toBe(header(ringing, "via"));
      const refusal = await alice.next(486);
      alice.ackRefusal(invite, refusal);
      expect(header(refusal, "via")).toContain(invite.branch);
    });

    it("one of several phones answers: the others are cancelled, because it was completed elsewhere (RFC 3326)", async () => {
      const [alice, first] = await both();
      const second = await registered({ account: callee, way });
      alice.request("INVITE", first.aor);
      const [one, two] = [await first.next("INVITE"), await second.next("INVITE")];
      first.reply(one, 180);
      second.reply(two, 180);
      await alice.next(180);
      await alice.next(180);
      await lose();
      first.reply(one, 200);
      await alice.next(200);
      const cancel = await second.next("CANCEL");
      expect(header(cancel, "reason")).toContain("cause=200");
      await lose();
      second.reply(cancel, 200);
      second.reply(two, 487);
      expect(header(await second.next("ACK"), "via")).toBe(header(two, "via"));
    });
  });
});
