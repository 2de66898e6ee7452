import { describe, expect, it } from "vitest";
import { type Contact, readContacts } from "../../lib/syntax/contact.ts";
import { readMandatoryHeaders } from "../../lib/syntax/mandatory-headers.ts";
import { bodyOf, headerValue, headerValues } from "../../lib/syntax/message.ts";
import { parameter } from "../../lib/syntax/parameters.ts";
import { parseUri, unescape } from "../../lib/syntax/uri.ts";
import { parseVia } from "../../lib/syntax/via.ts";
import { rfc4475Messages as messages } from "./rfc4475-messages.ts";
import { accepted, verdictOf } from "./verdict.ts";

const table: readonly (readonly [section: string, name: string, verdict: "accepted" | number])[] = [
  ["3.1.1.1 a short tortuous INVITE", "wsinv", "accepted"],
  ["3.1.1.2 wide range of valid characters", "intmeth", "accepted"],
  ["3.1.1.3 valid use of the % escaping mechanism", "esc01", "accepted"],
  ["3.1.1.4 escaped nulls in URIs", "escnull", "accepted"],
  ["3.1.1.5 use of % when it is not an escape", "esc02", "accepted"],
  ["3.1.1.6 message with no LWS between display name and <", "lwsdisp", "accepted"],
  ["3.1.1.7 long values in header fields", "longreq", "accepted"],
  ["3.1.1.8 extra trailing octets in a datagram", "dblreq", "accepted"],
  ["3.1.1.9 semicolon-separated parameters in URI user part", "semiuri", "accepted"],
  ["3.1.1.10 varied and unknown transport types", "transports", "accepted"],
  ["3.1.1.11 multipart MIME message", "mpart01", "accepted"],
  ["3.1.1.12 unusual reason phrase", "unreason", "accepted"],
  ["3.1.1.13 empty reason phrase", "noreason", "accepted"],
  ["3.1.2.1 extraneous header field separators", "badinv01", 400],
  ["3.1.2.2 Content-Length larger than message", "clerr", 400],
  ["3.1.2.3 negative Content-Length", "ncl", 400],
  ["3.1.2.4 request scalar fields with overlarge values", "scalar02", 400],
  ["3.1.2.5 response scalar fields with overlarge values", "scalarlg", 400],
  ["3.1.2.6 unterminated quoted string in display name", "quotbal", 400],
  ["3.1.2.7 <> enclosing Request-URI", "ltgtruri", 400],
  ["3.1.2.8 malformed SIP Request-URI (embedded LWS)", "lwsruri", 400],
  ["3.1.2.9 multiple SP separating Request-Line elements", "lwsstart", 400],
  ["3.1.2.10 SP characters at end of Request-Line", "trws", 400],
  ["3.1.2.11 escaped headers in SIP Request-URI", "escruri", "accepted"],
  ["3.1.2.12 invalid time zone in Date header field", "baddate", "accepted"],
  ["3.1.2.13 failure to enclose name-addr URI in <>", "regbadct", 400],
  ["3.1.2.14 spaces within addr-spec", "badaspec", 400],
  ["3.1.2.15 non-token characters in display name", "baddn", 400],
  ["3.1.2.16 unknown protocol version", "badvers", 505],
  ["3.1.2.17 start line and CSeq method mismatch", "mismatch01", 400],
  ["3.1.2.18 unknown method with CSeq method mismatch", "mismatch02", 400],
  ["3.1.2.19 overlarge response code", "bigcode", 400],
  ["3.2.1 missing transaction identifier", "badbranch", "accepted"],
  ["3.3.1 missing required header fields", "insuf", 400],
  ["3.3.2 Request-URI with unknown scheme", "unkscm", 416],
  ["3.3.3 Request-URI with known but atypical scheme", "novelsc", 416],
  ["3.3.4 unknown URI schemes in header fields", "unksm2", "accepted"],
  ["3.3.5 Proxy-Require and Require", "bext01", "accepted"],
  ["3.3.6 unknown Content-Type", "invut", "accepted"],
  ["3.3.7 unknown authorization scheme", "regaut01", "accepted"],
  ["3.3.8 multiple values in single value required fields", "multi01", 400],
  ["3.3.9 multiple Content-Length values", "mcl01", 400],
  ["3.3.10 200 OK response with broadcast Via header field value", "bcast", "accepted"],
  ["3.3.11 Max-Forwards of zero", "zeromf", "accepted"],
  ["3.3.12 REGISTER with a Contact header parameter", "cparam01", "accepted"],
  ["3.3.13 REGISTER with a url-parameter", "cparam02", "accepted"],
  ["3.3.14 REGISTER with a URL escaped header", "regescrt", "accepted"],
  ["3.3.15 unacceptable Accept offering", "sdp01", "accepted"],
  ["3.4.1 INVITE with RFC 2543 syntax", "inv2543", "accepted"],
];

