import { aessiv, cmac } from "@noble/ciphers/aes.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Siv } from "../../../../platform/crypto/aes-siv.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const rfcKey = hex("fffefdfc fbfaf9f8 f7f6f5f4 f3f2f1f0 f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff");

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const text = fc
  .oneof(
    fc.string({ maxLength: 70, unit: "binary" }),
    fc.string({ minLength: 15, maxLength: 17 }),
    fc.string({ minLength: 500, maxLength: 3000 }),
  )
  .map((one) => one.toWellFormed());

describe("AES-CMAC (RFC 4493 §4)", () => {
  const siv = new Siv(Uint8Array.from([...hex("2b7e1516 28aed2a6 abf71588 09cf4f3c"), ...new Uint8Array(16)]));

  it("of nothing is what the RFC gives for it", () => {
    expect(Buffer.from(siv.mac("")).toString("hex")).toBe("bb1d6929e95937287fa37d129b756746");
  });

  it("is the library's, for any text and key", () => {
    fc.assert(
      fc.property(key, text, (octets, one) => {
        expect(Uint8Array.from(new Siv(octets).mac(one))).toEqual(cmac(utf8(one), octets.slice(0, 16)));
      }),
    );
  });
});

describe("AES-SIV (RFC 5297)", () => {
  it("seals as the library does, for any text, context and key, and opens it again", () => {
    fc.assert(
      fc.property(key, text, text, (octets, one, context) => {
        const siv = new Siv(octets);
        const sealed = Uint8Array.from(siv.seal(one, context));
        expect(sealed).toEqual(aessiv(octets, utf8(context)).encrypt(utf8(one)));
        expect(siv.open(sealed, context)).toBe(one);
      }),
    );
  });

  it("opens nothing that was changed, cut, or sealed for another context", () => {
    const siv = new Siv(rfcKey);
    fc.assert(
      fc.property(text, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, place, change) => {
        const sealed = Uint8Array.from(siv.seal(one, "call"));
        expect(siv.open(sealed, "another call")).toBeUndefined();
        expect(siv.open(sealed.subarray(0, place % sealed.length), "call")).toBeUndefined();
        sealed[place % sealed.length] = (sealed[place % sealed.length] as number) ^ change;
        expect(siv.open(sealed, "call")).toBeUndefined();
      }),
    );
  });

  it("does not mix up what several keys are doing", () => {
    const [one, other] = [new Siv(rfcKey), new Siv(new Uint8Array(32))];
    const sealed = Uint8Array.from(one.seal("a text of more than one block", "context"));
    expect(other.open(sealed, "context")).toBeUndefined();
    expect(one.open(sealed, "context")).toBe("a text of more than one block");
  });
});
