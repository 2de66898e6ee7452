import { describe, expect, it } from "vitest";
import { bindingKey } from "../../../../lib/location/binding.ts";
import { after, accepted, contactsOf, decide, now, settings } from "./support.ts";

const one = "sip:alice@one.invalid;transport=ws";
const two = "sip:alice@two.invalid;transport=ws";
const three = "sip:alice@three.invalid;transport=ws";

describe("RFC 3261 §10.3 step 2", () => {
  it.each(["path, gruu, outbound", "Outbound"])("Require: %s is understood", (tags) => {
    expect(contactsOf(after([`Require: ${tags}`, `Contact: <${one}>`]))).toEqual([one]);
  });

  it.each([
    ["100rel", "100rel"],
    ["path, sec-agree, gruu, foo", "sec-agree, foo"],
  ])("Require: %s draws 420 with Unsupported: %s", (tags, unsupported) => {
    expect(decide([`Require: ${tags}`, `Contact: <${one}>`])).toMatchObject({ status: 420, headers: [["Unsupported", unsupported]] });
  });
});

describe("RFC 3261 §10.3 step 6", () => {
  it("without Contact nothing changes", () => {
    const bindings = after([`Contact: <${one}>`]);
    expect(accepted(["CSeq: 1 REGISTER"], { bindings })).toEqual({ put: [], removed: [], bindings });
  });

  it("'*' with Expires: 0 removes all", () => {
    const bindings = after([`Contact: <${one}>, <${two}>`]);
    expect(accepted(["Contact: *", "Expires: 0", "CSeq: 2 REGISTER"], { bindings })).toEqual({ put: [], removed: bindings, bindings: [] });
  });

  it.each([
    ["no Expires", ["Contact: *"]],
    ["another Expires", ["Contact: *", "Expires: 60"]],
    ["a malformed Expires", ["Contact: *", "Expires: none"]],
    ["another Contact", ["Contact: *", `Contact: <${one}>`, "Expires: 0"]],
    ["another in its line", [`Contact: <${one}>, *`, "Expires: 0"]],
  ])("'*' with %s is refused with 400", (_with, lines) => {
    expect(decide(lines)).toMatchObject({ status: 400 });
  });

  it("'*' that comes out of order removes nothing: 500", () => {
    const bindings = after([`Contact: <${one}>`, "CSeq: 5 REGISTER"]);
    expect(decide(["Contact: *", "Expires: 0", "CSeq: 5 REGISTER"], { bindings })).toMatchObject({ status: 500 });
    expect(after(["Contact: *", "Expires: 0", "CSeq: 5 REGISTER", "Call-ID: other"], { bindings })).toEqual([]);
  });
});

describe("RFC 3261 §10.3 step 7: the expiry", () => {
  const granted = (lines: readonly string[], random = 0, spread = 0): number | undefined => {
    const [binding] = after(lines, { random, settings: { ...settings, spread } });
    return binding === undefined ? undefined : (binding.expires - now) / 1000;
  };

  it.each([
    ["the expires parameter, before the header", [`Contact: <${one}>;expires=120`, "Expires: 240"], 120],
    ["the Expires header", [`Contact: <${one}>`, "Expires: 240"], 240],
    ["our default", [`Contact: <${one}>`], 600],
    ["our maximum at most", [`Contact: <${one}>;expires=86400`], 7200],
    ["our maximum, also for what is more than 2^32-1", [`Contact: <${one}>;expires=99999999999999999999`], 7200],
    ["our minimum", [`Contact: <${one}>;expires=60`], 60],
    ["an hour for a malformed parameter (§20.10)", [`Contact: <${one}>;expires=soon`], 3600],
    ["our default for a malformed header", [`Contact: <${one}>`, "Expires: soon"], 600],
  ])("is %s", (_what, lines, seconds) => {
    expect(granted(lines)).toBe(seconds);
  });

  it.each([59, 1])("of %d seconds is refused with 423 and Min-Expires", (seconds) => {
    const refusal = { status: 423, headers: [["Min-Expires", "60"]] };
    expect(decide([`Contact: <${one}>;expires=${seconds}`])).toMatchObject(refusal);
    expect(decide([`Contact: <${one}>`, `Expires: ${seconds}`])).toMatchObject(refusal);
  });

  it.each([
    [0, 600],
    [0.5, 570],
    [0.999, 540],
  ])("is spread, so that refreshes do not come together: chance %d grants %d", (random, seconds) => {
    expect(granted([`Contact: <${one}>`], random, 0.1)).toBe(seconds);
  });

  it("is spread no further down than our minimum", () => {
    expect(granted([`Contact: <${one}>;expires=61`], 0.9, 0.5)).toBe(60);
  });

  it("is exact in the binding, and its row has a longer lease", () => {
    expect(after([`Contact: <${one}>;expires=100`])).toMatchObject([{ expires: now + 100_000, lease: now + 1_000_000 }]);
  });

  it("of 0 removes the binding, and only this one", () => {
    const bindings = after([`Contact: <${one}>, <${two}>`]);
    const outcome = accepted([`Contact: <${one}>;expires=0`, "CSeq: 2 REGISTER"], { bindings });
    expect([contactsOf(outcome.removed), contactsOf(outcome.bindings)]).toEqual([[one], [two]]);
    expect(accepted([`Contact: <${three}>;expires=0`, "CSeq: 2 REGISTER"], { bindings })).toEqual({ put: [], removed: [], bindings });
  });
});

