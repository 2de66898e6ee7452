import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type BrowserPhone, type Parlour, openParlour, talkUntilHungUp } from "./browser-phone.ts";
import { hears, open, reads } from "./softphone-page.ts";

const pairs = [
  ["jssip", "sipjs"],
  ["sipjs", "jssip"],
] as const;

/** A call that an application asks for (RFC 3725 §4.1). */
describe.skipIf(!canBrowse)("two users whom an application connects", () => {
  let parlour: Parlour;
  beforeAll(async () => {
    parlour = await openParlour();
  });
  afterEach(() => parlour.clear());
  afterAll(() => parlour?.close());

  const connects = async (user: string, to: string) => {
    const answer = await parlour.serverUnderTest.server.api("POST", `/domains/localhost/subscribers/${user}/calls`, { to });
    expect(await answer.text()).toContain("call_id");
  };

  it.each(pairs)("with %s and %s: audio both ways, hold, resume and hanging up from each side", async (first, second) => {
    const [alice, bob] = [await parlour.phone(first, "direct", "alice"), await parlour.phone(second, "general", "bob")];
    const nameOf = ({ address }: BrowserPhone) => /^(?:sip:)?([^@]+)/.exec(address)?.[1] ?? "";
    for (const [one, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      await connects(nameOf(alice), bob.address);
      for (const phone of [alice, bob]) {
        await phone.becomes("ringing");
        await phone.does("answer");
      }
      await talkUntilHungUp(one, other);
    }
  });

  it("with the softphone: each sees the name of the other one", async () => {
    const names = [await parlour.serverUnderTest.newcomer("alice"), await parlour.serverUnderTest.newcomer("bob")] as const;
    const [alice, bob] = [await open(parlour, names[0]), await open(parlour, names[1])];
    await connects(...names);
    await reads(alice, "#progress", "is calling you");
    await alice.click("#answer");
    await reads(bob, "#progress", "is calling you");
    await bob.click("#answer");
    await Promise.all([reads(alice, "#progress", "In a call"), reads(bob, "#progress", "In a call")]);
    await Promise.all([hears(alice), hears(bob)]);
    await bob.click("#hangup");
    await reads(alice, "#notice", `${names[1]}@localhost hung up`);
  });

  it("with the softphone: the user learns that the other one is busy", async () => {
    const [alice, bob] = [await parlour.serverUnderTest.newcomer("alice"), await parlour.phone("jssip", "direct", "bob")];
    const page = await open(parlour, alice);
    await connects(alice, bob.address);
    await page.click("#answer");
    await bob.becomes("ringing");
    await bob.does("reject");
    await reads(page, "#notice", / declined \(603\)$/);
  });
});
