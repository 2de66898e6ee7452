import { describe, expect, it } from "vitest";
import { type WaitingRequest, hasRoomFor } from "../../../../durable-objects/address-of-record/waiting-requests.ts";

const own = "sip:bob@example.com#1";
const subscriber = (index: number) => `sip:u${index}@example.com#1`;
/** A guest of a client address, by the mark of that. */
const guest = (address: string, index = 0) => `sip:guest-${address.padEnd(8, "x")}${index}@example.com#0`;
const many = (count: number, home: (index: number) => string, size = 1000): WaitingRequest[] =>
  Array.from({ length: count }, (_, index) => ({ home: home(index), size }));

describe("another request may wait at a user", () => {
  it.each<[string, WaitingRequest[], string, boolean]>([
    ["among 999", many(999, subscriber), subscriber(9999), true],
    ["among 1,000", many(1000, subscriber), subscriber(9999), false],
    ["the user's own, whatever others have sent", many(1000, subscriber, 8000), own, true],
    ["the user's own among 199 of the user", many(199, () => own), own, true],
    ["the user's own among 200 of the user", many(200, () => own), own, false],
    ["the user's own after 2 MiB of the user", many(1, () => own, 2_097_152), own, false],
    ["of another user, whatever the user's own are", many(200, () => own, 100_000), subscriber(1), true],
    ["the 100th of a caller", many(99, () => subscriber(1)), subscriber(1), true],
    ["the 101st of a caller", many(100, () => subscriber(1)), subscriber(1), false],
    ["after 101 of another caller", many(101, () => subscriber(1)), subscriber(2), true],
    ["the 10th guest of an address", many(9, (index) => guest("a", index)), guest("a", 10), true],
    ["the 11th guest of an address", many(10, (index) => guest("a", index)), guest("a", 10), false],
    ["the 30th guest of a network", many(29, (index) => guest(`net1${index % 10}`, index)), guest("net1x"), true],
    ["the 31st guest of a network", many(30, (index) => guest(`net1${index % 10}`, index)), guest("net1x"), false],
    ["a guest of another network", many(30, (index) => guest(`net1${index % 10}`, index)), guest("net2x"), true],
    ["the 101st guest", many(100, (index) => guest(`${index % 20}`, index)), guest("a"), false],
    ["of a caller with 1 MiB", many(1, () => subscriber(1), 1_048_576), subscriber(1), false],
    ["of another caller than one with 1 MiB", many(1, () => subscriber(1), 1_048_576), subscriber(2), true],
    ["of a guest whose address has 128 KiB", many(1, () => guest("a"), 131_072), guest("a", 1), false],
    ["of a guest while those of another address have 128 KiB", many(1, () => guest("a"), 131_072), guest("b"), true],
    ["of all that have 8 MiB", many(16, subscriber, 524_288), subscriber(99), false],
  ])("%s: %#", (_which, waiting, home, isAllowed) => {
    expect(hasRoomFor({ home, size: 1000 }, waiting, own)).toBe(isAllowed);
  });
});
