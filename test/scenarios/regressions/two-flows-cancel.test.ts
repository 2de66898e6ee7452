import { afterEach, expect, it } from "vitest";
import { type Cast, stage } from "../world/scenario.ts";

let cast: Cast;
afterEach(() => cast.world.end());

it("CANCEL reaches a phone by its other flow, when the one that it rang by is gone (RFC 5626 §5.3)", async () => {
  cast = await stage({ bob: { instance: "urn:uuid:one-phone", regId: 1 } });
  const { alice, bob, world } = cast;
  const other = await cast.joins("bob", { instance: "urn:uuid:one-phone", regId: 2, isManual: true });
  alice.invites(bob.aor);
  await world.settle();
  const [rang, spare] = bob.all("INVITE").length > 0 ? [bob, other] : [other, bob];
  if (rang === other) other.replies(other.last("INVITE"), 180);
  await world.settle();
  rang.leaves();
  await world.settle();
  alice.cancels();
  await world.settle();
  expect(spare.all("CANCEL")).toHaveLength(1);
});
