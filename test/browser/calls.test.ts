import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { ways } from "../support/server-under-test.ts";
import { type Parlour, openParlour, talkUntilHungUp } from "./browser-phone.ts";

const pairs = [
  ["jssip", "sipjs"],
  ["sipjs", "jssip"],
  ["jssip", "jssip"],
  ["sipjs", "sipjs"],
] as const;

describe.skipIf(!canBrowse)("two browser phones", () => {
  let parlour: Parlour;
  beforeAll(async () => {
    parlour = await openParlour();
  });
  afterEach(() => parlour.clear());
  afterAll(() => parlour?.close());

  describe.each(ways)("on the %s way", (way) => {
    describe.each(pairs)("%s calls %s", (caller, callee) => {
      it("audio flows both ways; hold, resume and hanging up work from each side", async () => {
        const [alice, bob] = [await parlour.phone(caller, way, "alice"), await parlour.phone(callee, way, "bob")];
        for (const [one, other] of [
          [alice, bob],
          [bob, alice],
        ] as const) {
          await alice.calls(bob);
          await bob.becomes("ringing");
          await bob.does("answer");
          await talkUntilHungUp(one, other);
        }
      });

      it("a rejection reaches the caller (603), and a cancelled call stops ringing (487)", async () => {
        const [alice, bob] = [await parlour.phone(caller, way, "alice"), await parlour.phone(callee, way, "bob")];
        await alice.calls(bob);
        await bob.becomes("ringing");
        await bob.does("reject");
        await alice.becomes("ended");
        expect(await alice.lastEnding()).toMatch(/^603/);
        await alice.calls(bob);
        await bob.becomes("ringing");
        await alice.does("hangUp");
        await Promise.all([bob.becomes("ended"), alice.becomes("ended")]);
        expect(await bob.reads("incomingCalls")).toBe(2);
      });

      it("a third call finds the callee busy (486), and does not disturb the first", async () => {
        const [alice, bob] = [await parlour.phone(caller, way, "alice"), await parlour.phone(callee, way, "bob")];
        const carol = await parlour.phone(caller, way, "carol");
        await alice.calls(bob);
        await bob.becomes("ringing");
        await bob.does("answer");
        await alice.becomes("confirmed");
        await carol.calls(bob);
        await carol.becomes("ended");
        expect(await carol.lastEnding()).toMatch(/^486/);
        expect(await bob.reads("state")).toBe("confirmed");
        await Promise.all([alice.hears(), bob.hears()]);
      });
    });
  });
});
