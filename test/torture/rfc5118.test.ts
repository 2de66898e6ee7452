import { describe, expect, it } from "vitest";
import { readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { headerValues } from "../../lib/syntax/message.ts";
import { parameter } from "../../lib/syntax/parameters.ts";
import { parseUri } from "../../lib/syntax/uri.ts";
import { type Via, parseVia } from "../../lib/syntax/via.ts";
import { rfc5118Messages as messages } from "./rfc5118-messages.ts";
import { accepted, verdictOf } from "./verdict.ts";

const table: readonly (readonly [section: string, name: string, verdict: "accepted" | number])[] = [
  ["4.1 valid SIP message with an IPv6 reference", "ipv6-good", "accepted"],
  ["4.2 invalid SIP message with an IPv6 reference", "ipv6-bad", 400],
  ["4.3 port ambiguous in a SIP URI", "port-ambiguous", "accepted"],
  ["4.4 port unambiguous in a SIP URI", "port-unambiguous", "accepted"],
  ["4.5 IPv6 reference delimiters in Via header", "via-received-param-with-delim", "accepted"],
  ["4.5 received without delimiters", "via-received-param-no-delim", "accepted"],
  ["4.6 SIP request with IPv6 addresses in SDP body", "ipv6-in-sdp", "accepted"],
  ["4.7 multiple IP addresses in SIP headers", "mult-ip-in-header", "accepted"],
  ["4.8 multiple IP addresses in SDP", "mult-ip-in-sdp", "accepted"],
  ["4.9 IPv4-mapped IPv6 addresses", "ipv4-mapped-ipv6", "accepted"],
  ["4.10 IPv6 reference bug in RFC 3261 ABNF, two colons", "ipv6-correct-abnf-2-colons", "accepted"],
  ["4.10 IPv6 reference bug in RFC 3261 ABNF, three colons", "ipv6-bug-abnf-3-colons", "accepted"],
];

const uriOf = (name: string) => {
  const message = accepted(messages[name]);
  return parseUri(message.kind === "request" ? message.requestUri : "");
};

describe("RFC 5118", () => {
  it("has 12 messages, each with a verdict", () => {
    expect(table.map(([, name]) => name).sort()).toEqual(Object.keys(messages).sort());
  });

  it.each(table)("§%s (%s): %s", (_section, name, verdict) => {
    expect(verdictOf(messages[name] ?? "")).toBe(verdict);
  });

  it("§4.3, §4.4: only what stands behind the bracket is a port", () => {
    expect(uriOf("port-ambiguous")).toMatchObject({ host: "[2001:db8::10:5070]", port: undefined });
    expect(uriOf("port-unambiguous")).toMatchObject({ host: "[2001:db8::10]", port: 5070 });
  });

  it("§4.5: received may come with or without brackets", () => {
    const received = (name: string) => {
      const via = parseVia(headerValues(accepted(messages[name]), "via")[0] ?? "") as Via;
      return parameter(via.parameters, "received");
    };
    expect(received("via-received-param-with-delim")).toBe("[2001:db8::9:255]");
    expect(received("via-received-param-no-delim")).toBe("2001:db8::9:255");
  });

  it("§4.7: addresses of both families stand in one message", () => {
    expect(headerValues(accepted(messages["mult-ip-in-header"]), "via").map(parseVia)).toMatchObject([
      { host: "[2001:db8::9:1]", port: 6050 },
      { host: "192.0.2.1" },
      { host: "[2001:db8::9:255]" },
    ]);
  });

  it("§4.9: an IPv4 address may be written within an IPv6 address", () => {
    expect(readMandatoryHeaders(accepted(messages["ipv4-mapped-ipv6"]))).toMatchObject({
      via: { host: "[::ffff:192.0.2.10]", port: 19823 },
    });
  });
});
