import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toOctets, toText } from "../../../../lib/syntax/octets.ts";
import { StreamReader, framed } from "../../../../lib/transport/stream.ts";
import { octetsOfText } from "../../../../lib/transport/text-frame.ts";

const head = "MESSAGE sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\nCall-ID: c";

/** Lines that say, or pretend to say, how long the message is. */
const lengthLine = fc.constantFrom(
  "",
  "\r\nContent-Length: 3",
  "\r\nl: 3",
  "\r\nCONTENT-LENGTH : 99",
  "\r\nContent-Length:\r\n 3",
  "\r\nContent-Length: 1\r\nContent-Length: 2",
  "\r\nContent-Length: x",
);
const body = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 60 }).map(toOctets),
  fc.constant(`${head}\r\nContent-Length: 0\r\n\r\n`),
  fc.uint8Array({ maxLength: 40 }).map((octets) => String.fromCharCode(...octets)),
);

describe("what goes onto a stream", () => {
  it("is as many messages for its reader as were written, each with its own body", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(lengthLine, body), { minLength: 1, maxLength: 4 }), (written) => {
        const { messages, broken } = new StreamReader().read(
          written.map(([line, text]) => framed(`${head}${line}\r\n\r\n${text}`)).join(""),
        );
        expect(broken).toBeUndefined();
        expect(messages.map((message) => message.slice(message.indexOf("\r\n\r\n") + 4))).toEqual(written.map(([, text]) => text));
      }),
    );
  });

  it("stays as it is where its length is right, and so does a keep-alive", () => {
    expect(framed(`${head}\r\nl: 2\r\n\r\nab`)).toBe(`${head}\r\nl: 2\r\n\r\nab`);
    expect(framed("\r\n\r\n")).toBe("\r\n\r\n");
    expect(framed("\r\n")).toBe("\r\n");
  });
});

describe("a text frame as octets", () => {
  it("has a Content-Length of octets where it counted characters", () => {
    expect(octetsOfText(`${head}\r\nContent-Length: 3\r\n\r\näöü`)).toBe(`${head}\r\nContent-Length: 6\r\n\r\n${toOctets("äöü")}`);
    expect(octetsOfText(`${head}\r\nl:3\r\nX: y\r\n\r\näöü`)).toBe(`${head}\r\nl:6\r\nX: y\r\n\r\n${toOctets("äöü")}`);
  });

  it.each(["Content-Length: 6", "X-Content-Length: 3", "Content-Length: 2"])("keeps another length: %s", (line) => {
    expect(octetsOfText(`${head}\r\n${line}\r\n\r\näöü`)).toBe(`${head}\r\n${line}\r\n\r\n${toOctets("äöü")}`);
  });

  it("has no line break that was none", () => {
    expect(octetsOfText("\u010D\u010A")).not.toMatch(/[\r\n]/);
  });

  it("and back is the same text; what is no UTF-8 is no text", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => void expect(toText(toOctets(text))).toBe(text)));
    for (const octets of ["\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80"]) expect(toText(octets)).toBeUndefined();
  });
});
