import { describe, expect, it } from "vitest";
import { type Address, addressOf } from "../../../../lib/location/address.ts";
import { openTemporaryGruu, publicGruu, registrationMark, temporaryGruu } from "../../../../lib/location/gruu.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { type SipUri, parseUri } from "../../../../lib/syntax/uri.ts";
import { keyring, strangeKeyring } from "../support/sip.ts";

const instance = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const gruu = { user: "alice", phone: "abcdefgh", registration: registrationMark("call-1") };

function uriOf(text: string): SipUri {
  const uri = parseUri(text);
  if (isFault(uri) || uri.kind !== "sip") throw new Error(`${text} is not a SIP URI`);
  return uri;
}

const named = (text: string): Address | undefined => addressOf(keyring, uriOf(text));

describe("whom a SIP URI names", () => {
  it.each([
    ["sip:alice@example.com", "alice", "example.com"],
    ["sip:Alice@EXAMPLE.com:5061;transport=ws", "Alice", "example.com"],
    ["sips:%61lice@example.com", "alice", "example.com"],
    ["sip:+49-30@example.com;user=phone", "+4930", "example.com"],
    ["sip:alice@[2001:DB8::1]", "alice", "[2001:db8::1]"],
  ])("%s is an address of record", (text, user, domain) => {
    expect(named(text)).toEqual({ user, domain, instance: undefined, registration: undefined });
  });

  it.each([
    ["sip:+1(212)555-0.1@example.com;user=phone", "+121255501"],
    ["sip:+1-212;phone-context=x@example.com;USER=Phone", "+1212"],
    ["sip:+1-212@example.com", "+1-212"],
    ["sip:+49%2030/1@example.com;user=phone", "+49301"],
    ["sip:bob-smith@example.com;user=phone", "bob-smith"],
    ["sip:-.-@example.com;user=phone", "-.-"],
  ])("%s names %s: visual separators count in no telephone number (RFC 3966 §5.1.1)", (text, user) => {
    expect(named(text)?.user).toBe(user);
  });

  it("a URI without a user part names nobody", () => {
    expect(named("sip:example.com")).toBeUndefined();
  });
});

describe("a public GRUU (RFC 5627 §3.1.1)", () => {
  it("is the address of record with the instance, and is a valid URI", () => {
    expect(publicGruu("alice", "example.com", instance)).toBe(`sip:alice@example.com;gr=${instance}`);
    expect(named(publicGruu("alice", "example.com", instance))).toEqual({
      user: "alice",
      domain: "example.com",
      instance,
      registration: undefined,
    });
  });
});

describe("an instance that no URI parameter can hold", () => {
  it.each(["no urn", 'a"b', "a;b=c", "a>b,<c", "naïve", "100%", "a@b?c", "\r\nX: y", "\ud800"])("%j is escaped, and read back", (odd) => {
    const text = publicGruu("alice", "example.com", odd);
    expect(text).toMatch(/^sip:alice@example\.com;gr=[\w\-.%:]+$/);
    expect(named(text)?.instance).toBe(odd.toWellFormed());
  });
});

describe("a temporary GRUU (RFC 5627 §3.1.2)", () => {
  const text = temporaryGruu(keyring, "example.com", gruu, 1);

  it("names the phone and the registration it was made in", () => {
    expect(named(text)).toEqual({ user: "alice", domain: "example.com", instance: "abcdefgh", registration: registrationMark("call-1") });
  });

  it("tells nobody whose it is", () => {
    expect(text).toMatch(/^sip:tgruu\.[\w-]+@example\.com;gr$/);
    for (const secret of ["alice", "abcdefgh", gruu.registration])
      expect(Buffer.from(text, "base64url").toString("latin1")).not.toContain(secret);
  });

  it("is another one after each refresh, and the earlier ones stay valid", () => {
    const next = temporaryGruu(keyring, "example.com", gruu, 2);
    expect(next).not.toBe(text);
    expect(named(next)).toEqual(named(text));
  });

  it.each([
    ["in another domain", text.replace("example.com", "example.org")],
    ["cut", text.replace(/.@/, "@")],
    ["that begins otherwise", text.replace("tgruu.", "other.")],
    ["that only says so", "sip:tgruu.AAAA@example.com;gr"],
    ["of another server", temporaryGruu(strangeKeyring, "example.com", gruu, 1)],
    ["that is an address of record", "sip:alice@example.com;gr"],
  ])("%s names nobody", (_which, forged) => {
    expect(named(forged)).toBeUndefined();
  });

  it("with its case changed on the way names nobody, and does not throw", () => {
    expect(openTemporaryGruu(keyring, `tgruu.${uriOf(text).user?.slice(6).toUpperCase()}`, "example.com")).toBeUndefined();
  });
});