function contactsOf(name: string): readonly Contact[] {
  const contacts = readContacts(accepted(messages[name]));
  return Array.isArray(contacts) ? contacts : [];
}

describe("RFC 4475", () => {
  it("has 49 messages, each with a verdict", () => {
    expect(table.map(([, name]) => name).sort()).toEqual(Object.keys(messages).sort());
    expect(table).toHaveLength(49);
  });

  it.each(table)("§%s (%s): %s", (_section, name, verdict) => {
    expect(verdictOf(messages[name] ?? "")).toBe(verdict);
  });

  it("§3.1.1.1: folding, white space, compact forms and lists are read through", () => {
    const message = accepted(messages["wsinv"]);
    expect(readMandatoryHeaders(message)).toMatchObject({
      via: { transport: "UDP", host: "192.0.2.2", branch: "390skdjuw" },
      fromTag: "98asjd8",
      toTag: "1918181833n",
      callId: "wsinv.ndaksdj@192.0.2.1",
      cseq: { number: 9, method: "INVITE" },
      maxForwards: 68,
    });
    expect(headerValues(message, "via")).toHaveLength(3);
    expect(headerValue(message, "subject")).toBe("");
    expect(readContacts(message)).toMatchObject([{ displayName: '"Quoted string \\"\\""', uri: "sip:jdrosen@example.com" }]);
  });

  it("§3.1.1.2: the method and the header are made of every character a token may have", () => {
    const message = accepted(messages["intmeth"]);
    expect(message).toMatchObject({ kind: "request", method: "!interesting-Method0123456789_*+`.%indeed'~" });
    expect(readMandatoryHeaders(message)).toMatchObject({ callId: "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{" });
  });

  it("§3.1.1.3, §3.1.1.4: escapes in user parts are undone, null octets too", () => {
    const escaped = accepted(messages["esc01"]);
    const uri = parseUri(escaped.kind === "request" ? escaped.requestUri : "");
    expect(uri).toMatchObject({ user: "sips%3Auser%40example.com", host: "example.net" });
    expect(unescape("sips%3Auser%40example.com")).toBe("sips:user@example.com");
    expect(unescape("null-%00-null")).toBe("null-\u0000-null");
  });

  it("§3.1.1.5: a method may hold a % that is no escape", () => {
    expect(accepted(messages["esc02"])).toMatchObject({ method: "RE%47IST%45R" });
  });

  it("§3.1.1.8: octets behind the body are dropped", () => {
    expect(bodyOf(accepted(messages["dblreq"]))).toBe("");
  });

  it("§3.1.1.9: a semicolon in the user part is no parameter", () => {
    const message = accepted(messages["semiuri"]);
    expect(parseUri(message.kind === "request" ? message.requestUri : "")).toMatchObject({
      user: "user;par=u%40example.net",
      host: "example.com",
    });
  });

  it("§3.1.1.10: transports are tokens", () => {
    const vias = headerValues(accepted(messages["transports"]), "via").map(parseVia);
    expect(vias).toMatchObject([
      { transport: "UDP" },
      { transport: "SCTP" },
      { transport: "TLS" },
      { transport: "UNKNOWN" },
      { transport: "TCP" },
    ]);
  });

  it("§3.1.1.11: a body with null octets is kept exactly", () => {
    expect(bodyOf(accepted(messages["mpart01"]))).toHaveLength(Number(headerValue(accepted(messages["mpart01"]), "content-length")));
  });

  it("§3.1.1.12, §3.1.1.13: reason phrases may be anything, or nothing", () => {
    expect(accepted(messages["unreason"])).toMatchObject({ status: 200 });
    expect(accepted(messages["noreason"])).toMatchObject({ status: 100, reason: "" });
  });

  it("§3.2.1: a branch that is only the magic cookie is no identifier", () => {
    expect(readMandatoryHeaders(accepted(messages["badbranch"]))).toMatchObject({ via: { branch: "z9hG4bK" } });
  });

  it("§3.3.12, §3.3.13: a parameter belongs to the header without brackets, to the URI within them", () => {
    const [header] = contactsOf("cparam01");
    expect(header?.uri).toBe("sip:+19725552222@gw1.example.net");
    expect(parameter(header?.parameters ?? [], "unknownparam")).toBe("");
    const [url] = contactsOf("cparam02");
    expect(url).toMatchObject({ uri: "sip:+19725552222@gw1.example.net;unknownparam", parameters: [] });
  });
});
