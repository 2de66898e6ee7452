import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alter } from "../../lib/syntax/alter.ts";
import { readEssentials } from "../../lib/syntax/essentials.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { bodyOf, headerValues, parseMessage } from "../../lib/syntax/message.ts";
import { parseNameAddress } from "../../lib/syntax/name-address.ts";
import { equalUris, parseUri, serialiseUri, type Uri } from "../../lib/syntax/uri.ts";
import { nameAddress, request, sipUri } from "./arbitrary.ts";

const parsed = (text: string) => {
  const message = parseMessage({ text, binary: false });
  if (isFault(message)) throw new Error(`${message.fault}: ${text}`);
  return message;
};

describe("what is read is written the same", () => {
  it("a URI", () => {
    fc.assert(
      fc.property(sipUri, (text) => {
        const uri = parseUri(text) as Uri;
        expect(serialiseUri(uri)).toBe(text);
        expect(equalUris(uri, uri)).toBe(true);
      }),
    );
  });

  it("a name-addr", () => {
    fc.assert(
      fc.property(nameAddress, (text) => {
        const address = parseNameAddress(text);
        if (isFault(address)) throw new Error(`${address.fault}: ${text}`);
        const parameters = address.parameters.map(([name, value]) => (value === undefined ? `;${name}` : `;${name}=${value}`)).join("");
        const name = address.displayName === undefined ? "" : `${address.displayName} `;
        expect(`${name}<${address.uri}>${parameters}`.replaceAll(/\s+/g, " ")).toBe(text.replaceAll(/\s+/g, " "));
      }),
    );
  });

  it("a message that nothing is altered in", () => {
    fc.assert(fc.property(request, (text) => void expect(alter(parsed(text), {})).toBe(text)));
  });

  it("all but what is altered in a forwarded message, byte for byte (RFC 3261 §16.6)", () => {
    fc.assert(
      fc.property(request, (text) => {
        const message = parsed(text);
        const altered = alter(message, { maxForwards: 69, popRoutes: 1, push: [["Via", "SIP/2.0/WSS us;branch=z9hG4bKus"]] });
        const [firstRoute, ...routes] = headerValues(message, "route");
        const forwarded = parsed(altered);
        expect(headerValues(forwarded, "route")).toEqual(firstRoute === undefined ? [] : routes);
        expect(bodyOf(forwarded)).toBe(bodyOf(message));
        const route = firstRoute === undefined ? "" : `Route: ${firstRoute}\r\n`;
        const expected = text
          .replace("\r\n", "\r\nVia: SIP/2.0/WSS us;branch=z9hG4bKus\r\n")
          .replace(route, "")
          .replace("Max-Forwards: 70", "Max-Forwards: 69");
        expect(altered).toBe(expected);
      }),
    );
  });

  it("popping our Via undoes pushing it (RFC 3261 §16.7 step 3)", () => {
    fc.assert(
      fc.property(request, (text) => {
        const pushed = alter(parsed(text), { push: [["Via", "SIP/2.0/WSS us;branch=z9hG4bKus"]] });
        expect(alter(parsed(pushed), { popVia: true })).toBe(text);
      }),
    );
  });

  it("the essentials of a valid request are no fault", () => {
    fc.assert(fc.property(request, (text) => void expect(readEssentials(parsed(text))).not.toHaveProperty("fault")));
  });
});
