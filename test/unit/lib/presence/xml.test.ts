import { describe, expect, it } from "vitest";
import { escape, parseXml } from "../../../../lib/presence/xml.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";

const document = (content: string) => parseXml(`<a xmlns="urn:a">${content}</a>`, "urn:a", "a");

/** XML 1.0 §2.2 and §4.1. */
describe("the characters of a document", () => {
  it.each(["\u0000", "\u0008", "\u000b", "\u001f", "\ud800", "\udfff", "\ufffe", "\uffff"])("%j is none: 400", (text) => {
    const code = text.charCodeAt(0);
    for (const written of [text, `&#${code};`, `&#x${code.toString(16)};`, `<b c="&#x${code.toString(16).toUpperCase()};"/>`]) {
      expect(document(written)).toMatchObject({ status: 400 });
    }
  });

  it.each(["\t", "\n", "\r", " ", "ä", "\ud7ff", "\ue000", "\ufffd", "😀"])("%j is one", (text) => {
    const code = text.codePointAt(0) ?? 0;
    for (const written of [text, `&#${code};`, `&#x${code.toString(16)};`]) expect(isFault(document(written))).toBe(false);
  });

  it.each(["\ufeff", "\u00ef\u00bb\u00bf"])("a byte order mark before them, written %j, is none of them (XML 1.0 §4.3.3)", (mark) => {
    expect(isFault(parseXml(`${mark}<?xml version="1.0"?><a xmlns="urn:a"/>`, "urn:a", "a"))).toBe(false);
    expect(parseXml(`${mark}${mark}<?xml version="1.0"?><a xmlns="urn:a"/>`, "urn:a", "a")).toMatchObject({ status: 400 });
  });

  it("a number beyond all characters is none", () => {
    for (const number of ["1114112", "99999999999999999999", "x110000"]) expect(document(`&#${number};`)).toMatchObject({ status: 400 });
  });

  it("what is none is replaced where a text becomes part of a document", () => {
    expect(escape('a\u0000<b>\ud800"&\ufffe😀')).toBe("a\ufffd&lt;b&gt;\ufffd&quot;&amp;\ufffd😀");
  });
});