describe("RFC 3261 §10.3 step 7: Call-ID and CSeq", () => {
  const bindings = after([`Contact: <${one}>`, "CSeq: 7 REGISTER"]);

  it.each([
    ["the same Call-ID and a higher CSeq", "call", 8, "taken"],
    ["the same Call-ID and the same CSeq", "call", 7, 500],
    ["the same Call-ID and a lower CSeq", "call", 6, 500],
    ["another Call-ID and a lower CSeq", "other", 1, "taken"],
  ])("%s", (_what, callId, cseq, expected) => {
    const lines = [`Call-ID: ${callId}`, `CSeq: ${cseq} REGISTER`];
    for (const contact of [`Contact: <${one}>`, `Contact: <${one}>;expires=0`]) {
      const outcome = decide([...lines, contact], { bindings });
      expect("status" in outcome ? outcome.status : "taken").toBe(expected);
    }
  });

  it("of another contact do not matter", () => {
    expect(contactsOf(after([`Contact: <${two}>`, "CSeq: 1 REGISTER"], { bindings }))).toEqual([one, two]);
  });
});

describe("RFC 3261 §10.3 step 7: all or nothing", () => {
  const bindings = after([`Contact: <${one}>`, "CSeq: 7 REGISTER"]);

  it.each([
    ["is too short", [`Contact: <${two}>, <${three}>;expires=5`, "CSeq: 8 REGISTER"], 423],
    ["comes out of order", [`Contact: <${two}>, <${one}>`, "CSeq: 7 REGISTER"], 500],
    ["is malformed", [`Contact: <${two}>, <sip:>`, "CSeq: 8 REGISTER"], 400],
    ["has a malformed q", [`Contact: <${two}>, <${three}>;q=2`, "CSeq: 8 REGISTER"], 400],
  ])("one Contact of several that %s refuses all", (_what, lines, status) => {
    expect(decide(lines, { bindings })).toMatchObject({ status });
  });
});

describe("contacts", () => {
  it("are the same if their URIs are equal (§19.1.4), and the later spelling stays", () => {
    const bindings = after([`Contact: <sip:alice@ONE.invalid;transport=ws>`]);
    const outcome = accepted([`Contact: <sip:%61lice@one.invalid;transport=ws>`, "CSeq: 2 REGISTER"], { bindings });
    expect([outcome.removed.length, contactsOf(outcome.bindings)]).toEqual([1, ["sip:%61lice@one.invalid;transport=ws"]]);
  });

  it.each([
    "sip:Alice@one.invalid;transport=ws",
    "sip:alice@one.invalid",
    "sips:alice@one.invalid;transport=ws",
    "sip:alice@one.invalid:5060;transport=ws",
  ])("%s is another (§19.1.4)", (other) => {
    const bindings = after([`Contact: <${one}>`]);
    expect(contactsOf(after([`Contact: <${other}>`, "CSeq: 2 REGISTER"], { bindings }))).toEqual([one, other]);
  });

  it("that stand twice in a request are bound once, as the later says", () => {
    const bindings = after([`Contact: <${one}>;q=0.1, <${two}>, <${one}>;q=0.9`]);
    expect(bindings.map(({ contact, q }) => [contact, q])).toEqual([
      [two, 1000],
      [one, 900],
    ]);
    expect(contactsOf(after([`Contact: <${one}>, <${one}>;expires=0`]))).toEqual([]);
  });

  it.each([
    ["0", 0],
    ["0.5", 500],
    ["0.123", 123],
    ["1.000", 1000],
  ])("have q=%s", (q, thousandths) => {
    expect(after([`Contact: <${one}>;q=${q}`])).toMatchObject([{ q: thousandths }]);
  });

  it("keep their parameters as registered, but for those that are ours to set", () => {
    const written = ';expires=100;+sip.ice;methods="INVITE, BYE";pub-gruu="sip:x@y;gr=z";temp-gruu="sip:t@y;gr";q=0.5';
    expect(after([`Contact: <${one}>${written}`])).toMatchObject([{ parameters: ';+sip.ice;methods="INVITE, BYE";q=0.5' }]);
  });

  it("keep the Path of their request (RFC 3327 §5.3)", () => {
    const paths = ["<sip:edge1.invalid;lr>", "<sip:edge2.invalid;lr>"];
    expect(after([`Contact: <${one}>`, `Path: ${paths.join(", ")}`])).toMatchObject([{ path: paths }]);
  });
});

