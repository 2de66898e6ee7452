import { describe, expect, it } from "vitest";
import { readContacts } from "../../../../lib/syntax/contact.ts";
import { parseCSeq } from "../../../../lib/syntax/cseq.ts";
import { parseDate, serialiseDate } from "../../../../lib/syntax/date.ts";
import { readCredentials } from "../../../../lib/syntax/digest.ts";
import { parseEvent } from "../../../../lib/syntax/event.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { parseDeltaSeconds } from "../../../../lib/syntax/integers.ts";
import { splitList } from "../../../../lib/syntax/list.ts";
import { type Request, headerValue, headerValues, parseMessage } from "../../../../lib/syntax/message.ts";
import { parseNameAddress, tagOf } from "../../../../lib/syntax/name-address.ts";
import { unquote } from "../../../../lib/syntax/parameters.ts";
import { equalUris, isHost, parseUri, unescape, type Uri } from "../../../../lib/syntax/uri.ts";
import { parseVia } from "../../../../lib/syntax/via.ts";

function request(...lines: readonly string[]): Request {
  const message = parseMessage(`REGISTER sip:example.com SIP/2.0\r\n${lines.join("\r\n")}\r\n\r\n`);
  if (isFault(message) || message.kind !== "request") throw new Error("the test's message is at fault");
  return message;
}

