import { expect, it } from "vitest";
import { createKeyring } from "../../../../platform/crypto/keyring.ts";
import { openOpening, sealOpening } from "../../../../platform/connection/sealed-opening.ts";
import { noRules } from "../../../../lib/location/rules.ts";
import type { Opening } from "../../../../lib/transport/opening.ts";

const key = (octet: number) => new Uint8Array(32).fill(octet);
const home = "sip:zoë@example.com#1";
const opening: Opening = {
  way: "dedicated",
  host: "example.com",
  address: "192.0.2.1",
  isAuthenticated: false,
  subscriber: {
    username: "zoë",
    domain: "example.com",
    md5: "0123456789abcdef0123456789abcdef",
    sha256: "fedcba",
    aliases: ["李"],
    rules: noRules,
    generation: 1,
    version: 1,
    opened: true,
  },
};

it("what the edge proxy tells a home shows nothing of the subscriber's row, and is ASCII", () => {
  const sealed = sealOpening(createKeyring([key(1)]), home, opening);
  expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(Buffer.from(sealed, "base64url").toString("latin1")).not.toContain(opening.subscriber.md5);
});

it("a row may be as long as rows get", () => {
  const keyring = createKeyring([key(1)]);
  const blocked = Array.from({ length: 400 }, (_, index) => `somebody-${index}-with-a-long-näme@a-long-domain.example.com`);
  const long = { ...opening, subscriber: { ...opening.subscriber, rules: { ...noRules, blocked } } };
  expect(openOpening(keyring, home, sealOpening(keyring, home, long))).toEqual(long);
});

it("only the home it is for opens it, with an old key as well, and nobody makes one without a key", () => {
  const sealed = sealOpening(createKeyring([key(1)]), home, opening);
  expect(openOpening(createKeyring([key(2), key(1)]), home, sealed)).toEqual(opening);
  const attempts = [
    () => openOpening(createKeyring([key(1)]), "sip:mallory@example.com#1", sealed),
    () => openOpening(createKeyring([key(2)]), home, sealed),
    () => openOpening(createKeyring([key(1)]), home, JSON.stringify(opening)),
    () => openOpening(createKeyring([key(1)]), home, null),
  ];
  for (const attempt of attempts) expect(attempt).toThrow("without a sealed opening");
});
