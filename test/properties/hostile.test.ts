import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alter } from "../../lib/syntax/alter.ts";
import { replyTo } from "../../lib/syntax/compose.ts";
import { readContacts } from "../../lib/syntax/contact.ts";
import { parseCSeq } from "../../lib/syntax/cseq.ts";
import { parseDate } from "../../lib/syntax/date.ts";
import { readCredentials } from "../../lib/syntax/digest.ts";
import { readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { defaultLimits } from "../../lib/syntax/limits.ts";
import { splitList } from "../../lib/syntax/list.ts";
import { headerValues, parseMessage, recover } from "../../lib/syntax/message.ts";
import { parseNameAddress } from "../../lib/syntax/name-address.ts";
import { parseParameters } from "../../lib/syntax/parameters.ts";
import { canonicalUser, parseUri, unescape } from "../../lib/syntax/uri.ts";
import { parseVia } from "../../lib/syntax/via.ts";
import { readRecipientList } from "../../lib/presence/recipient-list.ts";
import { escape } from "../../lib/presence/xml.ts";
import { recipientList } from "../support/list-watching.ts";
import { mutated, withMutations } from "./arbitrary.ts";
import { workOf } from "../support/work.ts";

const limits = { ...defaultLimits, messageLength: 1e9, headerCount: 1e9, headerLength: 1e9, commentDepth: 1e9 };

/** Everything that reads what a peer wrote. */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  parseUri,
  parseNameAddress,
  parseVia,
  parseCSeq,
  parseParameters,
  parseDate,
  splitList,
  unescape,
  canonicalUser,
  message: (text) => whole(text),
};

function whole(octets: string): unknown {
  const message = parseMessage(octets, limits);
  if (isFault(message)) return recover(octets);
  const lists = ["via", "route", "contact", "supported"].map((name) => headerValues(message, name));
  const altered = alter(message, {
    popVia: true,
    popRoutes: 2,
    popLastRoute: true,
    maxForwards: 1,
    remove: ["subject"],
    push: [["Via", "x"]],
  });
  if (message.kind === "response") return [lists, altered, readMandatoryHeaders(message)];
  return [
    lists,
    altered,
    readMandatoryHeaders(message),
    readContacts(message),
    readCredentials(message, "authorization"),
    replyTo(message, 400, { toTag: "x" }),
  ];
}

describe("nothing a peer writes makes a reader throw", () => {
  it.each(Object.entries(readers))("%s, on any text", (_name, read) => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => void expect(() => read(text)).not.toThrow()));
  });

  it("messages with something broken in them", () => {
    fc.assert(
      fc.property(mutated, (text) => void expect(() => whole(text)).not.toThrow()),
      { numRuns: 1000 },
    );
  });

  it("lists of resources with something broken in them", () => {
    const list = fc.array(fc.webUrl(), { maxLength: 3 }).map((uris) => recipientList("sip:bob@example.com", ...uris.map(escape)));
    const head = "SUBSCRIBE sip:a SIP/2.0\r\nContent-Type: application/resource-lists+xml\r\nContent-Disposition: recipient-list\r\n\r\n";
    const subscribe = parseMessage(head);
    if (isFault(subscribe) || subscribe.kind !== "request") throw new Error("the SUBSCRIBE does not parse");
    fc.assert(
      fc.property(withMutations(list), (body) => void expect(() => readRecipientList(subscribe, body)).not.toThrow()),
      { numRuns: 1000 },
    );
  });
});

/** Shapes on which a careless reader takes time that grows with the square of their length. */
const shapes: Readonly<Record<string, (size: number) => string>> = {
  spaces: (size) => " ".repeat(size),
  commas: (size) => ",".repeat(size),
  semicolons: (size) => `<sip:a@b>${";a".repeat(size / 2)}`,
  "nested comments": (size) => "(".repeat(size),
  "a long quoted string": (size) => `"${"\\a".repeat(size / 2)}`,
  escapes: (size) => `sip:${"%41".repeat(size / 3)}@b`,
  colons: (size) => `sip:[${":".repeat(size)}]`,
  dots: (size) => `sip:${"a.".repeat(size / 2)}`,
  hyphens: (size) => `sip:${"-".repeat(size)}`,
  "at signs": (size) => `sip:${"@".repeat(size)}`,
  "no end of line": (size) => "a".repeat(size),
  "carriage returns": (size) => "\r".repeat(size),
  "empty lines": (size) => "\r\n".repeat(size / 2),
  "folded lines": (size) => `OPTIONS sip:a SIP/2.0\r\nSubject: a${"\r\n a".repeat(size / 4)}\r\n\r\n`,
  "blank folded lines": (size) => `OPTIONS sip:a SIP/2.0\r\nVia: a${"\r\n ".repeat(size / 3)}\r\n\r\n`,
  "header lines": (size) => `OPTIONS sip:a SIP/2.0\r\n${"Via: a\r\n".repeat(size / 8)}\r\n`,
  "labels in a Via": (size) => withVia(`SIP/2.0/WSS ${"a.".repeat(size / 2)}`),
  "hyphens in a Via": (size) => withVia(`SIP/2.0/WSS ${"a-".repeat(size / 2)};branch=b`),
  "labels in a From": (size) => withFrom(`<sip:a@${"a.".repeat(size / 2)}`),
  "hyphens in a From": (size) => withFrom(`<sip:a@${"a-".repeat(size / 2)}a;a`),
  "parameters in a From": (size) => withFrom(`<sip:a@b${";a=b".repeat(size / 4)};`),
  "a quote in a From": (size) => withFrom(`"${"a".repeat(size)}`),
  "a list of Vias": (size) => `OPTIONS sip:a SIP/2.0\r\nVia: ${"a,".repeat(size / 2)}\r\n\r\n`,
};

const withVia = (via: string): string =>
  `OPTIONS sip:a SIP/2.0\r\nVia: ${via}\r\nFrom: a\r\nTo: b\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n`;
const withFrom = (from: string): string =>
  `OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/WSS a;branch=b\r\nFrom: ${from}\r\nTo: b\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n`;

describe("no reader takes more than time in proportion", () => {
  it.each(Object.entries(shapes))("%s", (_name, shape) => {
    for (const read of Object.values(readers)) expect(growth(read, shape(10_000), shape(160_000))).toBeLessThan(tooMuch);
  });
});

/** Sixteen times the length: linear is 16, or a few times that where caches are too small for the longer text; quadratic is 256. */
const tooMuch = 80;

/** How much longer a reader takes for the larger of two texts. Single runs may be longer: those with the least work count. */
function growth(read: (text: string) => unknown, small: string, large: string): number {
  const best = { small: Number.POSITIVE_INFINITY, large: Number.POSITIVE_INFINITY };
  let ratio = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 30 && (run < 3 || ratio >= tooMuch); run += 1) {
    best.small = Math.min(
      best.small,
      workOf(() => read(small)),
    );
    best.large = Math.min(
      best.large,
      workOf(() => read(large)),
    );
    // What takes no time at all cannot be compared.
    ratio = best.large / Math.max(best.small, 0.5);
  }
  return ratio;
}