describe("URI comparison (RFC 3261 §19.1.4)", () => {
  it.each([
    ["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;security=on"],
    [
      "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
      "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ],
    ["sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x"],
    ["tel:+1-201-555-0123", "tel:+12015550123"],
  ])("%s equals %s", (one, other) => {
    expect(equalUris(parseUri(one) as Uri, parseUri(other) as Uri)).toBe(true);
    expect(equalUris(parseUri(other) as Uri, parseUri(one) as Uri)).toBe(true);
  });

  it.each([
    ["SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
    ["sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"],
    ["sip:bob@biloxi.com", "sips:bob@biloxi.com"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"],
  ])("%s does not equal %s", (one, other) => {
    expect(equalUris(parseUri(one) as Uri, parseUri(other) as Uri)).toBe(false);
  });
});

describe("hosts (RFC 3261 §25.1)", () => {
  it.each(["example.com", "a", "1a.example", "192.0.2.1", "[2001:db8::1]", "[::]", "[::ffff:192.0.2.1]", "example.com."])(
    "%s is one",
    (host) => {
      expect(isHost(host)).toBe(true);
    },
  );
  it.each([
    "",
    "-a.example",
    "a-.example",
    "a..example",
    "192.0.2.256",
    "192.0.2",
    "2001:db8::1",
    "[2001:db8:::1]",
    "[1:2:3]",
    "exa mple",
    "[::ffff:999.0.2.1]",
  ])("%s is none", (host) => {
    expect(isHost(host)).toBe(false);
  });
});

describe("name-addr and addr-spec (RFC 3261 §20.10)", () => {
  it.each([
    ["sip:a@b;tag=1", { uri: "sip:a@b", displayName: undefined }, "1"],
    ["<sip:a@b;tag=no>;tag=1", { uri: "sip:a@b;tag=no", displayName: undefined }, "1"],
    ['"A \\"B\\" <c>" <sip:a@b> ; tag = 1', { uri: "sip:a@b", displayName: '"A \\"B\\" <c>"' }, "1"],
    ["Anna Lena <sip:a@b>", { uri: "sip:a@b", displayName: "Anna Lena" }, undefined],
    ["Jürgen <sip:a@b>;TAG=x", { uri: "sip:a@b", displayName: "Jürgen" }, "x"],
  ])("%s", (text, expected, tag) => {
    const address = parseNameAddress(text);
    expect(address).toMatchObject(expected);
    expect(isFault(address) ? undefined : tagOf(address)).toBe(tag);
  });
  it.each(['"open <sip:a@b>', "<sip:a@b", "a, b <sip:a@b>", "<>", "sip:a@b?x=y", "<sip:a@b>;=x", "<sip:a@b> x"])(
    "%s is refused",
    (text) => {
      expect(parseNameAddress(text)).toMatchObject({ status: 400 });
    },
  );
});

describe("Via (RFC 3261 §20.42)", () => {
  it.each([
    [
      "SIP/2.0/WSS a.invalid;branch=z9hG4bKx",
      { transport: "WSS", host: "a.invalid", port: undefined, branch: "z9hG4bKx", sentBy: "a.invalid" },
    ],
    [
      "SIP / 2.0 / UDP first.example.com: 4000;ttl=16;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
      { transport: "UDP", port: 4000, branch: "z9hG4bKa7c6a8dlze.1" },
    ],
    ["sip/2.0/tcp [2001:db8::1]:5060", { transport: "TCP", host: "[2001:db8::1]", port: 5060, branch: undefined }],
    ["SIP/2.0/TLS A.example;rport;received=1.2.3.4;branch=x", { sentBy: "a.example", branch: "x" }],
  ])("%s", (text, expected) => {
    expect(parseVia(text)).toMatchObject(expected);
  });
  it.each(["SIP/3.0/UDP a", "SIP/2.0/UDP", "HTTP/2.0/UDP a", "SIP/2.0/UDP a:99999", "SIP/2.0/UDP a;branch=<"])("%s is refused", (text) => {
    expect(parseVia(text)).toMatchObject({ status: 400 });
  });
});

describe("numbers, methods and times", () => {
  it.each(["0 INVITE", "2147483647 X"])("CSeq %s", (text) => {
    expect(isFault(parseCSeq(text))).toBe(false);
  });
  it.each(["2147483648 X", "-1 X", "1", "INVITE 1", "1 A B", ""])("CSeq %s is refused", (text) => {
    expect(parseCSeq(text)).toMatchObject({ status: 400 });
  });
  it.each([
    ["0", 0],
    ["4294967296", 4_294_967_295],
    ["99999999999999999999", 4_294_967_295],
    ["-1", undefined],
    ["1.5", undefined],
    ["", undefined],
  ])("delta-seconds %s (RFC 3261 §20.19)", (text, expected) => {
    expect(parseDeltaSeconds(text)).toBe(expected);
  });
  it("Date is RFC 1123 in GMT (RFC 3261 §20.17)", () => {
    expect(serialiseDate(Date.UTC(2010, 10, 13, 23, 29, 0))).toBe("Sat, 13 Nov 2010 23:29:00 GMT");
    expect(parseDate("Sat, 13 Nov 2010 23:29:00 GMT")).toBe(Date.UTC(2010, 10, 13, 23, 29, 0));
    expect(parseDate("Sat, 13 Nov 2010 23:29:00 EST")).toBeUndefined();
    expect(parseDate("Sun, 13 Nov 2010 23:29:00 GMT")).toBeUndefined();
  });
  it("Event names a package, perhaps with templates and an id (RFC 6665 §8.2.1)", () => {
    expect(parseEvent("presence.winfo;id=7;x=y")).toMatchObject({ package: "presence.winfo", id: "7" });
    expect(parseEvent("")).toMatchObject({ status: 400 });
  });
});

describe("header fields (RFC 3261 §7.3)", () => {
  it("may be folded, spaced and in compact form, in any case", () => {
    const message = request("v :SIP/2.0/UDP a", "SUBJECT:  one\r\n\ttwo \r\n  three ", "k: a, b", "Supported: c");
    expect(headerValue(message, "via")).toBe("SIP/2.0/UDP a");
    expect(headerValue(message, "subject")).toBe("one two three");
    expect(headerValues(message, "supported")).toEqual(["a", "b", "c"]);
  });
  it("are lists only where their grammar is one", () => {
    const message = request("Subject: a, b", 'Route: <sip:a,b@c>, "x, y" <sip:d>', "Date: Sat, 13 Nov 2010 23:29:00 GMT");
    expect(headerValues(message, "subject")).toEqual(["a, b"]);
    expect(headerValues(message, "route")).toEqual(["<sip:a,b@c>", '"x, y" <sip:d>']);
    expect(headerValues(message, "date")).toHaveLength(1);
    expect(splitList("a (b, (c), d), e")).toEqual(["a (b, (c), d)", "e"]);
  });
  it("quoted strings are read with their escapes", () => {
    expect(unquote('"a\\"b\\\\c"')).toBe('a"b\\c');
    expect(unescape("%41%zz%C3%BC-%ff")).toBe("A%zzü-%ff");
  });
});

describe("Contact (RFC 3261 §20.10)", () => {
  it("has q, expires and the parameters of its header", () => {
    expect(readContacts(request("m: <sip:a@b>;q=0.7;expires=60, sip:c@d;q=1.000;expires=junk"))).toMatchObject([
      { uri: "sip:a@b", q: 700, expires: 60 },
      { uri: "sip:c@d", q: 1000, expires: 3600 },
    ]);
  });
  it("* stands alone", () => {
    expect(readContacts(request("Contact: *"))).toBe("*");
    expect(readContacts(request("Contact: *", "Contact: <sip:a@b>"))).toMatchObject({ status: 400 });
  });
  it.each(["<sip:a@b>;q=1.1", "<sip:a@b>;q=-0", "<sip:a@b>;q=0.1234", "nobody", "<sip:@b>"])("%s is refused", (contact) => {
    expect(readContacts(request(`Contact: ${contact}`))).toMatchObject({ status: 400 });
  });
});

describe("digest credentials (RFC 7616 §3.4)", () => {
  it("are read without their quotes; other schemes and broken ones are left out", () => {
    const message = request(
      "Authorization: Basic abc",
      'Authorization: Digest username="a", realm="b", nonce="c"',
      'Authorization: Digest username="Mufasa", realm="a, b", nonce="n", uri="sip:x", response="r", nc=00000001, cnonce="q", qop=auth, algorithm=MD5',
    );
    expect(readCredentials(message, "authorization")).toMatchObject([
      { username: "Mufasa", realm: "a, b", nc: "00000001", qop: "auth", algorithm: "MD5" },
    ]);
  });
});
