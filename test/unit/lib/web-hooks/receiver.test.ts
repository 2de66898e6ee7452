import { describe, expect, it } from "vitest";
import type { Known } from "../../../../lib/routing/question.ts";
import { type ReceiverPolicy, checkReceiver } from "../../../../lib/web-hooks/receiver.ts";

const usual: ReceiverPolicy = { allowsPlain: false, networks: [] };
const zone: Readonly<Record<string, string>> = {
  "A good.example": "1.1.1.1",
  "AAAA good.example": "2606:4700::1111",
  "A mixed.example": "1.1.1.1",
  "AAAA mixed.example": "fd00::1",
  "A inside.example": "10.0.0.1",
};
const known: Known = ({ name, type }) => {
  const address = zone[`${type} ${name}`];
  if (name === "broken.example") return { kind: "failed" };
  if (address === undefined || (type !== "A" && type !== "AAAA")) return { kind: "none", ttl: 1 };
  return { kind: "records", ttl: 1, records: [{ type, address }] };
};
const check = (url: string, policy = usual) => checkReceiver(new URL(url), policy, known);
const why = (url: string, policy = usual) => {
  const result = check(url, policy);
  return result.kind === "unreachable" ? result.why : result.kind;
};

describe("the receiver of a web hook", () => {
  it("is asked for in the DNS by both types of address", () => {
    expect(checkReceiver(new URL("https://good.example/"), usual, () => undefined)).toEqual({
      kind: "ask",
      questions: [
        { name: "good.example", type: "A" },
        { name: "good.example", type: "AAAA" },
      ],
    });
  });

  it.each(["https://good.example/x", "https://good.example.:8443/", "https://1.1.1.1/", "https://[2606:4700::1111]/"])("may be %s", (url) =>
    expect(why(url)).toBe("reachable"),
  );

  it.each([
    ["http://good.example/", "https"],
    ["https://user@good.example/", "a user name"],
    ["https://inside.example/", "10.0.0.1"],
    ["https://mixed.example/", "fd00::1"],
    ["https://none.example/", "no address"],
    ["https://broken.example/", "could not look up"],
    ["https://127.1/", "127.0.0.1"],
    ["https://0x7f000001/", "127.0.0.1"],
    ["https://[::1]/", "::1"],
    ["https://a.localhost/", "127.0.0.1"],
    ["https://192.168.0.1.nip/", "no address"],
  ])("may not be %s", (url, part) => expect(why(url)).toContain(part));

  it("may be in a network that the operator allows, and without TLS in local development", () => {
    expect(why("https://inside.example/", { ...usual, networks: ["10.0.0.0/8"] })).toBe("reachable");
    expect(why("http://localhost:3000/", { allowsPlain: true, networks: ["127.0.0.0/8"] })).toBe("reachable");
    expect(why("http://1.1.1.1/", { allowsPlain: true, networks: ["127.0.0.0/8"] })).toContain("https");
    expect(why("ftp://good.example/", { ...usual, allowsPlain: true })).toContain("https");
  });
});
