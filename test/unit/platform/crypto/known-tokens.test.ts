import { expect, it } from "vitest";
import type { Purpose } from "../../../../lib/authentication/keyring.ts";
import { createKeyring } from "../../../../platform/crypto/keyring.ts";

const keys = [1, 2].map((octet) => new Uint8Array(32).fill(octet));

it.each<Purpose>(["route", "return-address", "nonce"])(
  "a %s token that this server has made or opened before opens for its own context and purpose only",
  (purpose) => {
    const keyring = createKeyring(keys);
    const token = keyring.seal(purpose, "text", "a@example.com");
    const other = createKeyring(keys);
    for (const one of [keyring, other]) {
      for (let times = 0; times < 2; times += 1) {
        expect(one.open(purpose, token, "a@example.com")).toBe("text");
        expect(one.open(purpose, token, "b@example.com")).toBeUndefined();
        expect(one.open(purpose, `${token}A`, "a@example.com")).toBeUndefined();
        expect(one.open("temporary-gruu", token, "a@example.com")).toBeUndefined();
        expect(one.open(purpose === "route" ? "return-address" : "route", token, "a@example.com")).toBeUndefined();
      }
    }
  },
);

it("a token that was forgotten opens as before, whatever its length", () => {
  const keyring = createKeyring(keys);
  const tokens = Array.from({ length: 1500 }, (_, index) => keyring.seal("route", `text ${index}`, `call ${index}`));
  const long = keyring.seal("route", "t".repeat(900), "call");
  for (const [index, token] of tokens.entries()) expect(keyring.open("route", token, `call ${index}`)).toBe(`text ${index}`);
  expect(keyring.open("route", long, "call")).toBe("t".repeat(900));
});

it("a token of a key that was removed is not opened", () => {
  const [, second] = keys as [Uint8Array, Uint8Array];
  const token = createKeyring([second]).seal("route", "text", "call");
  expect(createKeyring(keys).open("route", token, "call")).toBe("text");
  expect(createKeyring(keys.slice(0, 1)).open("route", token, "call")).toBeUndefined();
});
