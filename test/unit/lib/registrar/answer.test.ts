import { describe, expect, it } from "vitest";
import type { Binding } from "../../../../lib/location/binding.ts";
import { registerLines } from "../../../../lib/registrar/answer.ts";
import { keyring } from "../support/sip.ts";
import { after, inputOf, now, outbound } from "./support.ts";

const contact = "sip:alice@one.invalid;transport=ws";

function answer(lines: readonly string[], bindings: readonly Binding[] = after(lines), later = 0, flowTimer = 120): string {
  const { request } = inputOf(lines);
  const named = { user: "alice", domain: "example.com", host: "sip.example.com:8080" };
  return registerLines({ request, bindings, ...named, now: now + later, keyring, flowTimer });
}

const values = (lines: string, name: string): string[] =>
  lines.split("\r\n").flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));

describe("the 200 to a REGISTER (RFC 3261 §10.3 step 8)", () => {
  it("has every binding with what is left of it in seconds, rounded up", () => {
    const bindings = after([`Contact: <${contact}>;q=0.5;expires=100, <sip:alice@two.invalid>;expires=60`]);
    expect(values(answer([], bindings, 1500), "Contact")).toEqual([`<${contact}>;q=0.5;expires=99`, "<sip:alice@two.invalid>;expires=59"]);
    expect(values(answer([], bindings, 70_000), "Contact")[1]).toBe("<sip:alice@two.invalid>;expires=0");
  });

  it("has a Date", () => {
    expect(values(answer([]), "Date")).toEqual(["Tue, 14 Nov 2023 22:13:20 GMT"]);
  });

  it("says what we support", () => {
    expect(values(answer([]), "Supported")).toEqual(["gruu, outbound, path"]);
  });
});

describe("Require: outbound (RFC 5626 §6)", () => {
  const lines = [outbound(contact, 1), "Supported: outbound"];

  it("says that the sender's flow is bound", () => {
    expect(values(answer(lines), "Require")).toEqual(["outbound"]);
  });

  it.each([
    ["who does not support it", [outbound(contact, 1)], after(lines)],
    ["who has no reg-id", [`Contact: <${contact}>`, "Supported: outbound"], after([`Contact: <${contact}>`])],
    ["who has no reg-id, though another phone has", [`Contact: <${contact}>`, "Supported: outbound", "Call-ID: other"], after(lines)],
    ["who only asks", ["Supported: outbound"], after(lines)],
  ])("is not said to one %s", (_whom, request, bindings) => {
    expect(values(answer(request, bindings), "Require")).toEqual([]);
  });
});

describe("Flow-Timer (RFC 5626 §5.4)", () => {
  const lines = [outbound(contact, 1), "Supported: outbound"];

  it("asks for keep-alives where outbound is in use, and only there", () => {
    expect(values(answer(lines), "Flow-Timer")).toEqual(["120"]);
    expect(values(answer([`Contact: <${contact}>`, "Supported: outbound"]), "Flow-Timer")).toEqual([]);
  });

  it("is not said if it is switched off", () => {
    expect(values(answer(lines, after(lines), 0, 0), "Flow-Timer")).toEqual([]);
  });
});

describe("Service-Route (RFC 3608 §6.3)", () => {
  it("names the way that the phone is on", () => {
    expect(values(answer([`Contact: <${contact}>`]), "Service-Route")).toEqual(["<sip:sip.example.com:8080;transport=ws;lr>"]);
  });

  it("is not there where nothing is bound", () => {
    expect(values(answer([], []), "Service-Route")).toEqual([]);
  });
});

describe("Path (RFC 3327 §5.3)", () => {
  const path = "<sip:edge.invalid;lr>";

  it("is told to one who supports it, as it was in his request", () => {
    expect(values(answer([`Contact: <${contact}>`, `Path: ${path}`, "Supported: path"]), "Path")).toEqual([path]);
    expect(values(answer([`Contact: <${contact}>`, `Path: ${path}`]), "Path")).toEqual([]);
  });
});

describe("GRUUs (RFC 5627 §5.2)", () => {
  const bindings = after([outbound(contact, 1), "CSeq: 4 REGISTER"]);
  const ofContact = (text = "", name = ""): string | undefined => new RegExp(`;${name}="([^"]*)"`).exec(text)?.[1];

  it("are told to one who supports them, for each contact with an instance", () => {
    const plain = after([`Contact: <sip:alice@two.invalid>`, "Call-ID: other"], { bindings });
    const [first, second] = values(answer(["Supported: gruu"], plain), "Contact");
    expect(ofContact(first, "pub-gruu")).toBe("sip:alice@example.com;gr=urn:uuid:1");
    expect(ofContact(first, "temp-gruu")).toMatch(/^sip:tgruu\.[\w-]+@example\.com;gr$/);
    expect(second).not.toContain("gruu");
  });

  it("are not told to others", () => {
    expect(values(answer([], bindings), "Contact")[0]).not.toContain("gruu");
  });

  it("the temporary one is new for each refresh, the public one stays", () => {
    const refreshed = after([outbound(contact, 1), "CSeq: 5 REGISTER"], { bindings });
    const [before] = values(answer(["Supported: gruu"], bindings), "Contact");
    const [again] = values(answer(["Supported: gruu"], refreshed), "Contact");
    expect(ofContact(again, "temp-gruu")).not.toBe(ofContact(before, "temp-gruu"));
    expect(ofContact(again, "pub-gruu")).toBe(ofContact(before, "pub-gruu"));
  });
});
