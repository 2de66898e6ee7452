import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alter } from "../../lib/syntax/alter.ts";
import { readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { bodyOf, headerValues, parseMessage } from "../../lib/syntax/message.ts";
import { parseNameAddress } from "../../lib/syntax/name-address.ts";
import { parseFromTo, fastFromTo } from "../../lib/syntax/from-to.ts";
import { equalUris, parseUri, serialiseUri, type Uri } from "../../lib/syntax/uri.ts";
import { parseVia, fastVia } from "../../lib/syntax/via.ts";
import { nameAddress, request, sipUri } from "./arbitrary.ts";

const parsed = (text: string) => {
  const message = parseMessage(text);
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
    fc.assert(fc.property(request, (text) => void expect(readMandatoryHeaders(parsed(text))).not.toHaveProperty("fault")));
  });
});

describe("what is written as usual is read the short way as it would be the long way", () => {
  /** Mostly usual, with what the grammar has besides. */
  const piece = fc.oneof(
    ...[
      "sip:",
      "alice",
      "@",
      "example.com",
      "localhost",
      ";lr",
      ";transport=ws",
      ";tag=",
      "a1b2",
      "127.0.0.1",
      ":5060",
      "<",
      ">",
      '"',
      " ",
      "\\",
    ].map((text) => fc.constant(text)),
    fc.string({ maxLength: 3 }),
  );
  const name = fc.constantFrom("", '"Alice" ', '"A <b> c"', '"a\\"b" ', "Alice ");
  const host = fc.stringMatching(/^[a-zA-Z0-9.-]{1,12}$/);
  const party = fc.oneof(
    fc
      .tuple(name, host, fc.array(piece, { maxLength: 4 }), fc.array(piece, { maxLength: 3 }))
      .map(([display, at, more, behind]) => `${display}<sip:alice@${at}${more.join("")}>${behind.join("")}`),
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
    nameAddress,
  );

  it("a From or To", () => {
    fc.assert(
      fc.property(party, (text) => {
        const general = parseFromTo(text);
        expect(fastFromTo(text, 0, text.length) ?? general).toEqual(general);
      }),
      { numRuns: 2000 },
    );
  });

  it("a Via", () => {
    const parameters = fc.constantFrom(";branch=z9hG4bK1", ";branch=", ";rport;branch=x", "", ";branch=a;b=c", " ;branch=x");
    fc.assert(
      fc.property(fc.constantFrom("WS", "WSS", "TCP", "WSSS"), host, parameters, (transport, at, more) => {
        const text = `SIP/2.0/${transport} ${at}${more}`;
        // White space that the grammar allows takes the long way.
        const general = parseVia(`SIP / 2.0 / ${transport} ${at}${more}`);
        expect(fastVia(text, 0, text.length) ?? general).toEqual(general);
      }),
      { numRuns: 2000 },
    );
  });
});