describe("the number of contacts", () => {
  const lines = [`Contact: <${one}>, <${two}>, <${three}>`];
  const four = "Contact: <sip:alice@four.invalid>";
  const bindings = after(lines);

  it("has a limit, above which nothing changes: 403", () => {
    expect(decide([four, "CSeq: 2 REGISTER"], { bindings })).toMatchObject({ status: 403 });
    expect(decide([...lines, four])).toMatchObject({ status: 403 });
  });

  it("does not stand in the way of refreshes, removals and replacements", () => {
    expect(after([`Contact: <${one}>`, "CSeq: 2 REGISTER"], { bindings })).toHaveLength(3);
    expect(after([four, `Contact: <${two}>;expires=0`, "CSeq: 2 REGISTER"], { bindings })).toHaveLength(3);
    expect(after([`Contact: <${one}>`, "CSeq: 2 REGISTER"], { bindings, settings: { ...settings, maximumContacts: 1 } })).toHaveLength(3);
  });

  it("makes those go first whose phone is only waited for", () => {
    const away = new Set([bindings[1]?.key ?? ""]);
    const outcome = accepted([four, "CSeq: 2 REGISTER"], { bindings, away });
    expect([contactsOf(outcome.removed), contactsOf(outcome.bindings)]).toEqual([[two], [one, three, "sip:alice@four.invalid"]]);
  });

  it("lets no more of them go than must", () => {
    const away = new Set(bindings.map(({ key }) => key));
    expect(contactsOf(accepted([four, "CSeq: 2 REGISTER"], { bindings, away }).removed)).toEqual([one]);
  });
});

describe("a long Contact (RFC 8599)", () => {
  const long = (length: number) => `sip:a@b.invalid;pn-prid=${"x".repeat(length - 24)}`;

  it("may have 2,000 characters", () => {
    expect(decide([`Contact: <${long(2000)}>`])).toMatchObject({ put: [{ contact: long(2000) }] });
    expect(decide([`Contact: <${long(2001)}>`])).toMatchObject({ status: 400 });
  });

  it("has a short key of its own, which flows can carry", () => {
    const keys = ["x", "y"].map((last) => bindingKey(undefined, undefined, `${long(1999)}${last}`));
    expect(keys.every((key) => key.length < 150)).toBe(true);
    expect(keys[0]).not.toBe(keys[1]);
  });
});

describe("what rides with a binding", () => {
  const path = (length: number) => `Path: <sip:${"x".repeat(length - "<sip:@a.invalid;lr>".length)}@a.invalid;lr>`;

  it("Path may have 2,000 characters in all: 400 beyond", () => {
    expect(decide([path(2000), `Contact: <${one}>`])).toMatchObject({ put: [{ contact: one }] });
    expect(decide([path(1000), path(1001), `Contact: <${one}>`])).toMatchObject({ status: 400 });
  });

  it("the parameters of Contact may have 2,000 characters in all: 400 beyond", () => {
    const features = (length: number) => `Contact: <${one}>;x=${"y".repeat(length - 3)}`;
    expect(decide([features(2000)])).toMatchObject({ put: [{ contact: one }] });
    expect(decide([features(2001)])).toMatchObject({ status: 400 });
  });
});
