import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { ways } from "../support/server-under-test.ts";
import { type BrowserPhone, type Parlour, openParlour } from "./browser-phone.ts";

const pairs = [
  ["jssip", "sipjs"],
  ["sipjs", "jssip"],
] as const;

describe.skipIf(!canBrowse)("the callee of a call whose From is not its own address", () => {
  let parlour: Parlour;
  beforeAll(async () => {
    parlour = await openParlour();
  });
  afterEach(() => parlour.clear());
  afterAll(() => parlour?.close());

  describe.each(ways)("on the %s way", (way) => {
    it.each(pairs)(
      "dialled by an alias, %s calls %s: holds, resumes, transfers and hangs up as the caller does",
      async (caller, callee) => {
        const alias = `+4930${way}${caller}`;
        const [alice, bob] = [await parlour.phone(caller, way, "alice"), await parlour.phone(callee, way, "bob", { aliases: [alias] })];
        await alice.calls(alias);
        await talks(alice, bob);
        await holdsAndResumes(bob, alice);
        const carol = await parlour.phone(callee, way, "carol");
        await bob.transfersTo(carol);
        await carol.becomes("ringing");
        await carol.does("answer");
        await carol.becomes("confirmed");
        await bob.does("hangUp");
        await bob.becomes("ended");
        await Promise.all([alice.hears(), carol.hears()]);
      },
    );

    it.each(pairs)("an anonymous %s calls %s: holds, resumes and hangs up as the caller does", async (caller, callee) => {
      const alice = await parlour.phone(caller, way, "alice", { anonymous: true });
      const bob = await parlour.phone(callee, way, "bob");
      await alice.calls(bob);
      await talks(alice, bob);
      await holdsAndResumes(bob, alice);
      await holdsAndResumes(alice, bob);
      await bob.does("hangUp");
      await Promise.all([alice.becomes("ended"), bob.becomes("ended")]);
      expect(await bob.reads("incomingCalls")).toBe(1);
    });
  });
});

async function talks(caller: BrowserPhone, callee: BrowserPhone): Promise<void> {
  await callee.becomes("ringing");
  await callee.does("answer");
  await Promise.all([caller.becomes("confirmed"), callee.becomes("confirmed")]);
  await Promise.all([caller.hears(), callee.hears()]);
}

async function holdsAndResumes(one: BrowserPhone, other: BrowserPhone): Promise<void> {
  await one.does("hold");
  await other.isHeld(true);
  await one.does("resume");
  await other.isHeld(false);
}
