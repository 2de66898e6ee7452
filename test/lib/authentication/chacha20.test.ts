import { chacha20 as reference } from "@noble/ciphers/chacha.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chacha20, wordsOf } from "../../../durable-objects/room/chacha20.ts";

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe("ChaCha20 (RFC 8439)", () => {
  it("makes the ciphertext of §2.4.2, behind the block that its counter skips", () => {
    const text = Buffer.alloc(64 + 114);
    text.write("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.", 64);
    const key = Uint8Array.from({ length: 32 }, (_, at) => at);
    chacha20(wordsOf(key), Buffer.from("000000000000004a00000000", "hex"), text);
    expect(text.toString("hex", 64)).toBe(
      "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b3571639d624e65152ab" +
        "8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8eedf2785e42874d",
    );
  });

  it("agrees with another implementation on keys, nonces and texts of any length", () => {
    fc.assert(
      fc.property(octets(32), octets(12), fc.uint8Array({ maxLength: 300 }), (key, nonce, text) => {
        const ours = text.slice();
        chacha20(wordsOf(key), nonce, ours);
        expect(ours).toEqual(reference(key, nonce, text));
      }),
    );
  });
});
