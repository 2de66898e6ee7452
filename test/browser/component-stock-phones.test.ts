import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canBrowse } from "../support/browser.ts";
import { type ComponentUnderTest, startComponent, talk } from "./component-phone.ts";
import { UdpPaths, byOurPaths } from "./udp-paths.ts";

describe.skipIf(!canBrowse).each(["sipjs", "jssip"] as const)("the component and a phone of %s", (library) => {
  let component: ComponentUnderTest;
  let paths = new UdpPaths();
  beforeAll(async () => {
    component = await startComponent();
  });
  afterEach(async () => {
    await component.closeTabs();
    paths.close();
  });
  afterAll(() => component?.close());

  it("call each other, hold, and transfer each other blind", async () => {
    const [alice, carol, bob] = [await component.phone("alice"), await component.phone("carol"), await component.stock(library, "bob")];
    await alice.dials(bob.address);
    await bob.becomes("ringing");
    await bob.does("answer");
    await alice.is("In a call", bob);
    await Promise.all([alice.hears(bob), bob.hears()]);
    await alice.presses(bob, "hold");
    await bob.isHeld(true);
    await alice.presses(bob, "hold");
    await bob.isHeld(false);
    await alice.presses(bob, "transfer");
    await alice.card(bob).locator("[name=target]").fill(carol.address);
    await alice.presses(bob, "transfer-now");
    await carol.presses(bob, "answer");
    await alice.hasCalls();
    await carol.hears(bob);
    await bob.transfersTo(alice.address.split("@")[0] ?? "");
    await carol.tells(`${bob.address} transfers you to ${alice.address}`);
    await alice.presses(carol, "answer");
    await Promise.all([alice.hears(carol), carol.hears(alice)]);
    await carol.hasCalls(alice);
  });

  it("are connected with another component by an attended transfer, which does not ring there", async () => {
    const [alice, carol, bob] = [await component.phone("alice"), await component.phone("carol"), await component.stock(library, "bob")];
    await bob.calls(alice.address.split("@")[0] ?? "");
    await alice.presses(bob, "answer");
    await alice.hears(bob);
    await talk(alice, carol);
    await alice.card(carol).locator("button.connect").click();
    await carol.tells(`${alice.address} has transferred the call to ${bob.address}`);
    await carol.is("In a call", bob);
    await Promise.all([carol.hears(bob), alice.hasCalls(), carol.hasCalls(bob)]);
    await carol.presses(bob, "hang-up");
    await bob.becomes("ended");
  });

  it("keep a call when its ports are closed: the component finds another path", async () => {
    paths = new UdpPaths();
    const more = { script: byOurPaths, prepare: (page: Parameters<UdpPaths["serve"]>[0]) => paths.serve(page) };
    const [alice, bob] = [await component.phone("alice", more), await component.stock(library, "bob", more)];
    await alice.dials(bob.address);
    await bob.becomes("ringing");
    await bob.does("answer");
    await alice.is("In a call", bob);
    await Promise.all([alice.hears(bob), bob.hears()]);
    expect(paths.count).toBeGreaterThan(0);
    paths.close();
    await alice.is("The audio was interrupted: looking for another path…", bob);
    await alice.is("In a call", bob);
    await Promise.all([alice.hears(bob), bob.hears()]);
  });
});
