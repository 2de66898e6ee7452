import { describe, expect, it } from "vitest";
import { StreamReader } from "../../../../lib/transport/stream.ts";
import { growsTooFast } from "../work/growth.ts";

const message = (body: string, length: string = `Content-Length: ${body.length}`): string =>
  `MESSAGE sip:a@b SIP/2.0\r\nVia: x\r\n${length}\r\n\r\n${body}`;

describe("messages of a stream (RFC 3261 §18.3)", () => {
  it("are cut by their Content-Length, however the octets come", () => {
    const text = message("one") + message("") + message("three\r\n\r\n");
    for (const size of [1, 2, 7, text.length]) {
      const reader = new StreamReader();
      const messages: string[] = [];
      for (let at = 0; at < text.length; at += size) messages.push(...reader.read(text.slice(at, at + size)).messages);
      expect(messages).toEqual([message("one"), message(""), message("three\r\n\r\n")]);
    }
  });

  it("may have the length in its compact form, on a line of its own, or twice the same", () => {
    for (const length of ["l: 3", "Content-Length:\r\n 3", "CONTENT-LENGTH : 3", "l: 3\r\nContent-Length: 3"])
      expect(new StreamReader().read(message("one", length))).toEqual({ messages: [message("one", length)], pings: 0 });
  });

  it("have keep-alives between them, cut anywhere (RFC 5626 §4.4.1)", () => {
    const reader = new StreamReader();
    expect(reader.read("\r\n\r\n")).toEqual({ messages: [], pings: 1 });
    expect(reader.read(`\r\n${message("one")}`).messages).toEqual([message("one")]);
    for (const at of [1, 2, 3]) {
      expect(reader.read("\r\n\r\n".slice(0, at))).toEqual({ messages: [], pings: 0 });
      expect(reader.read("\r\n\r\n".slice(at))).toEqual({ messages: [], pings: 1 });
    }
  });

  it.each([
    ["no length, which is mandatory on a stream (§20.14)", "Subject: nothing"],
    ["a length that is none", "Content-Length: "],
    ["one with something behind it", "Content-Length: 3x"],
    ["two that differ", "Content-Length: 3\r\nl: 0"],
    ["one that is too large", "Content-Length: 999999999"],
    ["one that no number holds", `Content-Length: ${"9".repeat(400)}`],
    ["one in the value of another", "Subject: x\r\n Content-Length: 3"],
  ])("with %s end the stream, behind those that came before", (_what, length) => {
    const { messages, broken } = new StreamReader().read(message("one") + message("two", length) + message("three"));
    expect([messages, broken]).toEqual([[message("one")], message("", length)]);
  });

  it("that never end cannot be read on", () => {
    expect(new StreamReader().read("x".repeat(200_000)).broken).toBe("");
  });

  it("are read in linear time, and no more is kept than one may have, however small the chunks are", () => {
    for (const beginning of ["", message("", "Content-Length: 120000")]) {
      const work = (size: number) => {
        const reader = new StreamReader();
        reader.read(beginning);
        for (let at = 0; at < size; at += 1) reader.read("a");
      };
      expect(
        growsTooFast(
          () => work(100_000),
          () => () => work(25_000),
        ),
      ).toBe(false);
    }
    const reader = new StreamReader();
    const parts = Array.from({ length: 140 }, () => reader.read("a".repeat(1000)));
    expect(parts.find(({ broken }) => broken !== undefined)).toEqual({ messages: [], pings: 0, broken: "" });
  });
});
