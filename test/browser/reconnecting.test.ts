import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { ways } from "../support/server-under-test.ts";
import { type BrowserPhone, type Parlour, openParlour } from "./browser-phone.ts";

const pairs = [
  ["jssip", "sipjs"],
  ["sipjs", "jssip"],
] as const;

describe.skipIf(!canBrowse)("a phone that was cut off comes back", () => {
  let parlour: Parlour;
  beforeAll(async () => {
    parlour = await openParlour({ settings: { CALLER_GRACE: "10" } });
  });
  afterEach(() => parlour.clear());
  afterAll(() => parlour?.close());

  describe.each(ways)("on the %s way", (way) => {
    describe.each(pairs)("%s calls %s", (caller, callee) => {
      const phones = async () => [await parlour.phone(caller, way, "alice"), await parlour.phone(callee, way, "bob")] as const;

      it("while it rings: the same INVITE reaches it again, and it answers", async () => {
        const [alice, bob] = await phones();
        await alice.calls(bob);
        await bob.becomes("ringing");
        await bob.isCutOff();
        await bob.becomes("ringing");
        await bob.does("answer");
        await Promise.all([alice.becomes("confirmed"), bob.becomes("confirmed")]);
        await Promise.all([alice.hears(), bob.hears()]);
        await bob.does("hangUp");
        await alice.becomes("ended");
      });

      it("while it rings: it stops ringing when the caller gives up", async () => {
        const [alice, bob] = await phones();
        await alice.calls(bob);
        await bob.becomes("ringing");
        await bob.isCutOff();
        await bob.becomes("ringing");
        await alice.does("hangUp");
        await Promise.all([alice.becomes("ended"), bob.becomes("ended")]);
      });

      it.each(["caller", "callee"])("in a call, the %s: audio goes on, and both sides hold, resume and hang up", async (side) => {
        const [alice, bob] = await phones();
        const [lost, other] = side === "caller" ? [alice, bob] : [bob, alice];
        for (const [one, another] of [
          [lost, other],
          [other, lost],
        ] as const) {
          await talk(alice, bob);
          await lost.isCutOff(() => Promise.all([alice.hears(), bob.hears()]));
          await one.does("hold");
          await another.isHeld(true);
          await one.does("resume");
          await another.isHeld(false);
          await one.does("hangUp");
          await Promise.all([alice.becomes("ended"), bob.becomes("ended")]);
        }
      });
    });

    describe.each(pairs)("%s calls %s", (caller, callee) => {
      const talking = async () => {
        const [alice, bob] = [await parlour.phone(caller, way, "alice"), await parlour.phone(callee, way, "bob")];
        await talk(alice, bob);
        return [alice, bob] as const;
      };

      it("in a call, both at once: either hangs up", async () => {
        const [alice, bob] = await talking();
        await alice.isCutOff(() => bob.isCutOff());
        await bob.does("hangUp");
        await Promise.all([alice.becomes("ended"), bob.becomes("ended")]);
      });

      it("in a call: it learns that the other has hung up meanwhile", async () => {
        const [alice, bob] = await talking();
        await bob.isCutOff(async () => {
          await alice.does("hangUp");
          await alice.becomes("ended");
        });
        await bob.becomes("ended");
      });

      it("while it rings, as a new page: it rings there, and answers", async () => {
        const [alice, bob] = [await parlour.phone(caller, way, "alice"), await parlour.phone(callee, way, "bob")];
        await alice.calls(bob);
        await bob.becomes("ringing");
        await bob.reloads();
        await bob.becomes("ringing");
        await bob.does("answer");
        await Promise.all([alice.becomes("confirmed"), bob.becomes("confirmed")]);
        await Promise.all([alice.hears(), bob.hears()]);
        await alice.does("hangUp");
        await Promise.all([alice.becomes("ended"), bob.becomes("ended")]);
      });
    });

    it("while it rings: JsSIP does not ring again if the caller gave up before it was back", async () => {
      const [alice, bob] = [await parlour.phone("sipjs", way, "alice"), await parlour.phone("jssip", way, "bob")];
      await alice.calls(bob);
      await bob.becomes("ringing");
      await bob.isCutOff(async () => {
        await alice.does("hangUp");
        await alice.becomes("ended");
      });
      await alice.calls(bob);
      await bob.becomes("ringing");
      expect(await bob.reads("incomingCalls")).toBe(2);
    });

    it("while it rings: SIP.js stops ringing when it is back, if the caller gave up meanwhile", async () => {
      const [alice, bob] = [await parlour.phone("jssip", way, "alice"), await parlour.phone("sipjs", way, "bob")];
      await alice.calls(bob);
      await bob.becomes("ringing");
      await bob.isCutOff(async () => {
        await alice.does("hangUp");
        await alice.becomes("ended");
      });
      await bob.becomes("ended");
    });

    it("while it calls: SIP.js still hears the answer", async () => {
      const [alice, bob] = [await parlour.phone("sipjs", way, "alice"), await parlour.phone("jssip", way, "bob")];
      await alice.calls(bob);
      await bob.becomes("ringing");
      await alice.isCutOff();
      await bob.does("answer");
      await Promise.all([alice.becomes("confirmed"), bob.becomes("confirmed")]);
      await Promise.all([alice.hears(), bob.hears()]);
    });

    it("while it calls: JsSIP gives up without a word, and the callee stops ringing a grace later", async () => {
      const [alice, bob] = [await parlour.phone("jssip", way, "alice"), await parlour.phone("sipjs", way, "bob")];
      await alice.calls(bob);
      await bob.becomes("ringing");
      await alice.isCutOff();
      await bob.becomes("ended");
      expect(await alice.lastEnding()).toBe("Canceled");
    });

    it("and one whose page is gone does not: the callee stops ringing a grace later", async () => {
      const [alice, bob] = [await parlour.phone("sipjs", way, "alice"), await parlour.phone("jssip", way, "bob")];
      await alice.calls(bob);
      await bob.becomes("ringing");
      await alice.page.close();
      await bob.becomes("ended");
      expect(await bob.lastEnding()).toBe("Canceled");
    });
  });
});

async function talk(caller: BrowserPhone, callee: BrowserPhone): Promise<void> {
  await caller.calls(callee);
  await callee.becomes("ringing");
  await callee.does("answer");
  await Promise.all([caller.becomes("confirmed"), callee.becomes("confirmed")]);
  await Promise.all([caller.hears(), callee.hears()]);
}
