import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type ComponentPhone, type ComponentUnderTest, startComponent, talk } from "./component-phone.ts";

describe.skipIf(!canBrowse)("transfers and lines of three components (RFC 5589)", () => {
  let component: ComponentUnderTest;
  beforeAll(async () => {
    component = await startComponent();
  });
  afterEach(() => component.closeTabs());
  afterAll(() => component?.close());

  const three = () =>
    Promise.all(["alice", "bob", "carol"].map((name) => component.phone(name))) as Promise<
      [ComponentPhone, ComponentPhone, ComponentPhone]
    >;
  const transfers = async (one: ComponentPhone, other: ComponentPhone, target: string) => {
    await one.presses(other, "transfer");
    await one.card(other).locator("[name=target]").fill(target);
    await one.presses(other, "transfer-now");
  };

  it.each(["caller", "callee"])("blind, by the %s: the other side calls the third, with audio both ways, and we are out", async (side) => {
    const [alice, bob, carol] = await three();
    await (side === "caller" ? talk(alice, bob) : talk(bob, alice));
    await transfers(alice, bob, carol.address.split("@")[0] ?? "");
    await bob.tells(`${alice.address} transfers you to ${carol.address}`);
    await carol.presses(bob, "answer");
    await Promise.all([bob.is("In a call", carol), carol.is("In a call", bob)]);
    await Promise.all([bob.hears(carol), carol.hears(bob)]);
    await alice.hasCalls();
    await alice.tells(`${bob.address} was transferred to ${carol.address.split("@")[0]}`);
    await bob.hasCalls(carol);
    await carol.presses(bob, "hang-up");
    await bob.hasCalls();
  });

  it("blind, to a user who declines: the call stays, and we are told why", async () => {
    const [alice, bob, carol] = await three();
    await talk(alice, bob);
    await transfers(alice, bob, carol.address);
    await carol.presses(bob, "reject");
    await alice.tells(`${bob.address} could not be transferred to ${carol.address}: Decline (603)`);
    await alice.hasCalls(bob);
    await bob.hasCalls(alice);
    await bob.presses(alice, "hold");
    await Promise.all([alice.is("In a call", bob), bob.is("In a call", alice)]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
  });

  it.each(["we called", "called us"])(
    "attended, when the third %s: both are connected without a ring, with audio both ways",
    async (who) => {
      const [alice, bob, carol] = await three();
      await talk(alice, bob);
      await (who === "we called" ? asksFirst(alice, bob, carol) : isCalled(alice, carol));
      await bob.is("The other side has put you on hold", alice);
      await Promise.all([alice.hears(carol), carol.hears(alice)]);
      await alice.card(carol).locator("button.connect").click();
      await Promise.all([bob.is("In a call", carol), carol.is("In a call", bob)]);
      await Promise.all([bob.hears(carol), carol.hears(bob)]);
      await alice.hasCalls();
      await Promise.all([bob.hasCalls(carol), carol.hasCalls(bob)]);
      await carol.tells(`${alice.address} has transferred the call to ${bob.address}`);
      await bob.presses(carol, "hang-up");
      await carol.hasCalls();
    },
  );

  it("two lines: one is held while we talk on the other, and taken up again", async () => {
    const [alice, bob, carol] = await three();
    await talk(alice, bob);
    await carol.dials(alice.address);
    await alice.presses(carol, "answer");
    await alice.is("On hold", bob);
    await bob.is("The other side has put you on hold", alice);
    await Promise.all([alice.hears(carol), carol.hears(alice)]);
    await alice.presses(bob, "hold");
    await Promise.all([alice.is("On hold", carol), alice.is("In a call", bob), bob.is("In a call", alice)]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    const still = await alice.packets(carol);
    expect(await alice.packets(carol)).toBeLessThan(still + 5);
  });

  it("a call that is answered while we talk on another one is held", async () => {
    const [alice, bob, carol] = await three();
    await alice.dials(bob.address);
    await bob.is("is calling you", alice);
    await carol.dials(alice.address);
    await alice.presses(carol, "answer");
    await alice.is("In a call", carol);
    await bob.presses(alice, "answer");
    await bob.is("The other side has put you on hold", alice);
    await Promise.all([alice.is("On hold", bob), alice.hears(carol)]);
  });

  it("takes as many calls as the page says: a further caller gets a busy signal", async () => {
    const [alice, bob] = await Promise.all([component.phone("alice", { attributes: 'calls="1"' }), component.phone("bob")]);
    const carol = await component.phone("carol");
    await talk(alice, bob);
    await carol.dials(alice.address);
    await carol.tells(`${alice.address} is busy (486)`);
    await alice.tells(`${carol.address} called meanwhile, and got a busy signal`);
    await alice.hasCalls(bob);
  });

  it("is refused where the page does not allow it", async () => {
    const [alice, bob, carol] = await three();
    await bob.page.evaluate('document.querySelector("offhook-phone").mayTransfer = () => false');
    await talk(alice, bob);
    await transfers(alice, bob, carol.address);
    await alice.tells(`${bob.address} could not be transferred to ${carol.address}: Decline (603)`);
    await bob.hasCalls(alice);
    await carol.hasCalls();
  });
});

async function asksFirst(alice: ComponentPhone, bob: ComponentPhone, carol: ComponentPhone): Promise<void> {
  await alice.presses(bob, "transfer");
  await alice.card(bob).locator("[name=target]").fill(carol.address);
  await alice.presses(bob, "ask-first");
  await carol.presses(alice, "answer");
  await alice.is("In a call", carol);
}

async function isCalled(alice: ComponentPhone, carol: ComponentPhone): Promise<void> {
  await carol.dials(alice.address);
  await alice.presses(carol, "answer");
  await alice.is("In a call", carol);
}
