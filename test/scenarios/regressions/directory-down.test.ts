import { afterEach, describe, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

describe("the directory cannot be reached", () => {
  it.each(["sip:nobody@example.com", "sip:somebody@elsewhere.example"])("a call to %s is told so: 503", async (uri) => {
    cast = await stage();
    cast.world.loseDirectory();
    cast.alice.invites(uri);
    await cast.world.settle();
    expect([cast.alice.state, cast.world.faults]).toEqual(["ended 503", []]);
  });

  it("between the look-up of the user and that of his domain's trunks", async () => {
    cast = await stage();
    cast.alice.invites("sip:nobody@example.com");
    await cast.world.settle();
    expect(cast.alice.state).toBe("ended 404");
    cast.world.loseDirectory();
    await cast.world.pass(1);
    cast.alice.invites("sip:nobody@example.com");
    await cast.world.settle();
    expect([cast.alice.state, cast.world.faults]).toEqual(["ended 404", []]);
  });

  it("for eight minutes: who was called before can be called", async () => {
    cast = await stage();
    const { alice, bob, world } = cast;
    alice.invites(bob.aor);
    await world.settle();
    alice.cancels();
    await world.settle();
    world.loseDirectory();
    await world.pass(480);
    alice.invites(bob.aor);
    await world.settle();
    expect([alice.state, bob.state, world.faults]).toEqual(["hears ringing", "ringing", []]);
  });

  it("for longer than COPY_LAST_RESORT: what was known does not count any more", async () => {
    cast = await stage({ settings: { COPY_LAST_RESORT: "300" } });
    const { alice, bob, world } = cast;
    alice.invites(bob.aor);
    await world.settle();
    alice.cancels();
    await world.settle();
    world.loseDirectory();
    await world.pass(290);
    alice.invites(bob.aor);
    await world.settle();
    expect(alice.state).toBe("hears ringing");
    alice.cancels();
    await world.pass(30);
    alice.invites(bob.aor);
    await world.settle();
    expect([alice.state, world.faults]).toEqual(["ended 503", []]);
  });

  it("when a call is sent on: 500, since a 503 would speak for all of this proxy (RFC 3261 §16.7 step 6)", async () => {
    cast = await stage({ rules: { bob: { forward: { noAnswer: { to: "sip:carol@example.com", after: 5 } } } } });
    cast.alice.invites(cast.bob.aor);
    await cast.world.settle();
    cast.world.loseDirectory();
    await cast.world.pass(6);
    expect([cast.alice.state, cast.world.faults]).toEqual(["ended 500", []]);
  });
});
