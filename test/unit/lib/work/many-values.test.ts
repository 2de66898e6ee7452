import { describe, expect, it } from "vitest";
import { ownRouteIn } from "../../../../lib/proxy/route-token.ts";
import { createKeyring } from "../../../../platform/crypto/keyring.ts";
import { inputOf } from "../registrar/support.ts";
import { register } from "../../../../lib/registrar/register.ts";
import { receive } from "../support/sip.ts";
import { growsTooFast } from "./growth.ts";

/** So many values in lines of 8,000 characters at most, since a longer line is refused. */
function linesOf(name: string, value: (index: number) => string, count: number): string[] {
  const perLine = Math.floor(8000 / (value(count).length + 1));
  const all = Array.from({ length: count }, (_, index) => value(index));
  return Array.from({ length: Math.ceil(count / perLine) }, (_, line) => {
    return `${name}: ${all.slice(line * perLine, (line + 1) * perLine).join(",")}`;
  });
}

describe("many values in one message cost no more than linear work", () => {
  it("Contacts of a REGISTER", () => {
    const registering = (count: number) => {
      const input = inputOf(linesOf("Contact", (index) => `<sip:${index.toString(36)}.b>`, count));
      return () => void register(input);
    };
    expect(growsTooFast(registering(16_000), () => registering(4000))).toBe(false);
    expect(register(inputOf(linesOf("Contact", (index) => `<sip:${index}.b>`, 16_000)))).toMatchObject({ status: 403 });
  });

  it("Routes of ours, with the longest Call-ID and three keys", () => {
    const keyring = createKeyring([1, 2, 3].map((seed) => new Uint8Array(32).fill(seed)));
    const looking = (count: number) => {
      const routes = linesOf("Route", () => `<sip:route.${"A".repeat(24)}@a>`, count);
      const { request, mandatory } = receive("INVITE sip:bob@example.com", `Call-ID: ${"c".repeat(1000)}`, ...routes);
      return () => void ownRouteIn(keyring, request, mandatory.callId);
    };
    expect(growsTooFast(looking(6000), () => looking(1500))).toBe(false);
  });

  it("a Call-ID has a thousand characters at most", () => {
    expect(() => receive("INVITE sip:bob@example.com", `Call-ID: ${"c".repeat(1001)}`)).toThrow(
      "the Call-ID is longer than 1000 characters",
    );
  });
});
