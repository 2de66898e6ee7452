import { describe, expect, it } from "vitest";
import { StreamReader } from "../../../lib/transport/stream.ts";

const message = (body: string, length: string = `Content-Length: ${body.length}`): string =>
  `MESSAGE sip:a@b SIP/2.0\r\nVia: x\r\n${length}\r\n\r\n${body}`;

describe("messages of a stream (RFC 3261 §18.3)", () => {
  it("are cut by their Content-Length, however the octets come", () => {
    const text = message("one") + message("") + message("three\r\n\r\n");
    for (const size of [1, 2, 7, text.length]) {
      const reader = new StreamReader();
      const messages: string[] = [];
      for (let at = 0; at < text.length; at += size) messages.push(...(reader.read(text.slice(at, at + size))?.messages ?? ["broken"]));
      expect(messages).toEqual([message("one"), message(""), message("three\r\n\r\n")]);
    }
  });

  it("may have the length in its compact form, or none at all", () => {
    expect(new StreamReader().read(message("one", "l: 3"))?.messages).toEqual([message("one", "l: 3")]);
    expect(new StreamReader().read(message("", "Subject: nothing"))?.messages).toHaveLength(1);
  });

  it("have keep-alives between them (RFC 5626 §4.4.1)", () => {
    const reader = new StreamReader();
    expect(reader.read("\r\n\r\n")).toEqual({ messages: [], pings: 1 });
    expect(reader.read(`\r\n${message("one")}`)?.messages).toEqual([message("one")]);
  });

  it("that never end cannot be read on", () => {
    expect(new StreamReader().read("x".repeat(200_000))).toBeUndefined();
    expect(new StreamReader().read(message("", "Content-Length: 999999999"))).toBeUndefined();
    expect(new StreamReader().read(message("", "Content-Length: "))).toBeUndefined();
  });
});
